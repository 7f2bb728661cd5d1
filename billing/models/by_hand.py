"""What staff do by hand for the `manual` gateway: receipts of what arrived and payouts to carry out."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.arrangement import PayoutKind


class Receipt(models.Model):
    """A payment that arrived outside of every online gateway, as staff recorded it. Never changed."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120, unique=True)
    deposit = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=PayoutKind)
    reference = models.CharField(max_length=200, help_text="The bank's or network's own reference of this payment.")
    sender = models.CharField(max_length=300, help_text="Account, wallet or address that it came from.")
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="receipt_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="receipt_has_a_reference", condition=~Q(reference="")),
            models.UniqueConstraint(fields=["kind", "reference"], name="receipt_recorded_once"),
        ]
        triggers = [pgtrigger.Protect(name="receipt_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"


class PayoutState(models.TextChoices):
    """How far staff have got with a payout."""

    WAITING = "waiting", "To be carried out"
    CONFIRMED = "confirmed", "Carried out"
    FAILED = "failed", "Failed"


class PayoutQuerySet(models.QuerySet["Payout"]):
    """Adds the one way to lock payouts."""

    def locked(self) -> "PayoutQuerySet":
        """Lock the rows in primary key order."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Payout(models.Model):
    """Money that staff send by hand. The `manual` gateway's side of a refund: `key` is the idempotency key."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120, unique=True)
    leg = models.BigIntegerField()
    attempt = models.PositiveIntegerField()
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, null=True, blank=True, related_name="payouts")
    destination = models.CharField(max_length=400)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=PayoutState, default=PayoutState.WAITING)
    bank_reference = models.CharField(max_length=100, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = PayoutQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="payout_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="payout_state_known", condition=Q(state__in=PayoutState.values)),
            models.CheckConstraint(name="payout_has_a_destination", condition=~Q(destination="")),
            models.CheckConstraint(
                name="payout_confirmed_with_reference",
                condition=~Q(state=PayoutState.CONFIRMED) | (~Q(bank_reference="") & Q(decided_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="payout_failure_explained",
                condition=~Q(state=PayoutState.FAILED) | (~Q(failure="") & Q(decided_by__isnull=False)),
            ),
            models.UniqueConstraint(fields=["leg", "attempt"], name="payout_once_an_attempt"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="payout_waiting", condition=Q(state="waiting")),
            models.Index(fields=["decided_at"], name="payout_decided", condition=Q(decided_at__isnull=False)),
        ]
        triggers = [pgtrigger.Protect(name="payout_is_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"Payout {self.pk}"
