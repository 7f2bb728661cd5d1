from decimal import Decimal

import pytest

from refunds.policy import engine, wording
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Cause, Delivery, Facts, Initiator, Standing, Status
from refunds.policy.space import space
from tests.refunds.policy.documents import CREDIT_ONLY, MONEY_BACK, SHIPPED

CANCELED = Facts(Status.CANCELED, Delivery.NONE, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER, hours_since_final=1)
PARTIAL = Facts(Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER, hours_since_final=1)
COMPLETED = Facts(Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, Initiator.PROVIDER, hours_since_final=1)


def say(
    policy: Policy, facts: Facts, remains: int, before: str = "0", credited: str | None = None, charge: str = "10"
) -> str:
    amounts = Amounts(Decimal(charge), 4000, remains)
    verdict = engine.decide(policy, facts, amounts)
    now = None if credited is None else Decimal(credited)
    return wording.sentence(policy, verdict, amounts, "USD", before=Decimal(before), credited=now)


def test_says_a_full_refund() -> None:
    assert say(MONEY_BACK, CANCELED, 4000) == (
        "10.00 USD was credited to your balance because you canceled the order before anything was delivered."
    )


def test_says_how_many_units_a_partial_refund_is_for() -> None:
    assert say(MONEY_BACK, PARTIAL, 1600) == (
        "4.00 USD was credited to your balance for 1,600 of 4,000 units that were not delivered, "
        "because the order ended before all of it was delivered."
    )


def test_says_what_came_now_and_what_it_is_in_all_when_a_part_was_credited_before() -> None:
    expected = (
        "1.50 USD was credited to your balance, 4.00 USD in all for 1,600 of 4,000 units that were not delivered, "
        "because the order ended before all of it was delivered."
    )

    assert say(MONEY_BACK, PARTIAL, 1600, before="2.50") == expected
    assert say(MONEY_BACK, PARTIAL, 1600, credited="1.50") == expected


@pytest.mark.parametrize("remains", [1600, 800])
def test_says_that_nothing_more_was_credited_when_it_was_all_credited_before(remains: int) -> None:
    assert say(MONEY_BACK, PARTIAL, remains, before="4.00") == (
        "Nothing more was credited than the 4.00 USD before, because the order ended before all of it was delivered."
    )


def test_says_why_there_is_no_refund() -> None:
    assert say(CREDIT_ONLY, COMPLETED, 0) == "There is no refund (0.00 USD) because the order was completed."


def test_says_that_a_person_looks_first_and_how_long_it_takes() -> None:
    flagged = Facts.from_dict({**PARTIAL.as_dict(), "standing": Standing.ABUSE_FLAGGED.value})

    assert say(MONEY_BACK, flagged, 1600, before="1.00") == (
        "A refund of 3.00 USD waits for a person to review it within 24 to 48 hours "
        "because refunds on this account are checked by a person at present."
    )


def test_promises_no_review_when_there_is_nothing_to_gain_by_it() -> None:
    asked = Facts.from_dict({**PARTIAL.as_dict(), "cause": "dropped", "initiator": "customer"})

    assert say(MONEY_BACK, asked, 1600, before="4.00") == (
        "Nothing more was credited than the 4.00 USD before: the stated cause is one that a person has to look at. "
        "Ask for a review on the order's page if you see it otherwise."
    )
    assert say(MONEY_BACK, asked, 0) == (
        "Nothing was credited (0.00 USD): the stated cause is one that a person has to look at. "
        "Ask for a review on the order's page if you see it otherwise."
    )


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_every_decision_is_a_whole_sentence_with_amount_and_reason(policy: Policy) -> None:
    remains = {Delivery.ALL: 0, Delivery.SOME: 250, Delivery.NONE: 1000}
    said = set()
    for facts in space():
        amounts = Amounts(Decimal("1234.567"), 1000, remains[facts.delivery])
        verdict = engine.decide(policy, facts, amounts)
        text = wording.sentence(policy, verdict, amounts, "EUR")
        said.add(text)
        assert policy.clause(verdict.clause_id).because in text
        assert ("308.64175 EUR" if verdict.owed == Decimal("308.64175") else "EUR") in text

    for text in said:
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith(".")
        assert not set("{}") & set(text)
        assert "  " not in text


def test_fills_placeholders_and_leaves_other_text_alone() -> None:
    assert wording.fill("{panel} and {panel}: 5 % of {a}", {"panel": "P", "a": "{panel}"}) == "P and P: 5 % of {panel}"


def test_a_window_with_equal_ends_is_one_number() -> None:
    assert (wording.span(24, 48), wording.span(24, 24)) == ("24 to 48", "24")
