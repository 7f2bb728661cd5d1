"""What changes between two policies, held to trying every combination under both."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from refunds.policy import changes, differences, loader, merging, owing
from refunds.policy.changes import Change
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.coverage import Coverage
from refunds.policy.document import Policy
from refunds.policy.facts import Delivery
from refunds.policy.matching import Condition
from refunds.policy.outcomes import Direction, direction, outcome_at
from tests.refunds.policy import force
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK, minimal_with
from tests.refunds.policy.random_policies import BASE, policies
from tests.refunds.policy.widened import WIDENED

NOTHING = replace(BASE.default, id="nothing", refund=Refund.NONE, approval=Approval.AUTOMATIC)
PART = replace(NOTHING, id="part", refund=Refund.UNDELIVERED)
ALL = replace(NOTHING, id="all", refund=Refund.FULL)


def with_rules(*clauses: Clause, default: Clause = NOTHING) -> Policy:
    return replace(BASE, clauses=clauses, default=replace(default, id="default"))


def only(clause: Clause, **facts: list[str]) -> Clause:
    return replace(clause, when=Condition(tuple((fact, tuple(values)) for fact, values in facts.items())))


def assert_exact(old: Policy, new: Policy) -> None:
    changed: Counter[tuple[str, str]] = Counter()
    moved = total = 0
    for facts in force.every(old, new):
        total += 1
        before, after = force.decides(old, facts), force.decides(new, facts)
        if outcome_at(before, facts.delivery) != outcome_at(after, facts.delivery):
            changed[before.id, after.id] += 1
        elif before.id != after.id:
            moved += 1

    found = differences.compare(old, new)

    assert (found.combinations, found.changed, found.moved) == (total, changed.total(), moved)
    assert sum(change.row.combinations for change in found.changes) == found.changed
    assert {name for change in found.changes for name in change.clauses_before} == {before for before, _ in changed}
    assert {name for change in found.changes for name in change.clauses_after} == {after for _, after in changed}
    by_clause = {
        (change.clauses_before[0], change.clauses_after[0]): change.row.combinations
        for change in changes._by_clause(Coverage(old, new))
    }
    assert by_clause == changed


def test_the_shipped_policies_differ_where_trying_every_combination_says_so() -> None:
    assert_exact(MONEY_BACK, CREDIT_ONLY)


@settings(max_examples=6, deadline=None)
@given(old=policies(most_clauses=4, most_scopes=1, windows=(72,)), new=policies(most_clauses=4, most_scopes=0))
def test_any_two_policies_differ_where_trying_every_combination_says_so(old: Policy, new: Policy) -> None:
    assert_exact(old, new)


def test_a_policy_does_not_differ_from_itself() -> None:
    found = differences.compare(MONEY_BACK, MONEY_BACK)

    assert found.is_empty
    assert (found.changed, found.moved, found.combinations) == (0, 0, 75_600)


def test_another_name_for_the_same_outcome_only_moves() -> None:
    renamed = loader.loads(minimal_with('id = "partly"', 'id = "in-part"'), "shop.toml")

    found = differences.compare(BASE, renamed)

    assert (found.changed, found.changes) == (0, ())
    assert found.moved > 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (NOTHING, PART, Direction.MORE),
        (ALL, PART, Direction.LESS),
        (PART, PART, Direction.SAME_AMOUNT),
        (PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.EITHER),
        (replace(ALL, cap=Portion(sum=Decimal(5))), replace(ALL, cap=Portion(basis_points=5000)), Direction.EITHER),
        (replace(PART, approval=Approval.REVIEW), PART, Direction.SAME_AMOUNT),
        (PART, replace(PART, fee=Portion(sum=Decimal("0.01"))), Direction.LESS),
    ],
)
def test_says_for_whom_a_change_is_better(before: Clause, after: Clause, expected: Direction) -> None:
    assert direction([(Delivery.SOME, before, after)]) is expected


@pytest.mark.parametrize(
    ("status", "delivery", "before", "after", "expected"),
    [
        # All of a completed order is delivered, though the rule doesn't say so: the part is nothing.
        ("completed", None, ALL, PART, Direction.LESS),
        ("completed", None, replace(NOTHING, approval=Approval.REVIEW), PART, Direction.SAME_AMOUNT),
        ("completed", None, PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.MORE),
        # Nothing of a pending one is: the part is everything.
        ("pending", None, PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.LESS),
        ("pending", None, replace(ALL, approval=Approval.REVIEW), PART, Direction.SAME_AMOUNT),
        # A partial one may be either.
        ("partial", None, PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.EITHER),
        ("partial", "none", PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.LESS),
        ("partial", "all", PART, replace(ALL, cap=Portion(basis_points=5000)), Direction.MORE),
    ],
)
def test_judges_a_change_by_the_orders_that_there_can_be(
    status: str, delivery: str | None, before: Clause, after: Clause, expected: Direction
) -> None:
    facts = {"status": [status]} | ({} if delivery is None else {"delivery": [delivery]})

    (change,) = _changes(with_rules(only(before, **facts)), with_rules(only(after, **facts)))

    assert change.direction is expected


def _changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    return differences.compare(old, new).changes


def test_the_direction_of_every_change_is_that_of_some_order() -> None:
    signs: dict[tuple[str, str], set[int]] = {}
    met = {
        (force.decides(MONEY_BACK, facts), force.decides(WIDENED, facts), facts.delivery)
        for facts in force.every(WIDENED)
    }
    for before, after, delivery in met:
        for amounts in force.orders(delivery):
            change = owing.owed(after, amounts) - owing.owed(before, amounts)
            if abs(change) > force.NOISE:
                signs.setdefault((before.id, after.id), set()).add(1 if change > 0 else -1)

    found = changes._by_clause(Coverage(MONEY_BACK, WIDENED))

    expected = {(1,): Direction.MORE, (-1,): Direction.LESS, (-1, 1): Direction.EITHER, (): Direction.SAME_AMOUNT}
    assert len(found) > 10
    assert {(change.clauses_before[0], change.clauses_after[0]): change.direction for change in found} == {
        pair: expected[tuple(sorted(signs.get(pair, ())))]
        for pair in ((change.clauses_before[0], change.clauses_after[0]) for change in found)
    }


def test_rules_that_would_be_too_many_are_told_by_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = differences.compare(MONEY_BACK, CREDIT_ONLY)

    monkeypatch.setattr(merging, "MOST_BOXES", 10)
    found = differences.compare(MONEY_BACK, CREDIT_ONLY)

    assert found.changed == whole.changed == sum(change.row.combinations for change in found.changes)
    assert found.changes[0].row.words.startswith("Decided by: ")


def test_words_stay_go_and_come() -> None:
    changed = loader.loads(MINIMAL.replace("Short and fair.", "Short, and very fair."), "shop.toml")

    (text,) = differences.compare(BASE, changed).texts

    assert (text.where, text.before, text.after) == ("summary", "Short and fair.", "Short, and very fair.")
    assert [(span.kind.value, span.words) for span in text.spans] == [
        ("gone", "Short"),
        ("new", "Short,"),
        ("same", "and"),
        ("new", "very"),
        ("same", "fair."),
    ]
