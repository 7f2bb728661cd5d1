import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from panel.sandbox import provider
from panel.sandbox.fault_queue import BadFault
from panel.sandbox.provider import Sandbox
from panel.sandbox.provider_faults import parse

ORDER = {"action": "add", "service": "101", "link": "https://blog.example/", "quantity": "1000"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def add(http: httpx.Client, sandbox: Sandbox) -> httpx.Response:
    return http.post(sandbox.url, data={"key": sandbox.key, **ORDER})


def test_a_fault_happens_as_often_as_said_and_for_its_action_only(sandbox: Sandbox, http: httpx.Client) -> None:
    fault = {"action": "add", "kind": "error", "error": "Account suspended", "times": 2}
    http.post(f"{sandbox.control_url}/faults", json=fault)

    balance = http.post(sandbox.url, data={"key": sandbox.key, "action": "balance"}).json()
    answers = [add(http, sandbox).json() for _ in range(3)]

    assert balance["currency"] == "USD"
    assert answers == [{"error": "Account suspended"}, {"error": "Account suspended"}, {"order": 10001}]


def test_times_are_exact_however_many_call_at_once(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.fault("error", times=17, error="first")
    sandbox.fault("http_500", times=9)

    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(
            pool.map(lambda _: (answer := add(http, sandbox)).status_code + len(answer.content), range(60))
        )

    assert sandbox.site.faults.left() == []
    assert len(sandbox.orders()) == 60 - 17 - 9
    assert statuses[200 + len('{"error": "first"}')] == 17
    assert statuses[500 + len("Internal Server Error")] == 9


def test_a_fault_without_times_lasts_until_cleared(sandbox: Sandbox, http: httpx.Client) -> None:
    http.post(f"{sandbox.control_url}/faults", json={"kind": "http_429"})

    before = [add(http, sandbox) for _ in range(3)]
    listed = http.get(f"{sandbox.control_url}/faults").json()
    http.delete(f"{sandbox.control_url}/faults")
    after = add(http, sandbox)

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in before] == [(429, "30")] * 3
    assert listed == {"faults": [{"action": None, "kind": "http_429", "times_left": None, "acts": False}]}
    assert after.json() == {"order": 10001}


@pytest.mark.parametrize(("kind", "orders"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_says_nothing_whether_or_not_it_acted(
    sandbox: Sandbox, http: httpx.Client, kind: str, orders: int
) -> None:
    sandbox.fault(kind, times=1)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        add(http, sandbox)

    assert len(sandbox.orders()) == orders


@pytest.mark.parametrize("variant", ["html", "truncated", "wrong_shape", "not_a_number", "empty"])
def test_nonsense_hides_an_order_that_exists(sandbox: Sandbox, http: httpx.Client, variant: str) -> None:
    sandbox.fault("nonsense", variant=variant, times=1)

    answer = add(http, sandbox)

    assert answer.status_code == 200
    assert b'"order": 10001' not in answer.content
    assert len(sandbox.orders()) == 1


def test_a_slow_answer_comes_late(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.fault("slow", seconds=0.3, times=1)
    started = time.monotonic()

    answer = add(http, sandbox)

    assert answer.json() == {"order": 10001}
    assert time.monotonic() - started >= 0.3


def test_stopping_does_not_wait_for_a_slow_answer(http: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        with provider.serving(manual=True) as sandbox:
            sandbox.fault("slow", seconds=60, times=1)
            waiting = pool.submit(add, http, sandbox)
            while sandbox.site.faults.left():
                time.sleep(0.01)
            started = time.monotonic()
        stopped_after = time.monotonic() - started

        assert stopped_after < 5
        waiting.exception(timeout=5)  # raises TimeoutError if the caller were left waiting


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ([], "a fault is an object"),
        ({"kind": "earthquake"}, "'earthquake' is not a valid Kind"),
        ({}, "'None' is not a valid Kind"),
        ({"kind": ["slow"]}, "is not a valid Kind"),
        ({"kind": "slow", "second": 3}, "unknown keys: second"),
        ({"kind": "slow", "seconds": -1}, "seconds is between 0 and 600"),
        ({"kind": "slow", "seconds": float("nan")}, "seconds is between 0 and 600"),
        ({"kind": "slow", "seconds": True}, "seconds is between 0 and 600"),
        ({"kind": "slow", "times": 0}, "times is a whole number above 0"),
        ({"kind": "slow", "times": True}, "times is a whole number above 0"),
        ({"kind": "error", "error": 5}, "error is a text"),
        ({"kind": "slow", "action": 5}, "action is a text"),
        ({"kind": "http_500", "acts": 1}, "acts is true or false"),
        ({"kind": "drop_before", "acts": True}, "acts is settled by drop_before"),
        ({"kind": "nonsense", "variant": "haiku"}, "'haiku' is not a valid Variant"),
    ],
)
def test_refuses_a_fault_that_makes_no_sense(fault: object, why: str) -> None:
    with pytest.raises(BadFault) as refusal:
        parse(fault)

    assert why in str(refusal.value)
