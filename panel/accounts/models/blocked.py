"""Identities of customers who may not come back: e-mail addresses and payment methods."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class IdentityKind(models.TextChoices):
    """By what a customer is recognized again."""

    EMAIL = "email", "E-mail address"
    PAYMENT_METHOD = "payment_method", "Payment method"


class BlockedIdentity(models.Model):
    """One identity, blocked by one dispute or by staff; lifted, it stays as a record.

    Each who blocks it has a row of his own, so that lifting one leaves it blocked by the others.

    Attributes:
        value: an e-mail address as panel.accounts.blocklist compares it, or the gateway's fingerprint of a card or
            bank account.
        customer: whose identity it was.
        dispute_ref: the number of the dispute that blocked it; None when staff did. Disputes live in a higher room.
        author: who blocked it by hand; None when a dispute did.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=IdentityKind)
    value = models.CharField(max_length=300)
    reason = models.CharField(max_length=300)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="blocked_identities", db_index=False
    )
    dispute_ref = models.BigIntegerField("dispute", null=True, blank=True)
    blocked_at = models.DateTimeField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    lifted_because = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = "blocked identities"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="blocked_identity_kind_known", condition=Q(kind__in=IdentityKind.values)),
            models.CheckConstraint(name="blocked_identity_names_something", condition=~Q(value="")),
            models.CheckConstraint(name="blocked_identity_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="blocked_by_a_dispute_or_by_staff",
                condition=Q(dispute_ref__isnull=True, author__isnull=False)
                | Q(dispute_ref__isnull=False, author__isnull=True),
            ),
            models.CheckConstraint(
                name="blocked_identity_lifted_says_why",
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lifted_because="")
                | (Q(lifted_at__isnull=False) & ~Q(lifted_because="")),
            ),
            models.UniqueConstraint(
                fields=["kind", "value", "customer", "dispute_ref"],
                name="blocked_identity_once",
                condition=Q(lifted_at__isnull=True),
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="blocked_identity_of_customer"),
            models.Index(
                fields=["dispute_ref"], name="blocked_identity_of_dispute", condition=Q(dispute_ref__isnull=False)
            ),
            models.Index(fields=["value"], name="blocked_identity_value"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="blocked_identity_is_lifted_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.lifted_at IS NOT NULL OR OLD.kind <> NEW.kind OR OLD.value <> NEW.value"
                    " OR OLD.customer_id <> NEW.customer_id OR OLD.dispute_ref IS DISTINCT FROM NEW.dispute_ref"
                    " OR OLD.author_id IS DISTINCT FROM NEW.author_id OR OLD.reason <> NEW.reason"
                    " OR OLD.blocked_at <> NEW.blocked_at"
                ),
                func=(
                    "RAISE EXCEPTION 'a blocked identity is kept as it is, and lifted once'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="blocked_identity_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    @property
    def is_live(self) -> bool:
        """Whether it is blocked now."""
        return self.lifted_at is None
