"""Boxes: disjoint, and together exactly the cells of a label."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from refunds.policy import merging
from refunds.policy.document import Policy
from refunds.policy.facts import Delivery, Facts, Status
from refunds.policy.grid import Grid, Value
from refunds.policy.merging import Box
from refunds.policy.trees import Labeling, TooFine, Tree
from tests.refunds.policy import force
from tests.refunds.policy.documents import CREDIT_ONLY, MONEY_BACK, SHIPPED
from tests.refunds.policy.random_policies import BASE, policies


def labeling_of(grid: Grid) -> Labeling:
    """Label by clause; what the default decides is of no interest."""
    (policy,) = grid.policies
    return Labeling(
        grid,
        lambda _which, rule, _delivery: policy.rules[rule].id,
        lambda outcomes: None if outcomes == ("default",) else outcomes[0],
    )


def value_of(facts: Facts, axis: str) -> Value:
    if axis == "age":
        return facts.hours_since_final
    if axis == "scope":
        return (facts.service, facts.category)
    return getattr(facts, axis)


def is_in(facts: Facts, values: Mapping[str, tuple[Value, ...]]) -> bool:
    return all(value_of(facts, axis) in some for axis, some in values.items())


def assert_exact(policy: Policy, boxes: list[Box]) -> None:
    """Hold boxes that were made by clause to every combination, one by one."""
    counts = dict.fromkeys(range(len(boxes)), 0)
    deciders: dict[int, set[tuple[Delivery, tuple[int, ...]]]] = {place: set() for place in counts}
    for facts in force.every(policy):
        clause = force.decides(policy, facts)
        holding = [place for place, box in enumerate(boxes) if is_in(facts, box.values)]
        assert [boxes[place].label for place in holding] == ([] if clause.id == "default" else [clause.id])
        for place in holding:
            counts[place] += 1
            deciders[place].add((facts.delivery, (policy.rules.index(clause),)))
    assert [box.count for box in boxes] == list(counts.values())
    assert [box.rules for box in boxes] == list(deciders.values())


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_boxes_of_shipped_policies_hold_each_combination_once(policy: Policy) -> None:
    grid = Grid(policy)

    boxes = merging.merge(grid, labeling_of(grid))

    assert boxes is not None
    assert_exact(policy, boxes)


@settings(max_examples=6, deadline=None)
@given(policy=policies(most_clauses=4, most_scopes=1, windows=(72,)))
def test_boxes_of_any_policy_hold_each_combination_once(policy: Policy) -> None:
    grid = Grid(policy)

    boxes = merging.merge(grid, labeling_of(grid))

    assert boxes is not None
    assert_exact(policy, boxes)


def test_names_only_what_matters() -> None:
    grid = Grid(BASE)

    boxes = merging.merge(grid, labeling_of(grid))

    assert boxes is not None
    assert {(box.label, tuple(sorted(box.values))) for box in boxes} == {
        ("dropped-out", ("cause", "status")),
        ("partly", ("cause", "status")),
        ("partly", ("status",)),
    }
    (partial,) = (box for box in boxes if set(box.values) == {"status"})
    assert partial.values["status"] == (Status.PARTIAL,)
    assert partial.rules == {(delivery, (1,)) for delivery in Delivery}


def test_nothing_of_interest_makes_no_boxes() -> None:
    grid = Grid(BASE)

    assert merging.merge(grid, Labeling(grid, lambda *_: 0, lambda _outcomes: None)) == []


def test_everything_alike_is_one_box_that_names_nothing() -> None:
    grid = Grid(BASE)

    (box,) = merging.merge(grid, Labeling(grid, lambda *_: 0, lambda _outcomes: "any")) or []

    assert (box.values, box.count) == ({}, 75_600)


def test_a_label_may_follow_from_the_delivery_alone() -> None:
    grid = Grid(BASE)

    boxes = merging.merge(grid, Labeling(grid, lambda _which, _rule, delivery: delivery, lambda outcomes: outcomes[0]))

    assert boxes is not None
    assert {box.label: box.count for box in boxes} == {
        delivery: sum(facts.delivery is delivery for facts in force.every(BASE)) for delivery in Delivery
    }


def test_tells_when_boxes_would_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(MONEY_BACK)
    boxes = merging.merge(grid, labeling_of(grid))
    assert boxes is not None

    monkeypatch.setattr(merging, "MOST_BOXES", len(boxes) - 1)

    assert merging.merge(grid, labeling_of(grid)) is None


def test_tells_when_no_order_of_the_facts_gives_a_tree_that_is_small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(CREDIT_ONLY)
    monkeypatch.setattr(merging, "_MOST_PLACES", 20)

    assert merging.merge(grid, labeling_of(grid)) is None
    with pytest.raises(TooFine):
        Tree(grid, merging._ORDERS[0], labeling_of(grid), 20)
