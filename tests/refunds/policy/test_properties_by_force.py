"""The four properties of any policy, held to trying every combination of facts with orders of many sizes.

No counterexample is missed, and each one that is told is of clauses that meet. What rounding in the sixth decimal
place does is left aside by the proof, and so it is here.
"""

from collections.abc import Iterator
from decimal import Decimal

from hypothesis import given, settings

from refunds.policy import owing, properties
from refunds.policy.clauses import Approval, Clause, Refund
from refunds.policy.coverage import Coverage
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Delivery, Facts, Initiator, Standing, Status
from refunds.policy.neighbors import ENDS_AS, Neighbors
from refunds.policy.properties import Property
from refunds.policy.space import FINAL
from tests.refunds.policy import force
from tests.refunds.policy.random_policies import policies

SMALL = policies(most_clauses=4, most_scopes=0, windows=())
LESS = {Delivery.ALL: Delivery.SOME, Delivery.SOME: Delivery.NONE}

Broken = set[tuple[str, ...]]
"""Ids of clauses, or of pairs of clauses, that break a property."""


class Forced:
    """What every combination says, one by one: who decides there, and with one fact changed."""

    def __init__(self, policy: Policy) -> None:
        decides = {facts: force.decides(policy, facts) for facts in force.every(policy)}
        self.decides = {(clause, facts.delivery, facts.status in FINAL) for facts, clause in decides.items()}
        self.steps: set[tuple[Clause, Delivery, Clause]] = set()
        self.ends: set[tuple[Clause, Delivery, Clause]] = set()
        self.doubts: set[tuple[Clause, Clause, Delivery]] = set()
        for facts, clause in decides.items():
            less = decides.get(_with(facts, delivery=LESS.get(facts.delivery, facts.delivery)))
            if less is not None and facts.delivery in LESS:
                self.steps.add((clause, facts.delivery, less))
            if facts.status in ENDS_AS and facts.delivery in LESS and facts.initiator is not Initiator.CUSTOMER:
                ended = decides.get(_with(facts, delivery=LESS[facts.delivery], status=ENDS_AS[facts.status]))
                if ended is not None:
                    self.ends.add((clause, facts.delivery, ended))
            if facts.standing is not Standing.CLEAR:
                self.doubts.add((clause, decides[_with(facts, standing=Standing.CLEAR)], facts.delivery))

    def kept(self) -> Broken:
        return {
            (clause.id,)
            for clause, delivery, has_ended in self.decides
            if has_ended and not clause.keeps_undelivered
            if any(_due(one) - owing.owed(clause, one) > force.NOISE for one in force.orders(delivery))
        }

    def beyond(self) -> Broken:
        return {
            (clause.id,)
            for clause, delivery, _ in self.decides
            if any(owing.owed(clause, one) > one.charge for one in force.orders(delivery))
        }

    def falling(self) -> Broken:
        return {
            (first.id, second.id)
            for first, delivery, second in self.steps | self.ends
            if any(
                owing.owed(first, before) - owing.owed(second, after) > _of_one_unit(before)
                for before, after in _pairs(delivery)
            )
        }

    def doubted(self) -> Broken:
        return {
            (doubted.id, clear.id)
            for doubted, clear, delivery in self.doubts
            if any(_gets_more_or_sooner(doubted, clear, one) for one in force.orders(delivery))
        }


def _with(facts: Facts, **changed: Delivery | Standing | Status) -> Facts:
    return Facts.from_dict(facts.as_dict() | {name: str(value) for name, value in changed.items()})


def _due(amounts: Amounts) -> Decimal:
    return owing.share(Refund.UNDELIVERED, amounts)


def _of_one_unit(amounts: Amounts) -> Decimal:
    """Return what the one unit is worth by which two orders differ, and what rounding may add."""
    return amounts.charge / amounts.quantity + force.NOISE


def _pairs(delivery: Delivery) -> Iterator[tuple[Amounts, Amounts]]:
    """Yield orders that differ by one undelivered unit, over the step from a delivery to the next smaller one."""
    units = 1_000_000_000
    before, after = (0, 1) if delivery is Delivery.ALL else (units - 1, units)
    for charge in force.CHARGES:
        yield Amounts(charge, units, before), Amounts(charge, units, after)


def _gets_more_or_sooner(doubted: Clause, clear: Clause, amounts: Amounts) -> bool:
    gets, would_get = owing.owed(doubted, amounts), owing.owed(clear, amounts)
    is_sooner = doubted.approval is Approval.AUTOMATIC and clear.approval is Approval.REVIEW
    return gets - would_get > force.NOISE or (is_sooner and doubted != clear and gets > force.NOISE)


@settings(max_examples=4, deadline=None)
@given(policy=SMALL)
def test_no_counterexample_is_missed_and_each_is_of_clauses_that_meet(policy: Policy) -> None:
    forced = Forced(policy)

    found = {one.what: {example.clauses for example in one.counterexamples} for one in _check(policy)}

    missed = {
        Property.KEEPS_NOTHING_SILENTLY: forced.kept(),
        Property.WITHIN_CHARGE: forced.beyond(),
        Property.MORE_UNDELIVERED: forced.falling(),
        Property.DOUBTED_STANDING: forced.doubted(),
    }
    assert {what: broken - found[what] for what, broken in missed.items()} == {what: set() for what in Property}
    # That the exact amounts really break it is held in test_payouts.py; here, that these clauses really meet.
    assert found[Property.KEEPS_NOTHING_SILENTLY] <= {
        (one.id,) for one, _, has_ended in forced.decides if has_ended and not one.keeps_undelivered
    }
    assert found[Property.MORE_UNDELIVERED] <= {(more.id, less.id) for more, _, less in forced.steps | forced.ends}
    assert found[Property.DOUBTED_STANDING] <= {(doubted.id, clear.id) for doubted, clear, _ in forced.doubts}


@settings(max_examples=2, deadline=None)
@given(policy=policies(most_clauses=4, most_scopes=1, windows=(72,)))
def test_neighbors_are_those_of_every_combination_and_their_examples_are_decided_so(policy: Policy) -> None:
    forced, rules = Forced(policy), policy.rules

    found = Neighbors(Coverage(policy))

    assert {(rules[one.rule], one.delivery, one.has_ended) for one in found.decides} == forced.decides
    assert {(rules[one.more], one.delivery, rules[one.less]) for one in found.steps} == forced.steps
    assert {(rules[one.more], one.delivery, rules[one.less]) for one in found.ends} == forced.ends
    assert {(rules[one.doubted], rules[one.clear], one.delivery) for one in found.doubts} == forced.doubts
    for where, facts in found.decides.items():
        assert force.decides(policy, facts) is rules[where.rule]
        assert (facts.delivery, facts.status in FINAL) == (where.delivery, where.has_ended)
    for step, facts in found.steps.items():
        assert facts.delivery is step.delivery
        assert force.decides(policy, facts) is rules[step.more]
        assert force.decides(policy, _with(facts, delivery=LESS[step.delivery])) is rules[step.less]
    for step, facts in found.ends.items():
        assert facts.initiator is not Initiator.CUSTOMER
        ended = _with(facts, delivery=LESS[step.delivery], status=ENDS_AS[facts.status])
        assert force.decides(policy, facts) is rules[step.more]
        assert force.decides(policy, ended) is rules[step.less]
    for doubt, facts in found.doubts.items():
        assert facts.standing is not Standing.CLEAR
        assert force.decides(policy, facts) is rules[doubt.doubted]
        assert force.decides(policy, _with(facts, standing=Standing.CLEAR)) is rules[doubt.clear]


def _check(policy: Policy) -> tuple[properties.Finding, ...]:
    return properties.check(Coverage(policy))
