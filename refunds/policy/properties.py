"""What must hold for every order under a policy that may be published, each with a counterexample where it does not.

All combinations are looked at (neighbors.py); what the deciding clauses pay is compared exactly, for every charge and
every number of undelivered units (payouts.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import product
from typing import Final

from panel.kernel import money
from refunds.policy import owing, payouts
from refunds.policy.clauses import Approval, Clause, Refund
from refunds.policy.coverage import Coverage
from refunds.policy.describing import Describer
from refunds.policy.facts import Amounts, Delivery
from refunds.policy.neighbors import ENDS_AS, Neighbors
from refunds.policy.payouts import Case

_UNITS: Final = 1000
_FINE_UNITS: Final = 1_000_000_000
_CHARGE: Final = Decimal("10.000000")


class Property(StrEnum):
    """What is proved."""

    KEEPS_NOTHING_SILENTLY = "keeps_nothing_silently"
    WITHIN_CHARGE = "within_charge"
    MORE_UNDELIVERED = "more_undelivered"
    DOUBTED_STANDING = "doubted_standing"


SENTENCES: Final = {
    Property.KEEPS_NOTHING_SILENTLY: "Money for undelivered work of ended orders is kept only by clauses that say so.",
    Property.WITHIN_CHARGE: "No refund is larger than the charge.",
    Property.MORE_UNDELIVERED: "More undelivered units never give less.",
    Property.DOUBTED_STANDING: "A customer under suspicion never gets more, or sooner, than one in good standing.",
}


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Facts for which a property does not hold.

    Attributes:
        facts: in words.
        outcome: what the policy does about them and why that breaks the property, as sentences.
        clauses: ids of the clauses that decide.
    """

    facts: str
    outcome: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One property and, where it does not hold, an example for each clause or pair of clauses that breaks it."""

    what: Property
    counterexamples: tuple[Counterexample, ...]

    @property
    def holds(self) -> bool:
        """Whether there is no counterexample."""
        return not self.counterexamples

    @property
    def sentence(self) -> str:
        """The property in words."""
        return SENTENCES[self.what]


def check(coverage: Coverage) -> tuple[Finding, ...]:
    """Prove the properties of the one policy of the coverage."""
    (policy,) = coverage.policies
    found, words = Neighbors(coverage), Describer(coverage.policies)
    return (
        Finding(Property.KEEPS_NOTHING_SILENTLY, tuple(_kept(policy.rules, found, words))),
        Finding(Property.WITHIN_CHARGE, tuple(_beyond_charge(policy.rules, found, words))),
        Finding(Property.MORE_UNDELIVERED, tuple(_falling(policy.rules, found, words))),
        Finding(Property.DOUBTED_STANDING, tuple(_doubted(policy.rules, found, words))),
    )


def _kept(rules: tuple[Clause, ...], found: Neighbors, words: Describer) -> Iterator[Counterexample]:
    told: set[int] = set()
    for where, facts in found.decides.items():
        clause = rules[where.rule]
        if not where.has_ended or where.delivery is Delivery.ALL or clause.keeps_undelivered or where.rule in told:
            continue
        case = payouts.falls_short(clause, where.delivery)
        if case is None:
            continue
        told.add(where.rule)
        amounts = _concrete(case, where.delivery, partial(_keeps, clause))
        outcome = (
            f"{_order(amounts)}: {clause.id} refunds {money.plain(owing.owed(clause, amounts))} of the"
            f" {money.plain(_due(amounts))} for undelivered units. If that is meant, write keeps_undelivered = true."
        )
        yield Counterexample(words.combination(facts), outcome, (clause.id,))


def _keeps(clause: Clause, amounts: Amounts) -> bool:
    return owing.owed(clause, amounts) < _due(amounts)


def _beyond_charge(rules: tuple[Clause, ...], found: Neighbors, words: Describer) -> Iterator[Counterexample]:
    for rule, facts in {where.rule: facts for where, facts in found.decides.items()}.items():
        if payouts.exceeds_charge(rules[rule]) is not None:
            outcome = f"{rules[rule].id} refunds more than the charge."
            yield Counterexample(words.combination(facts), outcome, (rules[rule].id,))


def _falling(rules: tuple[Clause, ...], found: Neighbors, words: Describer) -> Iterator[Counterexample]:
    steps = [(step, facts, "") for step, facts in found.steps.items()]
    steps += [(step, facts, f", {ENDS_AS[facts.status]},") for step, facts in found.ends.items()]
    for step, facts, status in steps:
        first, second = rules[step.more], rules[step.less]
        case = None if step.more == step.less else payouts.falls_as_less_is_delivered(first, step.delivery, second)
        if case is None:
            continue
        before, after = _around(case, step.delivery, first, second)
        outcome = (
            f"{_order(before)}: {first.id} refunds {money.plain(owing.owed(first, before))}. With {after.remains:,}"
            f" units undelivered{status} {second.id} refunds only {money.plain(owing.owed(second, after))}."
        )
        yield Counterexample(words.combination(facts), outcome, (first.id, second.id))


def _doubted(rules: tuple[Clause, ...], found: Neighbors, words: Describer) -> Iterator[Counterexample]:
    for doubt, facts in found.doubts.items():
        first, second = rules[doubt.doubted], rules[doubt.clear]
        if doubt.doubted == doubt.clear:
            continue
        is_sooner = first.approval is Approval.AUTOMATIC and second.approval is Approval.REVIEW
        case = payouts.exceeds(first, second, doubt.delivery)
        if case is None and is_sooner:
            case = payouts.pays(first, doubt.delivery)
        if case is None:
            continue

        def breaks(one: Amounts, first: Clause = first, second: Clause = second, *, sooner: bool = is_sooner) -> bool:
            return owing.owed(first, one) > (money.ZERO if sooner else owing.owed(second, one))

        amounts = _concrete(case, doubt.delivery, breaks)
        outcome = (
            f"{_order(amounts)}: {first.id} refunds {_given(first, amounts)}, but a customer in good standing gets"
            f" {_given(second, amounts)} by {second.id}."
        )
        yield Counterexample(words.combination(facts), outcome, (first.id, second.id))


def _concrete(case: Case, delivery: Delivery, breaks: Callable[[Amounts], bool]) -> Amounts:
    """Return an order like the case that breaks a property, with whole units and amounts as people write them."""
    charges = [_CHARGE, _money(case)]
    tried = [
        Amounts(charge, units, remains)
        for charge, units in product(charges, (_UNITS, _FINE_UNITS))
        for remains in _remains(case, delivery, units)
    ]
    return next((amounts for amounts in tried if breaks(amounts)), tried[-1])


def _remains(case: Case, delivery: Delivery, units: int) -> list[int]:
    if delivery is Delivery.ALL:
        return [0]
    if delivery is Delivery.NONE:
        return [units]
    return [units * 2 // 5, min(max(round(case.undelivered / case.charge * units), 1), units - 1), 1, units - 1]


def _around(case: Case, delivery: Delivery, first: Clause, second: Clause) -> tuple[Amounts, Amounts]:
    """Return two orders that differ by one undelivered unit, of which the second gets less."""
    pairs = []
    for charge, units in product([_CHARGE, _money(case)], (_UNITS, _FINE_UNITS)):
        before, after = (0, 1) if delivery is Delivery.ALL else (units - 1, units)
        pairs.append((Amounts(charge, units, before), Amounts(charge, units, after)))
    falls = (pair for pair in pairs if owing.owed(second, pair[1]) < owing.owed(first, pair[0]))
    return next(falls, pairs[-1])


def _money(case: Case) -> Decimal:
    charge = Decimal(case.charge.numerator) / Decimal(case.charge.denominator)
    return min(max(money.round_half_up(charge), money.QUANTUM), money.MAXIMUM)


def _due(amounts: Amounts) -> Decimal:
    return owing.share(Refund.UNDELIVERED, amounts)


def _given(clause: Clause, amounts: Amounts) -> str:
    when = "at once" if clause.approval is Approval.AUTOMATIC else "after a review"
    return f"{money.plain(owing.owed(clause, amounts))} {when}"


def _order(amounts: Amounts) -> str:
    return (
        f"An order of {money.plain(amounts.charge)} with {amounts.remains:,} of {amounts.quantity:,} units undelivered"
    )
