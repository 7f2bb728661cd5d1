"""The address that Stripe calls: what it takes, what it turns away, and that how often it is called changes nothing."""

import json
import threading
from datetime import timedelta
from time import time

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings
from stripe import WebhookSignature
from time_machine import travel

from billing.models import Deposit, DepositState, EventState, GatewayEvent, LegState, Withdrawal
from panel import webhooks
from panel.sandbox.payments import Delivery, PaymentsSandbox
from tests.billing.money import balances, credited, moved
from tests.concurrency.racing import race
from tests.factories import make_customer, only_leg, open_deposit, open_dispute, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db

ADDRESS = "/webhooks/stripe/"


def post(body: bytes, signature: str | None) -> int:
    headers = {} if signature is None else {"stripe-signature": signature}
    return Client().post(ADDRESS, body, content_type="application/json", headers=headers).status_code


def signature_of(body: bytes, secret: str, *, age: float = 0.0) -> str:
    at = int(time() - age)
    return f"t={at},v1={WebhookSignature._compute_signature(f'{at}.{body.decode()}', secret)}"


def waiting(payments: PaymentsSandbox, kind: str) -> Delivery:
    """The one delivery of this type that waits."""
    (found,) = [delivery for delivery in payments.queued() if delivery.type == kind]
    return found


def handle() -> None:
    webhooks.handle_due()


def a_delivery(payments: PaymentsSandbox) -> Delivery:
    deposit = open_deposit(make_customer())
    payments.pay(deposit.reference or "")
    return waiting(payments, "checkout.session.completed")


def test_credits_a_deposit_that_it_was_told_of(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")

    statuses = payments.deliver(waiting(payments, "checkout.session.completed").id)

    assert (statuses, credited(ada)) == ([200], [])
    handle()
    assert credited(ada) == ["50.00"]
    event = GatewayEvent.objects.get()
    assert (event.state, event.object, event.type) == (
        EventState.DONE,
        deposit.reference,
        "checkout.session.completed",
    )


def test_every_event_in_any_order_and_twice_leads_to_the_same_books(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50", card="closed_card")
    withdrawal = withdraw(ada, "20")
    send_due()
    payments.refund_by_hand(deposit.payment_reference or "", 1000)
    payments.advance(7200)

    for delivery in reversed(payments.queued()):
        assert payments.deliver(delivery.id, times=2) == [200, 200]
        handle()

    assert set(GatewayEvent.objects.values_list("state", flat=True)) == {"done", "ignored"}
    assert set(GatewayEvent.objects.values_list("deliveries", flat=True)) == {2}
    assert only_leg(withdrawal).state == LegState.FAILED
    assert credited(ada) == ["50.00"]
    assert balances(ada) == {"available": "50.00"}


def test_a_late_failure_reaches_the_customers_balance(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50", card="closed_card")
    withdraw(ada, "20")
    send_due()
    assert balances(ada) == {"available": "30.00"}
    payments.advance(7200)

    payments.deliver(waiting(payments, "refund.failed").id)
    handle()

    assert moved(ada)[-1] == ("withdrawal_reversed", "20.00")
    assert balances(ada) == {"available": "50.00"}


def test_an_event_of_an_object_that_is_not_known_yet_waits_for_it(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    reference = payments.refund_by_hand(payments.pay_unknown(5000), 2000)
    payments.deliver(waiting(payments, "refund.created").id)

    handle()

    event = GatewayEvent.objects.get()
    assert (event.state, event.object) == (EventState.WAITING, reference)
    assert event.error == f"{reference} is a refund of no deposit of this panel."
    assert (Withdrawal.objects.count(), balances(ada)) == (0, {})


def test_what_the_body_says_is_not_believed(payments: PaymentsSandbox) -> None:
    """Only ids are taken from it: a body that says "paid", rightly signed, credits nothing that Stripe does not say."""
    ada = make_customer()
    deposit = open_deposit(ada)
    session = {"id": deposit.reference, "object": "checkout.session", "payment_status": "paid", "amount_total": 999999}
    body = json.dumps(
        {
            "id": "evt_forged",
            "object": "event",
            "type": "checkout.session.completed",
            "created": 1,
            "data": {"object": session},
        }
    ).encode()

    assert post(body, signature_of(body, payments.webhook_secret)) == 200
    handle()

    assert Deposit.objects.get().state == DepositState.OPEN
    assert balances(ada) == {}


def test_turns_away_what_stripe_did_not_sign(payments: PaymentsSandbox) -> None:
    delivery = a_delivery(payments)
    body = delivery.payload

    for forged in (
        None,
        "",
        "t=1,v1=abc",
        "nonsense",
        "\N{SNOWMAN}",
        signature_of(body, "whsec_of_somebody_else"),
        delivery.signature.replace("v1=", "v0="),
    ):
        assert post(body, forged) == 400
    assert post(body.replace(b"5000", b"9000"), delivery.signature) == 400

    assert not GatewayEvent.objects.exists()


def test_turns_away_what_was_signed_more_than_five_minutes_ago(payments: PaymentsSandbox) -> None:
    delivery = a_delivery(payments)

    with travel(timedelta(seconds=310)):
        assert post(delivery.payload, delivery.signature) == 400
    assert not GatewayEvent.objects.exists()
    with travel(timedelta(seconds=280)):
        assert post(delivery.payload, delivery.signature) == 200


def test_a_delivery_played_back_is_the_same_event(payments: PaymentsSandbox) -> None:
    delivery = a_delivery(payments)

    for _ in range(3):
        assert post(delivery.payload, delivery.signature) == 200
        handle()

    assert GatewayEvent.objects.get().deliveries == 3
    assert Deposit.objects.get().amount == 50


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"{}", b'{"id": "evt_1"}', b"\xff\xfe{}", b"[" * 200_000, b"\x00" * 50]
)
def test_turns_away_what_is_no_event(payments: PaymentsSandbox, body: bytes) -> None:
    try:
        signed = signature_of(body, payments.webhook_secret)
    except UnicodeDecodeError:
        signed = "t=1,v1=abc"

    assert post(body, signed) == 400

    assert not GatewayEvent.objects.exists()


def test_turns_away_what_is_too_large_before_it_is_verified(payments: PaymentsSandbox) -> None:
    del payments
    assert post(b"x" * 500_001, "t=1,v1=abc") == 413
    assert post(b"x" * 3_000_000, "t=1,v1=abc") == 413
    assert post(b"x" * 500_000, "t=1,v1=abc") == 400


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_takes_posts_only(method: str) -> None:
    assert getattr(Client(), method)(ADDRESS).status_code == 405


def test_an_unconfigured_panel_turns_everything_away(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = ""

    assert post(b"{}", "t=1,v1=abc") == 400


def test_needs_no_csrf_token(payments: PaymentsSandbox) -> None:
    delivery = a_delivery(payments)
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(
        ADDRESS,
        delivery.payload,
        content_type="application/json",
        headers={"stripe-signature": delivery.signature},
    )

    assert answer.status_code == 200


def test_asks_for_another_delivery_while_the_database_is_down(payments: PaymentsSandbox) -> None:
    delivery = a_delivery(payments)
    statuses: list[int] = []

    def deliver_without_a_database() -> None:
        connection.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "9"}
        statuses.append(post(delivery.payload, delivery.signature))

    thread = threading.Thread(target=deliver_without_a_database)
    thread.start()
    thread.join()

    assert statuses == [503]
    assert post(delivery.payload, delivery.signature) == 200


@pytest.mark.django_db(transaction=True)
def test_is_stored_before_it_is_answered(payments: PaymentsSandbox) -> None:
    """Another connection sees the event by the time of the answer, though nothing was handled."""
    delivery = a_delivery(payments)
    assert post(delivery.payload, delivery.signature) == 200
    seen: list[str] = []

    def look() -> None:
        seen.extend(GatewayEvent.objects.values_list("state", flat=True))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == ["waiting"]
    assert Deposit.objects.get().state == DepositState.OPEN


@pytest.mark.django_db(transaction=True)
def test_one_event_in_ten_threads_credits_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")
    delivery = waiting(payments, "checkout.session.completed")

    def deliver() -> int:
        status = post(delivery.payload, delivery.signature)
        handle()
        return status

    assert race([deliver] * 10) == [200] * 10
    handle()

    assert credited(ada) == ["50.00"]


def test_every_type_in_the_table_is_one_that_the_sandbox_sends(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, card="closed_card")
    payments.expire(open_deposit(ada).reference or "")
    for card in ("bank_debit", "bank_debit_fails"):
        pay_in(ada, payments, card=card)
    payments.warn_of_fraud(deposit.payment_reference or "")
    payments.refund_by_hand(deposit.payment_reference or "", 1000)
    payments.move_dispute(open_dispute(payments, deposit), "won")
    payments.move_dispute(open_dispute(payments, deposit, cents=500), "under_review")
    payments.advance(7200)

    assert webhooks.HANDLERS.keys() <= {event["type"] for event in payments.events()}
