"""What is known when a connection fails, and that connections are kept."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from billing.gateways import stripe as package
from billing.gateways.base import OutcomeUnknown, RefundRequest, TryLater
from billing.gateways.stripe import Stripe, transport
from tests.billing.gateways import scripted
from tests.billing.gateways.scripted import Reply, Scripted

REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 2000,
    "currency": "usd",
    "payment_intent": "pi_anna",
    "status": "succeeded",
    "metadata": {"leg": "7", "attempt": "1"},
}


@pytest.mark.parametrize("base", ["", "http://no-such-host.invalid"])
def test_may_try_again_when_no_connection_could_be_made(
    make_stripe: Callable[..., Stripe], leg: RefundRequest, base: str
) -> None:
    with pytest.raises(TryLater, match="no connection to Stripe"):
        make_stripe(base or scripted.unused_address()).refund(leg)


def test_may_try_again_when_the_other_side_does_not_speak_tls(
    make_stripe: Callable[..., Stripe], server: Scripted, leg: RefundRequest
) -> None:
    with pytest.raises(TryLater, match="no connection to Stripe"):
        make_stripe(server.url.replace("http", "https")).refund(leg)

    assert server.asked == []


def test_does_not_know_what_happened_when_the_connection_drops(
    stripe: Stripe, server: Scripted, leg: RefundRequest
) -> None:
    server.replies.append(Reply(()))

    with pytest.raises(OutcomeUnknown, match="broke after the call was sent"):
        stripe.refund(leg)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply((b"{", b"}"), pause=30.0), "broke after the call was sent"),
        (Reply((b" ",) * 600, pause=0.05), "took longer than 0.5 s"),
    ],
)
def test_waits_no_longer_than_told_for_an_answer_as_a_whole(
    make_stripe: Callable[..., Stripe], server: Scripted, leg: RefundRequest, reply: Reply, said: str
) -> None:
    server.replies.append(reply)
    began = time.monotonic()

    with pytest.raises(OutcomeUnknown, match=said):
        make_stripe(server.url, timeout=0.5).refund(leg)

    assert time.monotonic() - began < 10


def test_reads_no_more_than_a_sensible_answer(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    server.replies.append(Reply((b" " * transport.LARGEST_ANSWER, b" ")))

    with pytest.raises(OutcomeUnknown, match="larger than 5000000 bytes"):
        stripe.refund(leg)


def test_follows_no_redirect_with_a_refund(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    server.replies.append(Reply((b"{}",), 307, {"Location": f"{server.url}/elsewhere"}))
    server.say(REFUND)

    with pytest.raises(OutcomeUnknown):
        stripe.refund(leg)

    assert [asked.path for asked in server.asked] == ["/v1/refunds"]


def test_goes_through_no_proxy_of_the_environment(
    make_stripe: Callable[..., Stripe], server: Scripted, leg: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, scripted.unused_address())
    server.say(REFUND)

    assert make_stripe(server.url).refund(leg).reference == "re_1"


def test_keeps_its_connection_for_the_next_call(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    for _ in range(3):
        server.say(REFUND)

    for _ in range(3):
        stripe.refund(leg)

    assert [asked.connection for asked in server.asked] == [1, 1, 1]


def test_is_used_by_many_threads_at_once(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    for _ in range(40):
        server.say(REFUND)
    start = threading.Barrier(8)

    def send() -> list[str]:
        start.wait()
        return [stripe.refund(leg).reference for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(send) for _ in range(8)]]

    assert answers == [["re_1"] * 5] * 8


def test_a_child_process_makes_connections_of_its_own(settings: Settings, server: Scripted, leg: RefundRequest) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_of_the_tests", server.url
    for _ in range(3):
        server.say(REFUND)
    package.gateway().refund(leg)

    child = os.fork()
    if not child:
        worked = package.gateway().refund(leg).reference == "re_1"
        os._exit(0 if worked else 1)
    _, status = os.waitpid(child, 0)
    package.gateway().refund(leg)
    package.close_gateways()

    assert os.waitstatus_to_exitcode(status) == 0
    assert [asked.connection for asked in server.asked] == [1, 2, 1]


def test_is_one_gateway_while_the_settings_stay_the_same(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert not package.configured()
    settings.STRIPE_SECRET_KEY = "sk_test_of_the_tests"
    assert package.configured()
    first = package.gateway()
    assert package.gateway() is first

    settings.STRIPE_SECRET_KEY = "sk_test_changed"

    assert package.gateway() is not first
    package.close_gateways()
