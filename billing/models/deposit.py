"""Deposits: money that a customer pays in through a gateway."""

from typing import Any, ClassVar, Final
from uuid import uuid4

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q


class GatewaySlug(models.TextChoices):
    """The gateways that there are; `billing.gateways` has an implementation of each."""

    STRIPE = "stripe", "Card"
    MANUAL = "manual", "By hand"


class DepositState(models.TextChoices):
    """How far a deposit has got."""

    OPENING = "opening", "Being opened"
    OPEN = "open", "Waiting for payment"
    DELAYED = "delayed", "On its way"
    PAID = "paid", "Paid"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Not paid"

    def may_become(self, other: "DepositState") -> bool:
        """Whether a report may move a deposit on: forward only, and money that arrived always counts."""
        return other in _MOVES[self]


_MOVES: Final[dict[DepositState, frozenset[DepositState]]] = {
    DepositState.OPENING: frozenset(DepositState) - {DepositState.OPENING},
    DepositState.OPEN: frozenset(
        {DepositState.DELAYED, DepositState.PAID, DepositState.FAILED, DepositState.EXPIRED},
    ),
    DepositState.DELAYED: frozenset({DepositState.PAID, DepositState.FAILED}),
    DepositState.FAILED: frozenset({DepositState.PAID}),
    DepositState.EXPIRED: frozenset({DepositState.PAID, DepositState.DELAYED, DepositState.FAILED}),
    DepositState.PAID: frozenset(),
}

WAITING: Final = (DepositState.OPENING, DepositState.OPEN, DepositState.DELAYED)


class DepositQuerySet(models.QuerySet["Deposit"]):
    """Adds the one way to lock deposits."""

    def locked(self) -> "DepositQuerySet":
        """Lock the rows in primary key order: after withdrawals, before accounts."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Deposit(models.Model):
    """One payment by a customer. `amount` is what was received; what went back is kept beside it.

    `reserved` and `refunded` follow the withdrawal legs by a trigger on those, and nothing else writes them.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deposits", db_index=False
    )
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    state = models.CharField(max_length=10, choices=DepositState, default=DepositState.OPENING)
    asked = models.DecimalField("amount asked", max_digits=20, decimal_places=6)
    amount = models.DecimalField("amount received", max_digits=20, decimal_places=6, default=0)
    currency = models.CharField(max_length=3)
    refunded = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    reserved = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    disputed = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    reference = models.CharField("gateway's reference", max_length=255, null=True, blank=True)  # noqa: DJ001 - unique when known
    payment_reference = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - unique when known
    checkout_url = models.TextField(blank=True)
    method_kind = models.CharField(max_length=40, blank=True)
    method_brand = models.CharField(max_length=40, blank=True)
    method_last4 = models.CharField(max_length=8, blank=True)
    # By which the gateway recognizes a card or bank account again, whoever pays with it.
    method_fingerprint = models.CharField(max_length=100, blank=True)
    method_gone = models.BooleanField(default=False, help_text="The gateway said that this method takes nothing back.")
    gateway_words = models.CharField("gateway's words", max_length=100, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    # The refund policy that the customer saw and accepted at `created_at`, and where from: evidence, should the payment
    # be disputed. The address is shown to staff only.
    policy_version = models.BigIntegerField(null=True, blank=True)
    opened_from = models.GenericIPAddressField("opened from", null=True, blank=True, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField("ask the gateway at", null=True, blank=True)

    objects: ClassVar[Any] = DepositQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="deposit_state_known", condition=Q(state__in=DepositState.values)),
            models.CheckConstraint(name="deposit_gateway_known", condition=Q(gateway__in=GatewaySlug.values)),
            models.CheckConstraint(name="deposit_asked_positive", condition=Q(asked__gt=0)),
            models.CheckConstraint(
                name="deposit_paid_has_amount",
                condition=(
                    Q(state=DepositState.PAID, amount__gt=0, paid_at__isnull=False, payment_reference__isnull=False)
                    | (~Q(state=DepositState.PAID) & Q(amount=0, paid_at__isnull=True))
                ),
            ),
            models.CheckConstraint(
                name="deposit_parts_not_negative", condition=Q(refunded__gte=0, reserved__gte=0, disputed__gte=0)
            ),
            models.CheckConstraint(
                name="deposit_not_given_back_twice",
                condition=Q(amount__gte=F("refunded") + F("reserved") + F("disputed")),
            ),
            models.UniqueConstraint(fields=["gateway", "reference"], name="deposit_reference_once"),
            models.UniqueConstraint(fields=["gateway", "payment_reference"], name="deposit_payment_once"),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="deposit_of_customer"),
            models.Index(fields=["due_at"], name="deposit_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["paid_at"], name="deposit_paid", condition=Q(paid_at__isnull=False)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="parts_follow_the_legs",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "pg_trigger_depth() = 0 AND (OLD.refunded IS DISTINCT FROM NEW.refunded"
                    " OR OLD.reserved IS DISTINCT FROM NEW.reserved)"
                ),
                func=(
                    "RAISE EXCEPTION 'what is reserved and refunded of a deposit follows its withdrawal legs'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Trigger(
                name="paid_is_paid",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.customer_id <> NEW.customer_id OR OLD.gateway <> NEW.gateway OR OLD.asked <> NEW.asked"
                    " OR (OLD.state = 'paid' AND (NEW.state <> 'paid' OR OLD.amount <> NEW.amount"
                    " OR OLD.payment_reference <> NEW.payment_reference))"
                ),
                func=(
                    "RAISE EXCEPTION 'a deposit keeps its customer, and a paid one its amount'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="deposit_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Deposit {self.pk}"

    @property
    def method(self) -> str:
        """What was paid with, in words for people: `Visa ending in 4242`."""
        return method_in_words(self.method_kind, self.method_brand, self.method_last4)


_KINDS: Final = {
    "card": "Card",
    "bank": "Bank transfer",
    "wallet": "Wallet",
    "crypto": "Crypto",
    "us_bank_account": "Bank account",
}
_BRANDS: Final = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}


def method_in_words(kind: str, brand: str, last4: str) -> str:
    """Name a payment method for people; `Payment` when nothing is known of it."""
    name = _BRANDS.get(brand, brand.replace("_", " ").title()) or _KINDS.get(kind, kind.replace("_", " ").capitalize())
    name = name or "Payment"
    return f"{name} ending in {last4}" if last4 else name
