"""Answers that make no sense are never guessed at: nobody knows what happened, or a person looks."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.gateways.base import (
    DepositRequest,
    MovementKind,
    OutcomeUnknown,
    RefundRequest,
    RefundStanding,
    Refusal,
    Refused,
)
from billing.gateways.stripe import Stripe
from tests.billing.gateways.scripted import Scripted

REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 2000,
    "currency": "usd",
    "payment_intent": "pi_anna",
    "status": "succeeded",
    "metadata": {"leg": "7", "attempt": "1"},
}
INTENT: dict[str, Any] = {
    "id": "pi_anna",
    "object": "payment_intent",
    "amount": 5000,
    "amount_received": 5000,
    "currency": "usd",
    "status": "succeeded",
    "latest_charge": None,
}
SESSION: dict[str, Any] = {
    "id": "cs_anna",
    "object": "checkout.session",
    "amount_total": 5000,
    "currency": "usd",
    "expires_at": 1_800_000_000,
    "metadata": {"deposit": "3"},
    "payment_intent": INTENT,
    "payment_status": "paid",
    "status": "complete",
    "url": "https://checkout.example.com/cs_anna",
}
DEPOSIT = DepositRequest(
    key="deposit-3",
    deposit=3,
    amount=Decimal("50.000000"),
    currency="USD",
    customer_email="anna@example.com",
    description="Add funds",
    return_url="https://panel.example.com/balance/3/",
    cancel_url="https://panel.example.com/balance/add/",
)
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def listed(*entries: dict[str, Any], has_more: object = False) -> dict[str, Any]:
    return {"object": "list", "url": "/v1/refunds", "data": list(entries), "has_more": has_more}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"id": "re_" + "1" * 300},
        {"id": "re_1\x00"},
        {"amount": 1999},
        {"amount": 0},
        {"amount": -2000},
        {"amount": "2000"},
        {"amount": 2000.5},
        {"amount": True},
        {"amount": None},
        {"amount": 10**40},
        {"currency": "eur"},
        {"currency": "doubloons"},
        {"currency": None},
        {"payment_intent": "pi_bruno"},
        {"payment_intent": None},
        {"status": 5},
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"leg": "7", "attempt": "2"}},
        {"metadata": {"leg": "8", "attempt": "1"}},
    ],
    ids=json.dumps,
)
def test_does_not_take_an_answer_about_something_else_for_the_refund(
    stripe: Stripe, server: Scripted, leg: RefundRequest, wrong: dict[str, Any]
) -> None:
    server.say(REFUND | wrong)

    with pytest.raises(OutcomeUnknown, match="Stripe's refund"):
        stripe.refund(leg)


@pytest.mark.parametrize(("status", "kept"), [("teleported", "teleported"), (None, ""), ("x" * 200, "x" * 99 + "…")])
def test_leaves_an_unknown_status_to_a_person(
    stripe: Stripe, server: Scripted, leg: RefundRequest, status: str | None, kept: str
) -> None:
    server.say(REFUND | {"status": status})

    report = stripe.refund(leg)

    assert report.standing is RefundStanding.UNRECOGNIZED
    assert report.status == kept
    assert report.refusal is None


def test_reports_a_failure_without_a_reason(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    server.say(REFUND | {"status": "failed", "failure_reason": None})

    report = stripe.refund(leg)

    assert (report.standing, report.refusal, report.failure) == (RefundStanding.FAILED, Refusal.OTHER, "failed")


@pytest.mark.parametrize("number", ["", "7 ", "-7", "+7", "7.0", "seven", "٧", "7" * 19])  # noqa: RUF001 - an Arabic digit
def test_does_not_take_a_foreign_text_in_the_metadata_for_a_number_of_ours(
    stripe: Stripe, server: Scripted, number: str
) -> None:
    server.say(REFUND | {"metadata": {"leg": number, "attempt": "1"}})

    report = stripe.fetch_refund("re_1")

    assert (report.leg, report.attempt) == (None, None)


@pytest.mark.parametrize("amount", [True, None, "2000", 20.5, 0, -2000])
def test_reports_no_refund_whose_amount_is_none(stripe: Stripe, server: Scripted, amount: object) -> None:
    server.say(REFUND | {"amount": amount})

    with pytest.raises(OutcomeUnknown, match="amount is"):
        stripe.fetch_refund("re_1")


def test_does_not_take_another_object_for_the_one_asked_for(stripe: Stripe, server: Scripted) -> None:
    server.say(REFUND | {"id": "re_2"})
    server.say(SESSION | {"id": "cs_bruno"})

    with pytest.raises(OutcomeUnknown, match="refund is 're_2', asked was 're_1'"):
        stripe.fetch_refund("re_1")
    with pytest.raises(OutcomeUnknown, match="session is 'cs_bruno', asked was 'cs_anna'"):
        stripe.fetch_deposit("cs_anna")


@pytest.mark.parametrize("reference", ["", "..", "re_1/cancel", "re 1", "re_1?limit=1", "x" * 256])
def test_asks_nothing_with_what_is_no_reference(stripe: Stripe, server: Scripted, reference: str) -> None:
    for ask in (stripe.fetch_refund, stripe.fetch_deposit, stripe.refunds_of, stripe.find_deposit):
        with pytest.raises(Refused) as refused:
            ask(reference)
        assert refused.value.refusal is Refusal.NOT_FOUND

    assert server.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"payment_intent": None},
        {"payment_intent": "pi_anna"},
        {"payment_intent": INTENT | {"amount_received": 0}},
        {"payment_intent": INTENT | {"amount_received": None}},
        {"payment_intent": INTENT | {"currency": None}},
        {"payment_intent": INTENT | {"id": None}},
        {"payment_status": "no_payment_required"},
        {"payment_status": "perhaps"},
        {"payment_status": None},
        {"status": None},
        {"status": "paused", "payment_status": "unpaid"},
        {"payment_status": "unpaid", "payment_intent": None},
    ],
    ids=json.dumps,
)
def test_credits_no_deposit_from_a_session_that_makes_no_sense(
    stripe: Stripe, server: Scripted, wrong: dict[str, Any]
) -> None:
    server.say(SESSION | wrong)

    with pytest.raises(OutcomeUnknown):
        stripe.fetch_deposit("cs_anna")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"amount_total": 500},
        {"amount_total": None},
        {"currency": "eur"},
        {"url": None},
        {"url": "javascript:alert(1)"},
        {"url": "https://checkout.example.com/ cs"},
        {"expires_at": None},
        {"expires_at": 0},
        {"expires_at": 10**15},
    ],
    ids=json.dumps,
)
def test_sends_no_customer_to_a_session_that_makes_no_sense(
    stripe: Stripe, server: Scripted, wrong: dict[str, Any]
) -> None:
    server.say(SESSION | {"payment_intent": None, "payment_status": "unpaid", "status": "open"} | wrong)

    with pytest.raises(OutcomeUnknown):
        stripe.open_deposit(DEPOSIT)


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "list", "url": "/v1/refunds", "has_more": False},
        {"object": "list", "url": "/v1/refunds", "data": []},
        {"object": "list", "url": "/v1/refunds", "data": None, "has_more": False},
        {"object": "list", "url": "/v1/refunds", "data": [], "has_more": True},
        {"object": "list", "url": "/v1/refunds", "data": ["re_1"], "has_more": False},
        {"object": "list", "url": "/v1/refunds", "data": [{}], "has_more": False},
        REFUND,
        {},
        [],
    ],
    ids=json.dumps,
)
def test_does_not_take_half_a_list_for_none(
    stripe: Stripe, server: Scripted, leg: RefundRequest, answer: object
) -> None:
    server.say(answer)

    with pytest.raises(OutcomeUnknown):
        stripe.find_refund(leg)


def test_does_not_take_a_refund_of_another_payment_in_a_list(
    stripe: Stripe, server: Scripted, leg: RefundRequest
) -> None:
    server.say(listed(REFUND | {"payment_intent": "pi_bruno"}))

    with pytest.raises(OutcomeUnknown, match="'pi_bruno', asked was 'pi_anna'"):
        stripe.find_refund(leg)


def test_leaves_two_refunds_of_one_attempt_to_a_person(
    stripe: Stripe, server: Scripted, leg: RefundRequest, caplog: pytest.LogCaptureFixture
) -> None:
    server.say(listed(REFUND, REFUND | {"id": "re_2"}))

    with pytest.raises(OutcomeUnknown, match="2 refunds of leg 7, attempt 1"):
        stripe.find_refund(leg)

    assert "2 refunds of leg 7, attempt 1" in caplog.text


def test_does_not_take_a_found_refund_of_another_amount_for_ours(
    stripe: Stripe, server: Scripted, leg: RefundRequest
) -> None:
    server.say(listed(REFUND | {"amount": 500}))

    with pytest.raises(OutcomeUnknown, match=r"5\.000000.*asked was.*20\.000000"):
        stripe.find_refund(leg)


def line(**own: Any) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "amount": 5000, "currency": "usd", "payment_intent": "pi_anna"}
    return {
        "id": "txn_1",
        "object": "balance_transaction",
        "type": "charge",
        "amount": 5000,
        "currency": "usd",
        "created": 1_772_400_000,
        "source": charge,
        **own,
    }


def test_takes_the_amount_that_the_customer_paid_where_the_account_settles_in_another_currency(
    stripe: Stripe, server: Scripted
) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 2000, "currency": "usd", "payment_intent": "pi_anna"}
    server.say(
        listed(
            line(amount=4600, currency="eur"),
            line(id="txn_2", type="refund", amount=-1840, currency="eur", source=refund),
        )
    )

    paid, back = stripe.movements(SINCE, UNTIL)

    assert (paid.amount, paid.currency) == (Decimal("50.000000"), "USD")
    assert (back.amount, back.currency) == (Decimal("-20.000000"), "USD")


def test_keeps_apart_what_is_not_the_customers_money(stripe: Stripe, server: Scripted) -> None:
    server.say(
        listed(
            line(type="stripe_fee", amount=-30, source=None),
            line(id="txn_2", type="payout", amount=-4000, source={"id": "po_1", "object": "payout"}),
            line(id="txn_3", type="a_type_of_tomorrow", source=None),
            line(id="txn_4", type="adjustment", amount=7, source=None),
            line(id="txn_5", type="payment_failure_refund", amount=-5000),
        )
    )

    moved = list(stripe.movements(SINCE, UNTIL))

    assert [movement.kind for movement in moved] == [MovementKind.OTHER] * 4 + [MovementKind.PAYMENT]
    assert [movement.source for movement in moved] == ["", "po_1", "", "", "ch_1"]
    assert moved[4].amount == Decimal("-50.000000")


@pytest.mark.parametrize(
    "wrong", [{"amount": None}, {"currency": "x"}, {"created": None}, {"type": None}, {"id": None}], ids=json.dumps
)
def test_does_not_guess_a_line_of_the_books(stripe: Stripe, server: Scripted, wrong: dict[str, Any]) -> None:
    server.say(listed(line(**wrong)))

    with pytest.raises(OutcomeUnknown, match="balance transaction makes no sense"):
        list(stripe.movements(SINCE, UNTIL))


def test_asks_for_whole_seconds_that_cut_where_the_instants_do(stripe: Stripe, server: Scripted) -> None:
    server.say(listed())

    assert list(stripe.movements(SINCE.replace(microsecond=1), UNTIL.replace(microsecond=999_999))) == []
    assert server.asked[0].form["created[gte]"] == str(int(SINCE.timestamp()) + 1)
    assert server.asked[0].form["created[lt]"] == str(int(UNTIL.timestamp()) + 1)
