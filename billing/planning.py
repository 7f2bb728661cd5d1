"""What a withdrawal would do: how much goes back to which deposit, and what can't go back and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db.models import F

from billing import allocation, gateways
from billing.allocation import Source, Why
from billing.models import Deposit, DepositState
from panel.kernel import currencies, money

_WHY: Final = {
    Why.DISPUTED: "The payment is under dispute at the bank.",
    Why.METHOD_GONE: "The bank said that this method no longer takes money back.",
    Why.TOO_OLD: "The payment is too old for the gateway to pay back.",
    Why.USED_UP: "All of it went back already.",
}


@dataclass(frozen=True, slots=True)
class Left:
    """What can still go back to a deposit's method, money scale; `why` it is nothing although not all went back."""

    amount: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """What goes back to one deposit. `method` in words; `bank_days` as the gateway describes them."""

    deposit_id: int
    gateway: str
    method: str
    amount: Decimal
    bank_days: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A deposit that gives nothing though something of it is left, and why, as a sentence."""

    method: str
    remainder: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where an amount would go. `arranged` is what no deposit takes: support would have to find another way."""

    amount: Decimal
    parts: tuple[PlannedPart, ...]
    passed: tuple[PassedOver, ...]
    arranged: Decimal

    @property
    def digest(self) -> str:
        """A short text that is equal for equal plans: what a customer confirmed is what is carried out."""
        parts = [f"{part.deposit_id}:{money.plain(part.amount)}" for part in self.parts]
        return ";".join([*parts, money.plain(self.arranged)])

    @property
    def why_arranged(self) -> str:
        """Why support has to find another way for a part, as a sentence."""
        reasons = list(dict.fromkeys(item.why for item in self.passed if item.why))
        return " ".join(reasons) or "This part of the balance did not come from a payment that can be paid back to."


def left_on(deposit: Deposit, *, at: datetime) -> Left:
    """Say what of a deposit could go back to its method at `at`, by the rules that a withdrawal is planned by."""
    if deposit.state != DepositState.PAID:
        return Left(money.ZERO, "")
    left = deposit.amount - deposit.refunded - deposit.reserved - deposit.disputed
    passed = plan(left, [deposit], at=at).passed if left else ()
    return Left(money.ZERO, passed[0].why) if passed else Left(left, "")


def whole_units(amount: Decimal) -> Decimal:
    """Floor an amount to what the currency can pay out; the rest stays on the balance."""
    return currencies.round_down(amount, unit=currencies.smallest_unit(settings.PANEL_CURRENCY))


def refundable_deposits(customer_id: int) -> Iterable[Deposit]:
    """Return the customer's paid deposits of which something is left, not locked."""
    left = F("refunded") + F("reserved") + F("disputed")
    found: Iterable[Deposit] = Deposit.objects.filter(
        customer_id=customer_id, state=DepositState.PAID, amount__gt=left
    ).order_by("pk")
    return found


def plan(amount: Decimal, deposits: Sequence[Deposit], *, at: datetime) -> Plan:
    """Allocate `amount` over these deposits of one customer. Raises ValueError when it is not positive."""
    by_id = {deposit.pk: deposit for deposit in deposits}
    found = allocation.allocate(amount, [_source(deposit) for deposit in deposits], at=at)
    parts = [
        PlannedPart(
            deposit_id=part.deposit_id,
            gateway=part.gateway,
            method=by_id[part.deposit_id].method,
            amount=part.amount,
            bank_days=gateways.get(part.gateway).describe().bank_days,
        )
        for part in found.parts
    ]
    passed = [PassedOver(by_id[item.deposit_id].method, item.remainder, _WHY[item.why]) for item in found.passed]
    return Plan(amount=amount, parts=tuple(parts), passed=tuple(passed), arranged=found.unplaced)


def _source(deposit: Deposit) -> Source:
    gateway = gateways.get(deposit.gateway).describe()
    paid_at = deposit.paid_at or deposit.created_at
    return Source(
        deposit_id=deposit.pk,
        gateway=deposit.gateway,
        paid_at=paid_at,
        amount=deposit.amount,
        refunded=deposit.refunded,
        reserved=deposit.reserved,
        disputed=deposit.disputed,
        under_dispute=deposit.disputed > 0,
        method_gone=deposit.method_gone,
        refund_until=paid_at + gateway.refund_window if gateway.refund_window is not None else None,
        smallest_unit=gateway.smallest_unit,
    )
