"""What customers read of a change: the cases of an order's life, for those in good standing."""

from pathlib import Path

from refunds.policy import case_changes, loader
from refunds.policy.outcomes import Direction
from tests.refunds.policy.documents import CREDIT_ONLY, MONEY_BACK

FAIR_REACH = loader.load_file(Path("docs/examples/fair-reach.toml"))


def test_cases_come_in_the_order_of_an_orders_life_and_say_for_whom_they_are_better() -> None:
    found = case_changes.find(MONEY_BACK, CREDIT_ONLY, "USD")

    assert [(change.case, change.services, change.direction) for change in found] == [
        ("You cancel while it is pending", "", Direction.LESS),
        ("It is delivered only in part", "services marked “no refund after start”", Direction.MORE),
        ("You report that less was delivered", "", Direction.LESS),
        ("You report that what was delivered went away", "", Direction.LESS),
        ("It went away, and the refill failed", "services with refill", Direction.LESS),
    ]
    assert found[1].before == "No refund."
    assert found[1].after == "What was not delivered is refunded to your balance."


def test_services_are_named_by_scope_and_terms_only_where_they_differ() -> None:
    found = case_changes.find(MONEY_BACK, FAIR_REACH, "USD")

    assert [change.services for change in found if change.case == "You cancel while it is pending"] == [
        "creator placements"
    ]
    assert [change.services for change in found if change.case == "It is delivered only in part"] == [
        "newsletter issues and host-read ads; services that are refunded after the start",
        "other services, creator placements; services marked “no refund after start”",
    ]


def test_the_same_policy_changes_nothing() -> None:
    assert case_changes.find(FAIR_REACH, FAIR_REACH, "USD") == ()


def test_clauses_about_customers_in_doubt_are_left_out() -> None:
    policy = case_changes.in_good_standing(MONEY_BACK)

    assert "standing-in-doubt" not in [clause.id for clause in policy.clauses]
    assert not [clause.id for clause in policy.clauses if "standing" in dict(clause.when.values)]
    assert len(policy.clauses) < len(MONEY_BACK.clauses)
