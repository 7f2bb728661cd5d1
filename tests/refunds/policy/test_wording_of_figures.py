"""Caps, fees, claim windows and scopes in words: on the policy's page and in what customers read about a decision."""

from decimal import Decimal

import pytest

from refunds.policy import engine, loader, page, wording
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Cause, Delivery, Facts, Initiator, Status
from tests.refunds.policy import widened
from tests.refunds.policy.widened import CREATORS, NEWSLETTER, WIDENED

CLAIM = Facts(Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER, hours_since_final=0, category=CREATORS)
PARTIAL = Facts(
    Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER, hours_since_final=0, category=CREATORS
)
SOLD_OUT = Facts(
    Status.CANCELED, Delivery.NONE, Cause.NOT_STARTED, Initiator.SYSTEM, hours_since_final=0, service=NEWSLETTER
)


def rule(clause: str, policy: Policy = WIDENED) -> str:
    return wording.rule(policy, policy.clause(clause), panel="Corner", currency="EUR")


def changed(old: str, new: str) -> Policy:
    text = widened.text_of("money-back-guarantee")
    assert text.count(old) == 1, old
    return loader.loads(text.replace(old, new), "shop.toml")


def say(
    facts: Facts, remains: int, *, charge: str = "10", quantity: int = 1000, before: str = "0", policy: Policy = WIDENED
) -> str:
    amounts = Amounts(Decimal(charge), quantity, remains)
    verdict = engine.decide(policy, facts, amounts)
    return wording.sentence(policy, verdict, amounts, "EUR", before=Decimal(before))


def test_a_rule_says_its_scope_window_cap_and_fee() -> None:
    assert rule("taken-down") == (
        "What goes away of creator placements within 72 hours of the end: at most 50 % of the charge comes back,"
        " less 0.50 EUR."
    )


def test_a_rule_says_a_fee_in_per_cent_of_the_refund_and_a_cap_as_a_sum() -> None:
    assert rule("creators-partly") == (
        "Some of creator placements can't be had: what was not delivered is refunded, less 5 % of the refund."
    )
    assert rule("sold-out") == "What can't be had of newsletter spots is refunded, at most 10.00 EUR."


@pytest.mark.parametrize(
    ("written", "shown"),
    [("12.5 %", "12.5 %"), ("12.50 %", "12.5 %"), ("10 %", "10 %"), ("0.05%", "0.05 %")],
)
def test_a_percentage_is_said_without_needless_zeros(written: str, shown: str) -> None:
    assert f"less {shown} of the refund" in rule("creators-partly", changed('fee = "5 %"', f'fee = "{written}"'))


@pytest.mark.parametrize(
    ("hours", "shown"),
    [(1, "an hour"), (2, "2 hours"), (48, "48 hours"), (72, "72 hours"), (96, "4 days"), (100, "100 hours")],
)
def test_a_window_is_said_in_hours_and_in_days_where_it_is_a_few_of_them(hours: int, shown: str) -> None:
    policy = changed("claim_window_hours = 72", f"claim_window_hours = {hours}")

    assert f"within {shown} of the end" in rule("taken-down", policy)


def test_several_scopes_are_said_as_a_choice_and_what_none_names_as_the_others() -> None:
    policy = changed(
        'when.scope = ["newsletters"]\nwhen.status',
        'when.scope = ["newsletters", "creators", "elsewhere"]\nwhen.status',
    )

    assert rule("sold-out", policy).startswith(
        "What can't be had of newsletter spots, creator placements or other services is refunded"
    )


def test_the_page_fills_in_the_figures_of_every_clause() -> None:
    built = page.build(WIDENED, panel="Corner", currency="EUR", email="help@corner.example")
    points = [point for section in built.sections for point in section.points]

    assert rule("taken-down") in points
    assert rule("sold-out") in points
    assert not [point for point in points if set("{}") & set(point)]


def test_a_credit_says_the_fee_that_was_kept_of_it() -> None:
    assert say(PARTIAL, 400) == (
        "3.80 EUR was credited to your balance for 400 of 1,000 units that were not delivered (less a fee of 5 %),"
        " because not all of the placements could be had."
    )


def test_a_credit_says_the_cap_that_limits_it() -> None:
    assert say(SOLD_OUT, 1000, charge="49") == (
        "10.00 EUR was credited to your balance (at most 10.00 EUR) because the newsletter was sold out."
    )


def test_a_cap_that_limits_nothing_is_not_mentioned() -> None:
    assert say(SOLD_OUT, 1000, charge="9.99") == (
        "9.99 EUR was credited to your balance because the newsletter was sold out."
    )


def test_a_later_credit_says_the_fee_too() -> None:
    assert say(PARTIAL, 400, before="1.90") == (
        "1.90 EUR was credited to your balance, 3.80 EUR in all for 400 of 1,000 units that were not delivered"
        " (less a fee of 5 %), because not all of the placements could be had."
    )


def test_a_refund_that_waits_says_what_a_cap_and_a_fee_take_off() -> None:
    assert say(CLAIM, 0) == (
        "A refund of 4.50 EUR (at most 50 % of the charge, less a fee of 0.50 EUR) waits for a person to review it"
        " within 24 to 48 hours because the placement went away soon after the end."
    )


def test_only_what_took_something_off_is_said() -> None:
    uncapped = changed('cap = "50 %", fee = "0.50"', 'cap = "50.00", fee = "0.50"')

    assert "A refund of 9.50 EUR (less a fee of 0.50 EUR) waits" in say(CLAIM, 0, policy=uncapped)


def test_a_fee_that_takes_all_of_it_is_said_where_nothing_comes_back() -> None:
    costly = changed('fee = "5 %"', 'fee = "4.00"')

    assert say(PARTIAL, 400, policy=costly) == (
        "There is no refund (0.00 EUR, less a fee of 4.00 EUR) because not all of the placements could be had."
    )
