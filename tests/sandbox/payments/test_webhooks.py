import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
import stripe

from panel.sandbox import http_server, payments
from panel.sandbox.payments import PaymentsSandbox

OF_A_PAYMENT = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


class Receiver:
    """An endpoint that checks signatures and answers as told."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.ids: list[str] = []
        self.answers: list[int] = []
        self.came = threading.Condition()

    def __call__(self, payload: bytes, signature: str) -> int:
        event = stripe.Webhook.construct_event(payload, signature, payments.DEFAULT_SECRET)
        with self.came:
            self.types.append(event.type)
            self.ids.append(event.id)
            self.came.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait_for(self, count: int) -> list[str]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.types) >= count, timeout=20), self.types
            return list(self.types)


def settled(until: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not until() and time.monotonic() < deadline:
        time.sleep(0.01)
    return until()


def test_events_are_delivered_over_http_with_a_true_signature() -> None:
    receiver = Receiver()

    def endpoint(request: http_server.Request) -> http_server.Answer:
        assert (request.method, request.path) == ("POST", "/webhooks/stripe/")
        status = receiver(request.body, request.headers["Stripe-Signature"])
        return http_server.json_answer({}, HTTPStatus(status))

    server = http_server.Server(("127.0.0.1", 0), endpoint)
    address = f"http://127.0.0.1:{server.server_port}/webhooks/stripe/"
    with http_server.running(server), payments.serving(webhook=address) as sandbox:
        sandbox.pay_unknown(5000)

        assert receiver.wait_for(3) == OF_A_PAYMENT
        assert settled(lambda: sandbox.queued() == [])
        assert [event["pending_webhooks"] for event in sandbox.events()] == [0, 0, 0]


def test_a_refused_event_is_delivered_again() -> None:
    receiver = Receiver()
    receiver.answers = [500, 404]
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.pay_unknown(5000)

        assert receiver.wait_for(5)
        assert settled(lambda: sandbox.queued() == [])

    assert sorted(receiver.types) == sorted([*OF_A_PAYMENT, *OF_A_PAYMENT[:2]])


def test_a_receiver_that_raises_gets_the_event_again(caplog: pytest.LogCaptureFixture) -> None:
    raised = threading.Event()

    def receive(_payload: bytes, _signature: str) -> int:
        if not raised.is_set():
            raised.set()
            raise ValueError("no")
        return 200

    with payments.serving(webhook=receive) as sandbox:
        sandbox.pay_unknown(5000)

        assert settled(lambda: sandbox.queued() == [])
    assert "the receiver of webhooks failed" in caplog.text


def test_a_lost_event_is_listed_and_never_comes() -> None:
    receiver = Receiver()
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.fault("webhook_drop", event="charge.", times=1)
        sandbox.pay_unknown(5000)
        types = receiver.wait_for(2)

        api = stripe.StripeClient(sandbox.key, base_addresses={"api": sandbox.url})
        assert settled(lambda: sandbox.queued() == [])
        assert types == ["payment_intent.created", "payment_intent.succeeded"]
        assert [event.type for event in api.v1.events.list({"delivery_success": False}).data] == ["charge.succeeded"]


def test_an_event_may_come_several_times() -> None:
    receiver = Receiver()
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.fault("webhook_repeat", event="charge.succeeded", copies=2, times=1)
        sandbox.pay_unknown(5000)
        receiver.wait_for(5)

    assert receiver.types.count("charge.succeeded") == 3
    assert len(set(receiver.ids)) == 3


def test_events_may_come_in_the_wrong_order() -> None:
    receiver = Receiver()
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.fault("webhook_reorder", times=3)
        sandbox.pay_unknown(5000)

        assert receiver.wait_for(3) == OF_A_PAYMENT[::-1]


def test_a_late_event_is_overtaken_by_the_others() -> None:
    receiver = Receiver()
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.fault("webhook_delay", event="payment_intent.created", seconds=1, times=1)
        sandbox.pay_unknown(5000)

        assert receiver.wait_for(3) == [*OF_A_PAYMENT[1:], OF_A_PAYMENT[0]]


def test_events_wait_for_control_when_handed_out() -> None:
    receiver = Receiver()
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.set_webhooks("manual")
        sandbox.pay_unknown(5000)
        created, charged, succeeded = sandbox.queued()
        by_hand = stripe.Webhook.construct_event(created.payload, created.signature, sandbox.webhook_secret)

        statuses = sandbox.deliver(succeeded.id, times=2)
        sandbox.drop(charged.id)
        left = [delivery.id for delivery in sandbox.queued()]
        again = sandbox.deliver(charged.id)

        assert (by_hand.id, by_hand.type) == (created.id, "payment_intent.created")
        assert (statuses, again, left) == ([200, 200], [200], [created.id])
        assert receiver.ids == [succeeded.id, succeeded.id, charged.id]


def test_an_event_that_is_refused_by_hand_stays_in_the_queue() -> None:
    receiver = Receiver()
    receiver.answers = [500]
    with payments.serving(webhook=receiver) as sandbox:
        sandbox.set_webhooks("manual")
        sandbox.pay_unknown(5000)
        first = sandbox.queued()[0]

        assert sandbox.deliver(first.id) == [500]
        assert sandbox.queued()[0].id == first.id


def test_without_a_webhook_events_are_only_listed(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    sandbox.pay_unknown(5000)

    assert sandbox.queued() == []
    assert [event.type for event in api.v1.events.list().data] == OF_A_PAYMENT[::-1]


def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    with payments.serving(webhook=lambda _payload, _signature: 500, state=tmp_path / "state") as sandbox:
        sandbox.pay_unknown(5000)
    with payments.serving(webhook=receiver, state=tmp_path / "state"):
        assert receiver.wait_for(3) == OF_A_PAYMENT


def test_there_may_be_two_events_for_one_thing(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    intent = sandbox.pay_unknown(5000)

    event = sandbox.announce("payment_intent.bent", intent)

    found = api.v1.events.retrieve(event)
    assert (found.type, found.to_dict()["data"]["object"]["id"]) == ("payment_intent.bent", intent)


def test_events_are_kept_for_thirty_days(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    sandbox.pay_unknown(5000)
    event = api.v1.events.list().data[0].id

    sandbox.advance(30 * 86400 + 60)

    assert api.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.events.retrieve(event)
    assert missing.value.code == "resource_missing"


def test_events_are_found_by_their_types(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    sandbox.pay_unknown(5000)

    def types(**given: str | list[str]) -> list[str]:
        return [event.type for event in api.v1.events.list(given).data]  # type: ignore[arg-type]

    assert types(type="payment_intent.*") == ["payment_intent.succeeded", "payment_intent.created"]
    assert types(types=["charge.succeeded", "payment_intent.created"]) == ["charge.succeeded", "payment_intent.created"]
    with pytest.raises(stripe.InvalidRequestError, match="either type or types"):
        types(type="charge.succeeded", types=["charge.succeeded"])
