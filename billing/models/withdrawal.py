"""Withdrawals: balance on its way back to a customer, in legs, one for each deposit that it is paid back to."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import uuid4

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.deposit import Deposit, GatewaySlug


class WithdrawalState(models.TextChoices):
    """How far a withdrawal has got; after the review it follows its legs (`state_of`)."""

    REQUESTED = "requested", "Being arranged"
    IN_REVIEW = "in_review", "In review"
    SCHEDULED = "scheduled", "Scheduled"
    SENDING = "sending", "Being sent"
    UNKNOWN = "unknown", "Being checked"
    SENT = "sent", "Sent"
    PAID = "paid", "Paid"
    FAILED = "failed", "Failed"
    DECLINED = "declined", "Declined"
    CANCELED = "canceled", "Canceled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be sent; a paid one may still fail late."""
        return self in {self.PAID, self.FAILED, self.DECLINED, self.CANCELED}


# What we promised a day for and have not sent; sent ones wait for the bank alone and can't be late any more.
PROMISED: Final = (
    WithdrawalState.IN_REVIEW,
    WithdrawalState.REQUESTED,
    WithdrawalState.SCHEDULED,
    WithdrawalState.SENDING,
    WithdrawalState.UNKNOWN,
)


class Origin(models.TextChoices):
    """Who started it."""

    CUSTOMER = "customer", "Customer"
    GATEWAY = "gateway", "By hand at the gateway"
    WARNING = "warning", "After a fraud warning"


class LegState(models.TextChoices):
    """How far one leg has got."""

    ARRANGING = "arranging", "Being arranged"
    PLANNED = "planned", "Scheduled"
    SENDING = "sending", "Being sent"
    UNKNOWN = "unknown", "Being checked"
    SENT = "sent", "Sent"
    PAID = "paid", "Paid"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Not sent"

    def may_become(self, other: "LegState") -> bool:
        """Whether a leg may move on to `other`: forward only; `failed` and `canceled` are final."""
        return other in _LEG_MOVES[self]

    @property
    def is_held(self) -> bool:
        """Whether the leg's money is on the held account and reserved on its deposit."""
        return self in HELD


STOPPABLE: Final = frozenset({LegState.PLANNED, LegState.ARRANGING})
BEGUN: Final = frozenset({LegState.SENDING, LegState.UNKNOWN, LegState.SENT, LegState.PAID})


def may_be_taken_back(legs: Collection[LegState]) -> bool:
    """Whether a customer may cancel a withdrawal whose legs are in these states: something waits, nothing has begun."""
    return not STOPPABLE.isdisjoint(legs) and BEGUN.isdisjoint(legs)


HELD: Final = (LegState.ARRANGING, LegState.PLANNED, LegState.SENDING, LegState.UNKNOWN, LegState.SENT)

_LEG_MOVES: Final[dict[LegState, frozenset[LegState]]] = {
    LegState.ARRANGING: frozenset({LegState.PLANNED, LegState.CANCELED}),
    # Straight to sent or later when a gateway that said "not carried out" had acted after all.
    LegState.PLANNED: frozenset(
        {LegState.SENDING, LegState.CANCELED, LegState.SENT, LegState.PAID, LegState.FAILED},
    ),
    # Back to planned only when it was definitely not carried out.
    LegState.SENDING: frozenset(
        {LegState.PLANNED, LegState.UNKNOWN, LegState.SENT, LegState.PAID, LegState.FAILED},
    ),
    LegState.UNKNOWN: frozenset(
        {LegState.SENDING, LegState.PLANNED, LegState.SENT, LegState.PAID, LegState.FAILED},
    ),
    LegState.SENT: frozenset({LegState.PAID, LegState.FAILED}),
    LegState.PAID: frozenset({LegState.FAILED}),
    LegState.FAILED: frozenset(),
    LegState.CANCELED: frozenset(),
}


def state_of(legs: Collection[LegState]) -> WithdrawalState:  # noqa: PLR0911 - falls through ordered rules
    """Return the state of a reviewed withdrawal whose legs are in these states."""
    found = frozenset(legs)
    under_way = bool(found & {LegState.SENT, LegState.PAID})
    if LegState.UNKNOWN in found:
        return WithdrawalState.UNKNOWN
    if LegState.SENDING in found:
        return WithdrawalState.SENDING
    if found & {LegState.PLANNED, LegState.ARRANGING}:
        if under_way:
            return WithdrawalState.SENDING
        return WithdrawalState.SCHEDULED if LegState.PLANNED in found else WithdrawalState.REQUESTED
    if LegState.SENT in found:
        return WithdrawalState.SENT
    if LegState.PAID in found:
        return WithdrawalState.PAID
    return WithdrawalState.FAILED if LegState.FAILED in found else WithdrawalState.CANCELED


class WithdrawalQuerySet(models.QuerySet["Withdrawal"]):
    """Adds the one way to lock withdrawals."""

    def locked(self) -> "WithdrawalQuerySet":
        """Lock the rows in primary key order: before legs, deposits and accounts."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Withdrawal(models.Model):
    """One request to have balance paid back. Dates are promises by the business calendar, fixed at the request."""

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawals", db_index=False
    )
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.CUSTOMER)
    state = models.CharField(max_length=10, choices=WithdrawalState)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3)
    # The policy's decision; versions live in a higher room.
    policy_version = models.BigIntegerField(null=True, blank=True)
    clause = models.CharField(max_length=60, blank=True)
    sentence = models.TextField("decision in words", blank=True)
    review_reason = models.CharField(max_length=300, blank=True)
    decline_reason = models.CharField(max_length=300, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField()
    send_at = models.DateTimeField("sent from", help_text="Until then the customer can cancel it.")
    earliest_date = models.DateField()
    send_by_date = models.DateField()
    bank_by_date = models.DateField()
    overdue_at = models.DateTimeField()
    due_at = models.DateTimeField("next step at", null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = WithdrawalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="withdrawal_state_known", condition=Q(state__in=WithdrawalState.values)),
            models.CheckConstraint(name="withdrawal_origin_known", condition=Q(origin__in=Origin.values)),
            models.CheckConstraint(name="withdrawal_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="withdrawal_review_has_a_reason",
                condition=~Q(state=WithdrawalState.IN_REVIEW) | ~Q(review_reason=""),
            ),
            models.CheckConstraint(
                name="withdrawal_decline_explained",
                condition=~Q(state=WithdrawalState.DECLINED) | (~Q(decline_reason="") & Q(reviewed_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="withdrawal_decided_by_a_policy",
                condition=Q(origin=Origin.GATEWAY) | (Q(policy_version__isnull=False) & ~Q(clause="")),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="withdrawal_of_customer"),
            models.Index(fields=["due_at"], name="withdrawal_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["overdue_at"],
                name="withdrawal_promised",
                condition=Q(state__in=[state.value for state in PROMISED]),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="amount_is_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.customer_id <> NEW.customer_id OR OLD.amount <> NEW.amount OR OLD.origin <> NEW.origin"
                ),
                func=(
                    "RAISE EXCEPTION 'a withdrawal keeps its customer and its amount'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="withdrawal_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Withdrawal {self.pk}"

    @staticmethod
    def overdue(at: datetime) -> Q:
        """Return what finds withdrawals that are not sent although the promised day is over."""
        return Q(state__in=PROMISED, overdue_at__lte=at)


# The parts of a deposit follow the states of its legs, so that no code path can send more than was received: the
# check on the deposit refuses the statement that would.
_MOVE_PARTS = """
    IF TG_OP = 'UPDATE' AND OLD.deposit_id IS NOT NULL THEN
        IF OLD.deposit_id IS DISTINCT FROM NEW.deposit_id OR OLD.amount <> NEW.amount THEN
            RAISE EXCEPTION 'a leg keeps its deposit and its amount' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF NEW.deposit_id IS NOT NULL THEN
        was_reserved := TG_OP = 'UPDATE' AND OLD.state IN ('arranging', 'planned', 'sending', 'unknown', 'sent');
        was_refunded := TG_OP = 'UPDATE' AND OLD.state = 'paid';
        is_reserved := NEW.state IN ('arranging', 'planned', 'sending', 'unknown', 'sent');
        is_refunded := NEW.state = 'paid';
        IF was_reserved <> is_reserved OR was_refunded <> is_refunded THEN
            UPDATE billing_deposit
            SET reserved = reserved + NEW.amount * (is_reserved::int - was_reserved::int),
                refunded = refunded + NEW.amount * (is_refunded::int - was_refunded::int)
            WHERE id = NEW.deposit_id;
        END IF;
    END IF;
    RETURN NULL;
"""


class LegQuerySet(models.QuerySet["WithdrawalLeg"]):
    """Adds the one way to lock legs."""

    def locked(self) -> "LegQuerySet":
        """Lock the rows in primary key order, after their withdrawals."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class WithdrawalLeg(models.Model):
    """A part of a withdrawal: paid back to one deposit, or, without one, by a way that support arranges.

    Attributes:
        attempt: how many definite failures came before; each attempt has a key of its own at the gateway.
        attempted_at: when the key of this attempt was first used; gateways forget keys after a day.
    """

    id = models.BigAutoField(primary_key=True)
    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="legs")
    deposit = models.ForeignKey(
        Deposit, on_delete=models.PROTECT, null=True, blank=True, related_name="legs", db_index=False
    )
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    state = models.CharField(max_length=10, choices=LegState)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    attempt = models.PositiveIntegerField(default=1)
    attempted_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0, help_text="Calls made since the last step forward.")
    reference = models.CharField("gateway's reference", max_length=255, null=True, blank=True)  # noqa: DJ001 - unique when known
    bank_reference = models.CharField(max_length=100, blank=True)
    gateway_words = models.CharField("gateway's words", max_length=100, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField("next step at", null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = LegQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="leg_state_known", condition=Q(state__in=LegState.values)),
            models.CheckConstraint(name="leg_gateway_known", condition=Q(gateway__in=GatewaySlug.values)),
            models.CheckConstraint(name="leg_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="leg_attempt_has_a_time",
                condition=Q(state__in=["arranging", "planned", "canceled"]) | Q(attempted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="leg_sent_has_a_reference",
                condition=~Q(state__in=["sent", "paid"]) | Q(reference__isnull=False),
            ),
            models.CheckConstraint(
                name="leg_ended_is_not_due",
                condition=~Q(state__in=["failed", "canceled"]) | Q(due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="leg_arranged_has_no_deposit",
                condition=~Q(state="arranging") | Q(deposit__isnull=True),
            ),
            models.UniqueConstraint(fields=["gateway", "reference"], name="leg_reference_once"),
        ]
        indexes = [
            models.Index(fields=["deposit"], name="leg_of_deposit", condition=Q(deposit__isnull=False)),
            models.Index(fields=["paid_at"], name="leg_paid", condition=Q(paid_at__isnull=False)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="move_parts",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("state", "deposit_id", "amount"),
                declare=[
                    ("was_reserved", "boolean"),
                    ("was_refunded", "boolean"),
                    ("is_reserved", "boolean"),
                    ("is_refunded", "boolean"),
                ],
                func=_MOVE_PARTS,
            ),
            pgtrigger.Trigger(
                name="final_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.withdrawal_id <> NEW.withdrawal_id OR OLD.amount <> NEW.amount"
                    " OR (OLD.state IN ('failed', 'canceled') AND NEW.state <> OLD.state)"
                    " OR (OLD.state = 'paid' AND NEW.state NOT IN ('paid', 'failed'))"
                ),
                func=(
                    "RAISE EXCEPTION 'a leg that ended stays ended, and keeps its amount'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="leg_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Leg {self.pk} of withdrawal {self.withdrawal_id}"

    @property
    def key(self) -> str:
        """The idempotency key of this attempt; never made from the amount, so equal legs stay two."""
        return f"{self.withdrawal.key.hex}-{self.pk}-{self.attempt}"

    @property
    def is_late_failure(self) -> bool:
        """Whether it failed after it had counted as paid."""
        return self.state == LegState.FAILED and self.paid_at is not None


class WithdrawalEvent(models.Model):
    """One move of a withdrawal or of a leg of it. Append-only: what the timelines are made of."""

    id = models.BigAutoField(primary_key=True)
    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="events", db_index=False)
    leg = models.ForeignKey(
        WithdrawalLeg, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["withdrawal", "id"], name="withdrawal_events")]
        triggers = [
            pgtrigger.Protect(name="withdrawal_event_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"
