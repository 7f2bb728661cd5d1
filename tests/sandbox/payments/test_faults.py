import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from panel.sandbox import payments
from panel.sandbox.fault_queue import BadFault
from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.faults import parse
from tests.sandbox.payments.conftest import Paying, sdk


def refund(api: stripe.StripeClient, intent: str, key: str = "leg-1") -> stripe.Refund:
    return api.v1.refunds.create({"payment_intent": intent, "amount": 2000}, {"idempotency_key": key})


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_says_nothing_and_the_same_key_finds_out(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, kind: str, made: int
) -> None:
    intent = pay()
    sandbox.fault(kind, path="/v1/refunds", method="POST", times=1)

    with pytest.raises(stripe.APIConnectionError):
        refund(api, intent)
    after_the_drop = len(sandbox.refunds())
    refund(api, intent)

    assert (after_the_drop, len(sandbox.refunds())) == (made, 1)


def test_a_500_before_anything_is_done_leaves_the_key_free(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    sandbox.fault("error_500_before", times=1)

    with pytest.raises(stripe.APIError) as failure:
        refund(api, intent)

    assert failure.value.http_status == 500
    assert sandbox.refunds() == []
    assert refund(api, intent).status == "succeeded"


@pytest.mark.parametrize(("kind", "stored", "made"), [("error_500_after", None, 1), ("error_500_before", True, 0)])
def test_a_stored_500_is_replayed_to_the_same_key_whatever_was_done(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, kind: str, *, stored: bool | None, made: int
) -> None:
    intent = pay()
    sandbox.fault(kind, times=1, **({} if stored is None else {"stored": stored}))

    failures = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            refund(api, intent)
        failures.append((failure.value.http_status, (failure.value.headers or {}).get("Idempotent-Replayed")))

    assert failures == [(500, None), (500, "true")]
    assert len(sandbox.refunds()) == made
    assert len(api.v1.refunds.list({"payment_intent": intent}).data) == made


def test_too_many_requests_is_never_stored(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()
    sandbox.fault("http_429", times=2)

    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            refund(api, intent)

    assert sandbox.refunds() == []
    assert refund(api, intent).status == "succeeded"


def test_a_stalled_answer_comes_late_but_the_refund_is_made_at_once() -> None:
    with ThreadPoolExecutor(1) as pool:
        with payments.serving() as sandbox:
            intent, api = sandbox.pay_unknown(5000), sdk(sandbox)
            sandbox.fault("stall", seconds=60, times=1)

            stalled = pool.submit(refund, api, intent)
            while not sandbox.refunds():
                assert not stalled.done()
                time.sleep(0.01)
            replayed = refund(api, intent)

            assert not stalled.done()
            assert [made["id"] for made in sandbox.refunds()] == [replayed.id]
        ended = stalled.exception(timeout=10)  # the sandbox ended without waiting, with or without its answer
        assert ended is None or isinstance(ended, stripe.APIConnectionError)


def test_a_fault_keeps_to_its_path_and_method(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()
    sandbox.fault("error_500_before", path="/v1/refunds", method="POST")

    assert api.v1.refunds.list().data == []
    assert api.v1.payment_intents.retrieve(intent).status == "succeeded"
    with pytest.raises(stripe.APIError):
        refund(api, intent)
    sandbox.clear_faults()
    assert refund(api, intent).status == "succeeded"


def test_each_answer_takes_as_long_as_set(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    sandbox.answer_ms = 200
    started = time.monotonic()

    api.v1.refunds.list()

    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ([], "a fault is an object"),
        ({"kind": "earthquake"}, "'earthquake' is not a valid Kind"),
        ({"kind": "slow", "second": 3}, "unknown keys: second"),
        ({"kind": "slow", "seconds": -1}, "seconds is between 0 and 600"),
        ({"kind": "slow", "seconds": float("nan")}, "seconds is between 0 and 600"),
        ({"kind": "slow", "times": 0}, "times is a whole number above 0"),
        ({"kind": "slow", "path": 5}, "path is a text"),
        ({"kind": "slow", "event": None}, "event is a text"),
        ({"kind": "slow", "method": "PATCH"}, "method is GET or POST"),
        ({"kind": "slow", "stored": 1}, "stored is true or false"),
        ({"kind": "webhook_repeat", "copies": 0}, "copies is between 1 and 100"),
        ({"kind": "webhook_reorder"}, "a reordering needs times of at least 2"),
    ],
)
def test_refuses_a_fault_that_makes_no_sense(fault: object, why: str) -> None:
    with pytest.raises(BadFault) as refusal:
        parse(fault)

    assert why in str(refusal.value)
