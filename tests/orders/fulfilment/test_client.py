import os
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from orders.fulfilment import client, transport
from orders.fulfilment.client import (
    Connection,
    NotSent,
    OutcomeUnknown,
    ProviderUnreachable,
    Reason,
    RefusedByProvider,
)
from panel.sandbox.provider import Sandbox

KEY = "key-of-our-account-4711"
LINK = "https://blog.example/autumn"
Answering = Callable[..., Connection]


def place(connection: Connection, request_id: str = "makegood-1", quantity: int = 1000) -> str:
    return client.add(connection, "101", LINK, quantity, request_id).provider_order_id


def test_an_order_is_placed_once_however_often_the_same_request_id_is_sent(
    sandbox: Sandbox, connection: Connection
) -> None:
    first, again, other = place(connection), place(connection), place(connection, "makegood-2")

    assert first == again
    assert other != first
    assert [(order["request_id"], order["add_calls"]) for order in sandbox.orders()] == [
        ("makegood-1", 2),
        ("makegood-2", 1),
    ]


def test_a_package_is_placed_without_a_quantity(sandbox: Sandbox, connection: Connection) -> None:
    client.add(connection, "202", LINK, None, "makegood-1")

    assert sandbox.orders()[0]["quantity"] == 1


@pytest.mark.parametrize(
    ("service", "link", "quantity", "message", "reason"),
    [
        ("999", LINK, 1000, "Incorrect service ID", Reason.BAD_SERVICE),
        ("101", "not a link", 1000, "Bad link", Reason.BAD_LINK),
        ("101", LINK, 10, "Quantity less than minimal 1000", Reason.BAD_QUANTITY),
        ("101", LINK, 9_999_999, "Quantity more than maximum 1000000", Reason.BAD_QUANTITY),
    ],
)
def test_a_refusal_is_told_with_its_reason(
    sandbox: Sandbox,
    connection: Connection,
    service: str,
    link: str,
    quantity: int,
    message: str,
    reason: Reason,
) -> None:
    with pytest.raises(RefusedByProvider) as refusal:
        client.add(connection, service, link, quantity, "makegood-1")

    assert (refusal.value.message, refusal.value.reason) == (message, reason)
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Not enough funds on balance", "no_funds"),
        ("neworder.error.not_enough_funds: not enough balance", "no_funds"),
        ("Invalid API key", "bad_key"),
        ("Invalid key", "bad_key"),
        ("You have active order with this link. Please wait until order being completed.", "duplicate_link"),
        ("Too many requests", "rate_limited"),
        ("Invalid link for this service", "bad_link"),
        ("Service not found", "bad_service"),
        ("Account suspended", "other"),
        ("Our service had a hiccup", "other"),
    ],
)
def test_the_reason_is_read_from_the_wording(sandbox: Sandbox, connection: Connection, text: str, reason: str) -> None:
    sandbox.fault("error", action="add", error=text, times=1)

    with pytest.raises(RefusedByProvider) as refusal:
        place(connection)

    assert refusal.value.reason == reason


def test_an_empty_balance_is_a_refusal_and_orders_nothing(sandbox: Sandbox, connection: Connection) -> None:
    sandbox.set_balance("0")

    with pytest.raises(RefusedByProvider) as refusal:
        place(connection)

    assert refusal.value.reason is Reason.NO_FUNDS
    assert sandbox.orders() == []


def test_a_wrong_key_is_a_refusal(connection: Connection) -> None:
    with pytest.raises(RefusedByProvider) as refusal:
        place(replace(connection, key="wrong"))

    assert refusal.value.reason is Reason.BAD_KEY


def test_429_is_a_refusal_that_orders_nothing(sandbox: Sandbox, connection: Connection) -> None:
    sandbox.fault("http_429", times=1)

    with pytest.raises(RefusedByProvider) as refusal:
        place(connection)

    assert refusal.value.reason is Reason.RATE_LIMITED
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        ({"kind": "http_500"}, 0),
        ({"kind": "http_500", "acts": True}, 1),
        ({"kind": "drop_before"}, 0),
        ({"kind": "drop_after"}, 1),
        ({"kind": "nonsense", "variant": "html"}, 1),
        ({"kind": "nonsense", "variant": "truncated"}, 1),
        ({"kind": "nonsense", "variant": "wrong_shape"}, 1),
        ({"kind": "nonsense", "variant": "not_a_number"}, 1),
        ({"kind": "nonsense", "variant": "empty", "acts": False}, 0),
    ],
)
def test_whether_it_was_ordered_is_unknown_after_a_fault_and_found_out_by_the_request_id(
    sandbox: Sandbox, connection: Connection, fault: dict[str, object], orders: int
) -> None:
    sandbox.fault(**{"action": "add", "times": 1, **fault})  # type: ignore[arg-type]

    with pytest.raises(OutcomeUnknown):
        place(connection)

    assert len(sandbox.orders()) == orders
    found = place(connection)
    assert [order["order"] for order in sandbox.orders()] == [int(found)]


def test_a_timeout_leaves_the_outcome_unknown(sandbox: Sandbox, connection: Connection) -> None:
    sandbox.fault("slow", seconds=2, times=1)

    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        place(replace(connection, timeout=timedelta(seconds=0.2)))


def test_a_slow_answer_within_the_timeout_is_an_answer(sandbox: Sandbox, connection: Connection) -> None:
    sandbox.fault("slow", seconds=0.2, times=1)

    assert place(connection) == "10001"


def test_nothing_was_sent_when_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = Connection(f"http://127.0.0.1:{reserved.getsockname()[1]}/", KEY, timedelta(seconds=2))

        with pytest.raises(NotSent):
            place(nobody)
        with pytest.raises(ProviderUnreachable):
            client.statuses(nobody, ["1"])
    client.close_pools()


@pytest.mark.parametrize(
    "url",
    ["", "ftp://files.example/", "http://", "http://[::1", "http://xn--/", f"http://{'a' * 70}.example/", "http://\0/"],
)
def test_nothing_was_sent_when_the_address_can_not_be_called(url: str) -> None:
    with pytest.raises(NotSent):
        place(Connection(url, KEY, timedelta(seconds=2)))
    client.close_pools()


def test_nothing_was_sent_when_the_link_can_not_be_written(sandbox: Sandbox, connection: Connection) -> None:
    with pytest.raises(NotSent):
        client.add(connection, "101", "https://blog.example/\ud800", 1000, "makegood-1")

    assert sandbox.orders() == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"ok"',
        "{}",
        '{"order": null}',
        '{"order": true}',
        '{"order": 0}',
        '{"order": "0"}',
        '{"order": -4}',
        '{"order": 12.0}',
        '{"order": "12 34"}',
        '{"order": "' + "9" * 65 + '"}',
        '{"order": 1' + "0" * 5000 + "}",
        '{"order": 1e999999999999999999}',
        '{"order": 5, "order": 6}',
        '{"order": 5, "error": "Bad link"}',
        '{"error": ""}',
        '{"error": {"code": 5}}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_an_answer_of_the_wrong_shape_leaves_the_outcome_unknown(answering: Answering, body: str | bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        place(answering(body))


@pytest.mark.parametrize("body", ['{"order": 23501}', '{"order": "23501"}', '\ufeff{"order": 23501, "error": null}'])
def test_an_order_number_may_be_number_or_text(answering: Answering, body: str) -> None:
    assert place(answering(body)) == "23501"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 404, 408, 409, 502, 503, 504])
def test_an_http_error_without_words_leaves_the_outcome_unknown(answering: Answering, status: int) -> None:
    with pytest.raises(OutcomeUnknown, match=str(status)):
        place(answering("<h1>no</h1>", status, Location="https://elsewhere.example/"))


@pytest.mark.parametrize("location", ["http://xn--/", "ftp://files.example/", "http://[", "//"])
def test_a_redirect_to_nowhere_is_not_taken_for_a_call_never_sent(answering: Answering, location: str) -> None:
    with pytest.raises(OutcomeUnknown):
        place(answering("", 302, Location=location))


def test_a_refusal_may_come_with_an_error_status(answering: Answering) -> None:
    with pytest.raises(RefusedByProvider, match="Invalid API key"):
        place(answering('{"error": "Invalid API key"}', 401))


def test_an_answer_beyond_the_largest_is_not_read(answering: Answering) -> None:
    with pytest.raises(OutcomeUnknown, match="larger than 5000000 bytes"):
        place(answering(b" " * 6_000_000))


def test_the_key_is_nowhere_in_what_is_said(answering: Answering, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    connection = answering('{"error": "key ' + KEY + ' is bad\\n\\u0000"}')

    with pytest.raises(RefusedByProvider) as refusal:
        place(connection)

    assert refusal.value.message == "key [key] is bad"
    assert KEY not in repr(connection) + repr(refusal.value) + caplog.text


def test_cookies_of_one_call_are_not_sent_with_the_next(answering: Answering) -> None:
    connection = answering('{"order": 5}', Set_Cookie="session=1")

    place(connection)

    pool = transport._pool(connection.url)
    assert list(pool.cookies.jar) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # Python 3.12 warns of what is tested here
def test_a_forked_worker_does_not_share_its_parents_connections(connection: Connection) -> None:
    place(connection)
    parents = transport._pool(connection.url)

    child = os.fork()
    if child == 0:
        verdict = 1
        try:
            verdict = 0 if transport._pool(connection.url) is not parents else 2
        finally:
            os._exit(verdict)

    assert os.waitpid(child, 0)[1] == 0
