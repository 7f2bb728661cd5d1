"""Folding values that no clause tells apart, and the sets of bits over what is left unfolded."""

from dataclasses import replace

from hypothesis import given, settings

from refunds.policy.coverage import Coverage, bits
from refunds.policy.document import Policy
from refunds.policy.facts import Cause, Standing
from refunds.policy.grid import BOUND, FREE, Grid
from refunds.policy.matching import AXES
from tests.refunds.policy import force
from tests.refunds.policy.documents import CREDIT_ONLY, MONEY_BACK
from tests.refunds.policy.random_policies import BASE, policies


def test_every_axis_is_either_bound_or_free() -> None:
    assert sorted((*BOUND, *FREE)) == sorted(AXES)


def test_folds_what_no_clause_tells_apart() -> None:
    axes = Grid(BASE).axes

    assert [len(axes[axis]) for axis in AXES] == [6, 3, 2, 1, 1, 3, 1, 1, 1, 1]
    assert {one.values for one in axes["cause"]} == {
        (Cause.DROPPED, Cause.CORRECTION),
        tuple(cause for cause in Cause if cause not in {Cause.DROPPED, Cause.CORRECTION}),
    }


def test_a_policy_of_a_default_alone_folds_to_what_properties_compare() -> None:
    grid = Grid(replace(BASE, clauses=()))

    assert grid.cells == len(grid.possible) * 3
    assert sum(grid.possible.values()) == 210


def test_two_policies_fold_to_what_either_tells_apart() -> None:
    both = Grid(MONEY_BACK, CREDIT_ONLY)

    for one in (Grid(MONEY_BACK), Grid(CREDIT_ONLY)):
        assert all(len(both.axes[axis]) >= len(one.axes[axis]) for axis in AXES)
    assert both.parts[0] & both.parts[1] == 0
    assert [both.index(which, next(bits(part))) for which, part in enumerate(both.parts)] == [0, 0]


@settings(max_examples=2, deadline=None)
@given(policy=policies(most_clauses=4, most_scopes=1, windows=(72,)))
def test_the_bits_are_every_combination_and_who_decides_it(policy: Policy) -> None:
    coverage = Coverage(policy)
    seen = {}
    for bound in coverage.bound:
        for rule, free in coverage.decided(0, bound.masks[0]):
            for bit in bits(free):
                facts = coverage.facts(bound, 1 << bit)
                assert facts not in seen
                seen[facts] = policy.rules[rule]

    assert coverage.combinations == len(seen)
    assert seen == {facts: force.decides(policy, facts) for facts in force.every(policy)}


def test_moving_a_set_changes_one_fact_of_each_combination_in_it() -> None:
    coverage = Coverage(MONEY_BACK)
    bound = coverage.bound[0]
    some = coverage.free[0][3] & 0x0F0F_F00F_1234_5678_9ABC_DEF0_F0F0_0FF1

    for value, to in ((Standing.FRAUD_SUSPECTED, Standing.CLEAR), (Standing.CLEAR, Standing.ABUSE_FLAGGED)):
        before = [coverage.facts(bound, 1 << bit) for bit in bits(some)]
        after = [coverage.facts(bound, 1 << bit) for bit in bits(coverage.moved(some, "standing", value, to))]

        assert after == [replace(facts, standing=to) for facts in before if facts.standing is value]
