import time
from typing import Any

import httpx
import pytest
import stripe

from panel.sandbox.payments import PaymentsSandbox
from tests.sandbox.payments.conftest import Opening

DONE = "https://panel.example/balance/add/done/?session="


@pytest.fixture
def http() -> Any:
    with httpx.Client(trust_env=False, timeout=10) as http:
        yield http


def types_of(sandbox: PaymentsSandbox) -> list[str]:
    return [event["type"] for event in sandbox.events()]


def expanded(api: stripe.StripeClient, session: str) -> Any:
    return api.v1.checkout.sessions.retrieve(session, {"expand": ["payment_intent.latest_charge"]})


def test_an_open_session_has_an_address_and_no_payment(api: stripe.StripeClient, open_session: Opening) -> None:
    session = api.v1.checkout.sessions.retrieve(open_session())

    assert session.id.startswith("cs_test_")
    assert session.url is not None
    assert session.url.endswith(f"/checkout/{session.id}")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.client_reference_id) == (5000, "usd", "deposit-7")
    assert session.to_dict()["metadata"] == {"deposit": "7"}
    assert session.expires_at - session.created == 24 * 3600


def test_a_payment_completes_the_session_and_moves_the_balance(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    session_id = open_session()
    opening = sandbox.balance()

    assert sandbox.pay(session_id, card="mastercard")

    session = expanded(api, session_id)
    intent, charge = session.payment_intent, session.payment_intent.latest_charge
    transaction = api.v1.balance_transactions.retrieve(charge.balance_transaction)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details.email == "rosa@example.com"
    assert (intent.status, intent.amount_received) == ("succeeded", 5000)
    assert intent.to_dict()["metadata"] == {"deposit": "7"}
    card = charge.payment_method_details.card
    assert (card.brand, card.last4) == ("mastercard", "4444")
    assert (charge.amount_captured, charge.amount_refunded, charge.refunded, charge.disputed) == (5000, 0, False, False)
    assert (transaction.type, transaction.amount, transaction.fee, transaction.net) == ("charge", 5000, 175, 4825)
    assert transaction.source == charge.id
    assert sandbox.balance() == opening + 4825
    assert api.v1.balance.retrieve().available[0].amount == opening + 4825
    assert types_of(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_less_than_asked_may_come_in(sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening) -> None:
    session_id = open_session()

    sandbox.pay(session_id, amount_received=4200)

    session = expanded(api, session_id)
    assert (session.amount_total, session.payment_intent.amount_received) == (5000, 4200)
    with pytest.raises(stripe.InvalidRequestError, match=r"\(\$42\.01\) is greater .* \(\$42\.00\)"):
        api.v1.refunds.create({"payment_intent": session.payment_intent.id, "amount": 4201})


def test_a_declined_card_leaves_the_session_open_for_another(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    session_id = open_session()

    sandbox.decline(session_id)
    declined = expanded(api, session_id)
    sandbox.pay(session_id)
    paid = expanded(api, session_id)

    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert declined.payment_intent.status == "requires_payment_method"
    assert declined.payment_intent.last_payment_error.code == "card_declined"
    assert declined.payment_intent.latest_charge.status == "failed"
    assert (paid.payment_status, paid.payment_intent.id) == ("paid", declined.payment_intent.id)
    assert [charge.status for charge in api.v1.charges.list({"payment_intent": paid.payment_intent.id}).data] == [
        "succeeded",
        "failed",
    ]
    assert "payment_intent.payment_failed" in types_of(sandbox)


@pytest.mark.parametrize(
    ("way", "status", "event", "balance_moves"),
    [
        ("pay_later", "paid", "checkout.session.async_payment_succeeded", 4825),
        ("fail_later", "unpaid", "checkout.session.async_payment_failed", 0),
    ],
)
def test_a_bank_debit_is_decided_later(
    sandbox: PaymentsSandbox,
    api: stripe.StripeClient,
    open_session: Opening,
    way: str,
    status: str,
    event: str,
    balance_moves: int,
) -> None:
    session_id, opening = open_session(), sandbox.balance()

    getattr(sandbox, way)(session_id)
    at_first = expanded(api, session_id)
    sandbox.advance(3590)
    types_before = types_of(sandbox)
    sandbox.advance(20)
    afterwards = expanded(api, session_id)

    assert (at_first.status, at_first.payment_status, at_first.payment_intent.status) == (
        "complete",
        "unpaid",
        "processing",
    )
    assert types_before == ["payment_intent.created", "checkout.session.completed"]
    assert (afterwards.status, afterwards.payment_status) == ("complete", status)
    assert types_of(sandbox)[-1] == event
    assert sandbox.balance() - opening == balance_moves


def test_a_session_expires_by_the_clock_or_by_hand(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    waited_for, ended = open_session(), open_session()

    api.v1.checkout.sessions.expire(ended)
    sandbox.advance(24 * 3600)

    assert [api.v1.checkout.sessions.retrieve(each).status for each in (waited_for, ended)] == ["expired"] * 2
    assert types_of(sandbox) == ["checkout.session.expired"] * 2
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        api.v1.checkout.sessions.expire(ended)
    assert api.v1.checkout.sessions.list({"status": "open"}).data == []


def test_a_paid_session_does_not_expire(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    session = open_session()
    sandbox.pay(session)

    sandbox.advance(48 * 3600)

    assert api.v1.checkout.sessions.retrieve(session).status == "complete"


def test_the_page_shows_what_is_paid_and_takes_a_card(
    api: stripe.StripeClient, open_session: Opening, http: httpx.Client
) -> None:
    session = api.v1.checkout.sessions.retrieve(open_session())
    assert session.url is not None

    page = http.get(session.url)
    paid = http.post(session.url, data={"card": "visa"})
    again = http.post(session.url, data={"card": "visa"})

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Sandbox: no real money." in page.text
    assert "<h1>$50.00</h1>" in page.text
    assert "Rosa&#x27;s &lt;Café&gt;" in page.text
    assert 'href="https://panel.example/balance/add/"' in page.text
    assert (paid.status_code, paid.headers["Location"]) == (303, DONE + session.id)
    assert (again.status_code, "already" in again.text.lower()) == (200, True)
    assert len(api.v1.charges.list().data) == 1


def test_the_page_says_that_a_card_was_declined_and_lets_one_try_again(
    api: stripe.StripeClient, open_session: Opening, http: httpx.Client
) -> None:
    session = api.v1.checkout.sessions.retrieve(open_session())
    assert session.url is not None

    declined = http.post(session.url, data={"card": "visa_declined"})
    nonsense = http.post(session.url, data={"card": "gold"})
    paid = http.post(session.url, data={"card": "mastercard"})

    assert (declined.status_code, "Your card was declined." in declined.text) == (200, True)
    assert (nonsense.status_code, "card is one of" in nonsense.text) == (200, True)
    assert paid.status_code == 303


def test_the_page_of_an_expired_or_missing_session_takes_nothing(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening, http: httpx.Client
) -> None:
    session = api.v1.checkout.sessions.retrieve(open_session())
    assert session.url is not None
    sandbox.expire(session.id)

    assert http.post(session.url, data={"card": "visa"}).status_code == 410
    assert http.get(f"{sandbox.url}/checkout/cs_test_none").status_code == 404
    assert api.v1.charges.list().data == []


def test_the_clock_runs_on_from_the_time_of_day(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    sandbox.advance(100_000)

    created = api.v1.checkout.sessions.retrieve(open_session()).created

    assert time.time() + 100_000 - 2 <= created <= time.time() + 100_000
