"""Over which deposits a withdrawal is paid back. Pure: facts in, parts out.

Money goes back the way it came: only to live methods with something refundable left, none under dispute, within the
gateway's refund window, oldest first. What no deposit can take is `unplaced`: a matter for support and another method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from panel.kernel import money


class Why(StrEnum):
    """Why a deposit gives nothing although it was not paid back in full."""

    DISPUTED = "disputed"  # the bank has it in hand: paying back as well would pay twice
    METHOD_GONE = "method_gone"  # the card or account was closed
    TOO_OLD = "too_old"  # the gateway's refund window has closed
    USED_UP = "used_up"  # less is left than the smallest unit that the gateway can move


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A deposit as allocation sees it. Amounts in the panel's currency, instants aware.

    `refunded` went back, `reserved` is on its way in withdrawals that are not settled, `disputed` is what disputes
    claim of it. `refund_until` is the last instant at which the gateway takes a refund; None means no limit.
    `smallest_unit` is what the gateway moves at least and in steps of (0.01 for most currencies, 1 for yen).
    """

    deposit_id: int
    gateway: str
    paid_at: datetime
    amount: Decimal
    refunded: Decimal
    reserved: Decimal
    disputed: Decimal
    under_dispute: bool
    method_gone: bool
    refund_until: datetime | None
    smallest_unit: Decimal

    @property
    def remainder(self) -> Decimal:
        """What was neither paid back nor promised nor claimed by a dispute."""
        return self.amount - self.refunded - self.reserved - self.disputed

    def hindrance(self, *, at: datetime) -> Why | None:
        """Return why nothing can go back to this deposit at `at`; the first that holds, in the order of `Why`."""
        if self.under_dispute:
            return Why.DISPUTED
        if self.method_gone:
            return Why.METHOD_GONE
        if self.refund_until is not None and at > self.refund_until:
            return Why.TOO_OLD
        if self.remainder < self.smallest_unit:
            return Why.USED_UP
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """How much goes back to one deposit: above 0, a whole number of the gateway's smallest units."""

    deposit_id: int
    gateway: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Passed:
    """A deposit that can't give although it has a remainder, whatever the amount asked for."""

    deposit_id: int
    remainder: Decimal
    why: Why


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where an amount goes: `sum(parts) + unplaced` is exactly that amount. Parts and passed are oldest first."""

    parts: tuple[Part, ...]
    passed: tuple[Passed, ...]
    unplaced: Decimal


def allocate(amount: Decimal, sources: Sequence[Source], *, at: datetime) -> Allocation:
    """Spread `amount` over the deposits in `sources` as they stand at `at`, the oldest first.

    Deposits paid at the same instant follow each other by id, so the order of `sources` never matters. A younger
    deposit gives only when no older one that can give has a unit left: a fraction of a unit stays unplaced rather
    than being paid to another method.

    Raises ValueError when the amount is not positive or finer than the panel's scale, when a smallest unit is not
    positive, and when a deposit comes twice.
    """
    left = money.exact(amount)
    if left <= 0:
        raise ValueError(f"{amount} can't be allocated: the amount must be positive")
    if len({source.deposit_id for source in sources}) < len(sources):
        raise ValueError("a deposit comes twice, and its remainder would be spent twice")
    parts: list[Part] = []
    passed: list[Passed] = []
    full = False  # an older deposit could take more, but only whole units
    for source in sorted(sources, key=lambda source: (source.paid_at, source.deposit_id)):
        why = source.hindrance(at=at)
        if why is not None:
            if source.remainder > 0:
                passed.append(Passed(source.deposit_id, source.remainder, why))
            continue
        part = _whole_units(min(left, source.remainder), source.smallest_unit)
        if part > 0 and not full:
            parts.append(Part(source.deposit_id, source.gateway, part))
            left -= part
        full = full or source.remainder - part >= source.smallest_unit
    return Allocation(tuple(parts), tuple(passed), left)


def _whole_units(amount: Decimal, unit: Decimal) -> Decimal:
    """Return the largest whole number of units in `amount`, at the panel's scale.

    Raises ValueError when the unit is not positive.
    """
    if unit <= 0:
        raise ValueError(f"{unit} is no smallest unit: it must be positive")
    return money.exact(amount // unit * unit)
