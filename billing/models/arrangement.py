"""Arrangements: another way for what no deposit can take back, agreed between support and the customer."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.withdrawal import WithdrawalLeg


class PayoutKind(models.TextChoices):
    """How money is paid in or out by hand."""

    BANK = "bank", "Bank transfer"
    WALLET = "wallet", "Wallet"
    CRYPTO = "crypto", "Crypto"


class ArrangementQuerySet(models.QuerySet["Arrangement"]):
    """Adds the one way to lock arrangements."""

    def locked(self) -> "ArrangementQuerySet":
        """Lock the rows in primary key order, after their withdrawals."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Arrangement(models.Model):
    """A case for support: why, who was verified how, where to, and the customer's consent to exactly that."""

    id = models.BigAutoField(primary_key=True)
    leg = models.OneToOneField(WithdrawalLeg, on_delete=models.PROTECT, related_name="arrangement")
    reason = models.CharField(max_length=300)
    opened_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=PayoutKind, blank=True)
    destination = models.CharField(max_length=300, blank=True)
    verification = models.CharField("how the customer was verified", max_length=500, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposals = models.PositiveIntegerField(default=0)
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    consent_note = models.CharField("how the customer consented", max_length=500, blank=True)

    objects: ClassVar[Any] = ArrangementQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="arrangement_explained", condition=~Q(reason="")),
            models.CheckConstraint(
                name="arrangement_proposal_is_whole",
                condition=Q(proposed_at__isnull=True)
                | (
                    ~Q(destination="")
                    & ~Q(verification="")
                    & Q(kind__in=PayoutKind.values)
                    & Q(proposed_by__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="arrangement_consent_is_whole",
                condition=Q(consent_at__isnull=True)
                | (Q(proposed_at__isnull=False) & Q(consent_by__isnull=False) & ~Q(consent_note="")),
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], name="arrangement_open", condition=Q(consent_at__isnull=True))]
        triggers = [
            pgtrigger.Trigger(
                name="consent_binds",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.consent_at IS NOT NULL"),
                func=(
                    "RAISE EXCEPTION 'what a customer consented to is not changed afterwards'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="arrangement_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Arrangement for withdrawal {self.leg.withdrawal_id}"

    @property
    def way(self) -> str:
        """What is proposed, in the words that the customer is shown and agrees to; empty before there is a proposal."""
        return f"{PayoutKind(self.kind).label}: {self.destination}" if self.proposed_at else ""
