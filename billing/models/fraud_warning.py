"""Early fraud warnings: a card's issuer says that a payment was probably not made by the card's owner."""

from typing import Any, ClassVar, Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.deposit import Deposit, GatewaySlug
from billing.models.withdrawal import Withdrawal


class WarningState(models.TextChoices):
    """How far a case has got."""

    OPEN = "open", "Waits for staff"
    OBSERVED = "observed", "Observed"
    REFUNDING = "refunding", "Being refunded"
    REFUNDED = "refunded", "Refunded"
    DISMISSED = "dismissed", "Dismissed"

    def may_become(self, other: "WarningState") -> bool:
        """Whether a case may move on to `other`."""
        return other in _MOVES[self]


_MOVES: Final[dict[WarningState, frozenset[WarningState]]] = {
    WarningState.OPEN: frozenset({WarningState.REFUNDING, WarningState.DISMISSED}),
    WarningState.OBSERVED: frozenset({WarningState.REFUNDING, WarningState.DISMISSED}),
    # Open again when what was sent did not arrive, also late.
    WarningState.REFUNDING: frozenset({WarningState.REFUNDED, WarningState.OPEN}),
    WarningState.REFUNDED: frozenset({WarningState.OPEN}),
    WarningState.DISMISSED: frozenset(),
}


class WarningAction(models.TextChoices):
    """What was decided when it came. The same words as refunds.policy.document.OnWarning."""

    REFUND = "refund", "Refund what is left"
    TELL_STAFF = "tell_staff", "Tell staff"
    OBSERVE = "observe", "Observe"


class FraudWarningQuerySet(models.QuerySet["FraudWarning"]):
    """Adds the one way to lock cases."""

    def locked(self) -> "FraudWarningQuerySet":
        """Lock the rows in primary key order: after withdrawals, orders and deposits, before accounts."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class FraudWarning(models.Model):
    """One early fraud warning of a deposit, what was decided, and what became of it.

    Attributes:
        fraud_type: the gateway's word for what the issuer suspects.
        actionable: as the gateway said last; never again once it was false.
        action, why: what the policy of the payment led to, and why, in words for staff.
        left: what could have gone back when it came, by the balance and by the payment. Money scale, like `refund`.
        refund: what is going back, or went back, because of it.
        withdrawal: the one that carries the latest refund.
        holds: whether the account is suspended because of it.
    """

    id = models.BigAutoField(primary_key=True)
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    reference = models.CharField("gateway's reference", max_length=255)
    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="fraud_warnings", db_index=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="fraud_warnings", db_index=False
    )
    fraud_type = models.CharField(max_length=100, blank=True)
    actionable = models.BooleanField()
    state = models.CharField(max_length=10, choices=WarningState)
    action = models.CharField("decided", max_length=10, choices=WarningAction)
    why = models.CharField(max_length=300)
    policy_version = models.BigIntegerField(null=True, blank=True)
    left = models.DecimalField("could go back", max_digits=20, decimal_places=6)
    refund = models.DecimalField("goes back", max_digits=20, decimal_places=6, default=0)
    withdrawal = models.OneToOneField(
        Withdrawal, on_delete=models.PROTECT, null=True, blank=True, related_name="fraud_warning"
    )
    holds = models.BooleanField("account held", default=False)
    warned_at = models.DateTimeField()
    created_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = FraudWarningQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="fraud_warning_reference_once"),
            models.CheckConstraint(name="fraud_warning_gateway_known", condition=Q(gateway__in=GatewaySlug.values)),
            models.CheckConstraint(name="fraud_warning_state_known", condition=Q(state__in=WarningState.values)),
            models.CheckConstraint(name="fraud_warning_action_known", condition=Q(action__in=WarningAction.values)),
            models.CheckConstraint(name="fraud_warning_amounts_make_sense", condition=Q(left__gte=0, refund__gte=0)),
            models.CheckConstraint(
                name="fraud_warning_refund_has_a_withdrawal",
                condition=(
                    Q(state__in=["refunding", "refunded"], withdrawal__isnull=False, refund__gt=0)
                    | (~Q(state__in=["refunding", "refunded"]) & Q(refund=0))
                ),
            ),
            models.CheckConstraint(
                name="fraud_warning_left_alone_holds_nothing",
                condition=~Q(state__in=["observed", "dismissed"]) | Q(holds=False),
            ),
            models.CheckConstraint(
                name="fraud_warning_open_is_not_handled", condition=~Q(state="open") | Q(handled_at__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["deposit"], name="fraud_warning_of_deposit"),
            models.Index(fields=["customer", "-id"], name="fraud_warning_of_customer"),
            models.Index(fields=["created_at"], name="fraud_warning_open", condition=Q(state="open")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="fraud_warning_keeps_its_payment",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.deposit_id <> NEW.deposit_id OR OLD.customer_id <> NEW.customer_id"
                    " OR OLD.reference <> NEW.reference OR OLD.gateway <> NEW.gateway"
                    " OR (OLD.state = 'dismissed' AND NEW.state <> OLD.state)"
                ),
                func="RAISE EXCEPTION 'a fraud warning keeps its payment' USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Protect(name="fraud_warning_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Fraud warning {self.pk}"


class FraudWarningEvent(models.Model):
    """One thing that happened in a case. Append-only: what its timeline is made of."""

    id = models.BigAutoField(primary_key=True)
    warning = models.ForeignKey(FraudWarning, on_delete=models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    note = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["warning", "id"], name="fraud_warning_events")]
        triggers = [
            pgtrigger.Protect(name="fraud_warning_event_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"
