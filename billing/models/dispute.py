"""Disputes: a customer's bank asks for a payment back, and how that goes on."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet

from billing.models.deposit import Deposit, GatewaySlug
from panel.kernel import money


class Standing(models.TextChoices):
    """How far a dispute has got. The same words as billing.gateways.base.DisputeStanding."""

    INQUIRY = "inquiry", "Inquiry"
    NEEDS_RESPONSE = "needs_response", "Needs a response"
    UNDER_REVIEW = "under_review", "Under review"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    CLOSED = "closed", "Closed without a loss"
    UNRECOGNIZED = "unrecognized", "Not recognized"

    @property
    def is_open(self) -> bool:
        """Whether the bank has claimed the money and nobody has decided yet."""
        return self in FORMAL

    @property
    def is_over(self) -> bool:
        """Whether it was decided; even so it may be taken up again."""
        return self in OVER


FORMAL: Final = (Standing.NEEDS_RESPONSE, Standing.UNDER_REVIEW)
URGENT: Final = timedelta(hours=72)
OVER: Final = (Standing.WON, Standing.LOST, Standing.CLOSED)


class DisputeQuerySet(models.QuerySet["Dispute"]):
    """Adds the one way to lock disputes."""

    def locked(self) -> "DisputeQuerySet":
        """Lock the rows in primary key order: before withdrawals, orders, deposits and accounts."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Dispute(models.Model):
    """One dispute of a deposit, as the gateway last told it, and what was booked and done because of it.

    Attributes:
        amount: what the bank claims; it may differ from the deposit. Money scale, like all amounts here.
        withdrawn, reinstated: what the gateway has taken for it and not given back; what it gave back.
        secured: what is in the customer's held account because of it, out of his balance or as debt.
        lost: what was booked out to the gateway for good.
        fee: what the customer bears of the gateway's `fee_charged`.
        version: counts what was recorded, so that a report that was read before is not applied after a newer one.
        acted_at: when the account was dealt with as the policy says for an open dispute; None when that was undone.
        suspends, bans: whether the account is suspended, or closed, because of it.
        contacted: whether the customer had written about the payment or its orders before; None for not known yet.
        attention: why a person has to look, in words; empty when nobody has.
    """

    id = models.BigAutoField(primary_key=True)
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    reference = models.CharField("gateway's reference", max_length=255)
    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="disputes", db_index=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="disputes", db_index=False
    )
    standing = models.CharField(max_length=20, choices=Standing)
    gateway_words = models.CharField("gateway's words", max_length=100)
    is_appeal = models.BooleanField("appeal", default=False)
    reason = models.CharField(max_length=100, blank=True)
    reason_code = models.CharField("network's code", max_length=100, blank=True)
    amount = models.DecimalField("amount claimed", max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3)
    withdrawn = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    reinstated = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    fee_charged = models.DecimalField("gateway's fee", max_digits=20, decimal_places=6, default=0)
    secured = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    lost = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    fee = models.DecimalField("fee passed on", max_digits=20, decimal_places=6, default=0)
    has_evidence = models.BooleanField(default=False)
    submissions = models.PositiveIntegerField(default=0)
    policy_version = models.BigIntegerField(null=True, blank=True)
    acted_at = models.DateTimeField("account dealt with", null=True, blank=True)
    suspends = models.BooleanField(default=False)
    bans = models.BooleanField(default=False)
    contacted = models.BooleanField("contact before", null=True, blank=True)
    contact_note = models.CharField(max_length=300, blank=True)
    attention = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    respond_by = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField("ask the gateway at", null=True, blank=True)
    version = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="dispute_reference_once"),
            models.CheckConstraint(name="dispute_gateway_known", condition=Q(gateway__in=GatewaySlug.values)),
            models.CheckConstraint(name="dispute_standing_known", condition=Q(standing__in=Standing.values)),
            models.CheckConstraint(
                name="dispute_amounts_make_sense",
                condition=Q(
                    amount__gt=0, withdrawn__gte=0, reinstated__gte=0, fee_charged__gte=0, secured__gte=0, lost__gte=0,
                    fee__gte=0, fee__lte=F("fee_charged"),
                ),
            ),
            models.CheckConstraint(
                name="dispute_lost_holds_nothing", condition=~Q(standing=Standing.LOST) | Q(secured=0)
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["deposit"], name="dispute_of_deposit"),
            models.Index(fields=["customer", "-id"], name="dispute_of_customer"),
            models.Index(fields=["due_at"], name="dispute_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["respond_by"],
                name="dispute_to_answer",
                condition=Q(respond_by__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="dispute_keeps_its_payment",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.deposit_id <> NEW.deposit_id OR OLD.customer_id <> NEW.customer_id"
                    " OR OLD.reference <> NEW.reference OR OLD.gateway <> NEW.gateway OR NEW.version < OLD.version"
                ),
                func="RAISE EXCEPTION 'a dispute keeps its payment' USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Protect(name="dispute_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Dispute {self.pk}"

    @property
    def claim(self) -> str:
        """What the bank claims, in words: it may be in another currency than the panel's."""
        return money.display(self.amount, self.currency)

    @staticmethod
    def waiting() -> Q:
        """Return what finds the disputes that wait for an answer of ours, by the index `dispute_to_answer`."""
        return Q(respond_by__isnull=False)

    @staticmethod
    def urgent(at: datetime) -> Q:
        """Return what finds those of them that have to be answered within three days."""
        return Q(respond_by__lte=at + URGENT)

    @staticmethod
    def suspending() -> QuerySet["Dispute"]:
        """Return the disputes that keep an account suspended or closed."""
        found: QuerySet[Dispute] = Dispute.objects.filter(Q(suspends=True) | Q(bans=True))
        return found


class DisputeEvent(models.Model):
    """One thing that happened in a dispute. Append-only: what its timeline is made of.

    What was booked with it is in its note; the transfers' keys start with `dispute:ID:VERSION:`.
    """

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    from_standing = models.CharField(max_length=20, blank=True)
    to_standing = models.CharField(max_length=20)
    gateway_words = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["dispute", "id"], name="dispute_events")]
        triggers = [
            pgtrigger.Protect(name="dispute_event_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.from_standing} -> {self.to_standing}"
