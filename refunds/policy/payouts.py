"""Comparing what two clauses pay, for every order that there can be: exactly, and without trying amounts one by one.

What a clause pays is piecewise linear in the charge and in the undelivered part of it. Where its pieces meet is known:
where a cap starts to bind, and where a fee eats all. So a difference between two clauses is largest where such lines
cross, and looking there is a proof. Rounding in the sixth decimal place is left aside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from panel.kernel import money
from refunds.policy.clauses import Clause, Portion, Refund
from refunds.policy.facts import Delivery

_NOTHING: Final = Fraction(0)
_ALL: Final = Fraction(1)
_LARGEST: Final = Fraction(money.MAXIMUM)
_BASIS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Case:
    """An order for which something shows: what it cost, and how much of that is for undelivered units."""

    charge: Fraction
    undelivered: Fraction


Payout = Callable[[Fraction, Fraction], Fraction]
"""From charge and undelivered part to what is owed."""


def payout(clause: Clause) -> Payout:
    """Return what a clause pays as a function of exact numbers."""

    def owed(charge: Fraction, undelivered: Fraction) -> Fraction:
        base = {Refund.FULL: charge, Refund.UNDELIVERED: undelivered, Refund.NONE: _NOTHING}[clause.refund]
        if clause.cap is not None:
            base = min(base, _part(clause.cap, charge))
        if clause.fee is not None:
            base = max(base - _part(clause.fee, base), _NOTHING)
        return base

    return owed


def exceeds(first: Clause, second: Clause, delivery: Delivery) -> Case | None:
    """Return an order, delivered so far, for which the first clause pays more than the second; None if none."""
    return _largest(payout(first), payout(second), (first, second), delivery)


def pays(clause: Clause, delivery: Delivery) -> Case | None:
    """Return an order, delivered so far, for which the clause pays anything; None if there is none."""
    return _largest(payout(clause), lambda _charge, _undelivered: _NOTHING, (clause,), delivery)


def falls_short(clause: Clause, delivery: Delivery) -> Case | None:
    """Return an order, delivered so far, of which the clause keeps money for undelivered units; None if none."""
    return _largest(lambda _charge, undelivered: undelivered, payout(clause), (clause,), delivery)


def exceeds_charge(clause: Clause) -> Case | None:
    """Return an order for which the clause pays more than was charged; None if there is none."""
    for delivery in Delivery:
        found = _largest(payout(clause), lambda charge, _undelivered: charge, (clause,), delivery)
        if found is not None:
            return found
    return None


def falls_as_less_is_delivered(more: Clause, more_delivery: Delivery, less: Clause) -> Case | None:
    """Return an order for which `less`, at the next smaller delivery, pays less than `more` does at `more_delivery`.

    Each clause by itself never pays less for more undelivered units, so it is enough to look where one delivery passes
    into the next: at nothing undelivered, and at everything.
    """
    at = Delivery.ALL if more_delivery is Delivery.ALL else Delivery.NONE
    return _largest(payout(more), payout(less), (more, less), at)


def _part(portion: Portion, amount: Fraction) -> Fraction:
    if portion.sum is not None:
        return Fraction(portion.sum)
    return amount * Fraction(portion.basis_points or 0, _BASIS)


def _largest(high: Payout, low: Payout, clauses: tuple[Clause, ...], delivery: Delivery) -> Case | None:
    """Return the crossing at which `high` exceeds `low` by the largest part of the charge, if it does anywhere."""
    found: tuple[Fraction, Case] | None = None
    for case in _crossings(clauses, delivery):
        excess = high(case.charge, case.undelivered) - low(case.charge, case.undelivered)
        if excess > 0 and (found is None or excess / case.charge > found[0]):
            found = (excess / case.charge, case)
    return found and found[1]


def _crossings(clauses: tuple[Clause, ...], delivery: Delivery) -> Iterator[Case]:
    """Yield where the lines at which the payouts bend cross each other and the edges of what can be."""
    portions = [portion for clause in clauses for portion in (clause.cap, clause.fee) if portion is not None]
    slopes = {_NOTHING, _ALL, *(Fraction(p.basis_points, _BASIS) for p in portions if p.basis_points is not None)}
    sums = {Fraction(p.sum) for p in portions if p.sum is not None}
    charges = {_LARGEST, Fraction(1), *sums, *(one / slope for one in sums for slope in slopes if slope)}
    for charge in sorted(charge for charge in charges if 0 < charge <= _LARGEST):
        if delivery is Delivery.SOME:
            parts = {slope * charge for slope in slopes} | {one for one in sums if one <= charge}
        else:
            parts = {_NOTHING if delivery is Delivery.ALL else charge}
        for undelivered in sorted(parts):
            yield Case(charge, undelivered)
