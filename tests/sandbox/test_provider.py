import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from panel.sandbox import provider
from panel.sandbox.provider import Sandbox
from tests.sandbox.processes import started

LINK = "https://blog.example/autumn"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running


def call(http: httpx.Client, sandbox: Sandbox, action: str, **parameters: object) -> Any:
    response = http.post(sandbox.url, data={"key": sandbox.key, "action": action, **parameters})
    assert response.status_code == 200
    return response.json()


def place(http: httpx.Client, sandbox: Sandbox, **parameters: object) -> int:
    order = call(http, sandbox, "add", **{"service": 101, "link": LINK, "quantity": 1000, **parameters})["order"]
    assert type(order) is int
    return order


def test_speaks_api_v2(sandbox: Sandbox, http: httpx.Client) -> None:
    order = place(http, sandbox)
    pending = {"charge": "1.15", "start_count": "0", "status": "Pending", "remains": "1000", "currency": "USD"}

    assert call(http, sandbox, "status", order=order) == pending
    assert call(http, sandbox, "status", orders=f"{order},77, ,") == {
        str(order): pending,
        "77": {"error": "Incorrect order ID"},
    }
    assert call(http, sandbox, "status", order=f"{order},77").keys() == {str(order), "77"}
    assert call(http, sandbox, "cancel", orders=f"{order},77") == [
        {"order": order, "cancel": 1},
        {"order": 77, "cancel": {"error": "Incorrect order ID"}},
    ]
    assert call(http, sandbox, "balance") == {"balance": "999998.85", "currency": "USD"}
    assert call(http, sandbox, "services")[0] == {
        "service": 101,
        "name": "Feed ads: impressions of a promoted post",
        "type": "Default",
        "category": "Promoted reach",
        "rate": "1.15",
        "min": "1000",
        "max": "1000000",
        "refill": True,
        "cancel": True,
        "dripfeed": False,
    }


def test_takes_query_json_and_a_slash_at_the_end(sandbox: Sandbox, http: httpx.Client) -> None:
    parameters = {"key": sandbox.key, "action": "balance"}
    answer = {"balance": "1000000.00", "currency": "USD"}

    assert http.get(sandbox.url, params=parameters).json() == answer
    assert http.post(f"{sandbox.url}/", json=parameters).json() == answer
    assert http.post(sandbox.base_url, data=parameters).json() == answer


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"service": "999"}, "Incorrect service ID"),
        ({"service": "１０１"}, "Incorrect service ID"),  # noqa: RUF001 - digits of another script, on purpose
        ({"service": ""}, "Incorrect service ID"),
        ({"link": "blog.example"}, "Bad link"),
        ({"link": "javascript:alert(1)"}, "Bad link"),
        ({"link": "https://"}, "Bad link"),
        ({"link": "https://[::1"}, "Bad link"),
        ({"link": "https://blog.example/\0"}, "Bad link"),
        ({"link": f"https://blog.example/{'x' * 3000}"}, "Bad link"),
        ({"quantity": "999"}, "Quantity less than minimal 1000"),
        ({"quantity": "1000001"}, "Quantity more than maximum 1000000"),
        ({"quantity": "1e3"}, "Incorrect request"),
        ({"quantity": "-1000"}, "Incorrect request"),
        ({"quantity": "9" * 400}, "Incorrect request"),
        ({"quantity": "undefined"}, "Incorrect request"),
        ({"action": "refill"}, "Incorrect request"),
        ({"action": ""}, "Incorrect request"),
        ({"action": "status"}, "Incorrect request"),
        ({"action": "status", "orders": ",".join(map(str, range(101)))}, "Incorrect request"),
        ({"action": "status", "order": "ü"}, "Incorrect order ID"),
        ({"key": "wrong"}, "Invalid API key"),
        ({"key": ""}, "Invalid API key"),
    ],
)
def test_refuses_bad_input_in_the_words_of_api_v2(
    sandbox: Sandbox, http: httpx.Client, parameters: dict[str, str], error: str
) -> None:
    good = {"key": sandbox.key, "action": "add", "service": "101", "link": LINK, "quantity": "1000"}

    response = http.post(sandbox.url, data={**good, **parameters})

    assert (response.status_code, response.json()) == (200, {"error": error})
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
        b"POST http://[ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"PUT /api/v2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_an_error_without_a_traceback(sandbox: Sandbox, request_text: bytes) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        connection.sendall(request_text)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert b" 4" in answer[:13] or b" 501 " in answer[:15] or b"<!DOCTYPE" in answer[:20]
    assert b"Traceback" not in answer


def test_a_request_id_makes_one_order_however_many_ask_at_once(sandbox: Sandbox, http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        orders = set(pool.map(lambda _: place(http, sandbox, request_id="makegood-1"), range(24)))

    assert len(orders) == 1
    assert [order["add_calls"] for order in sandbox.orders()] == [24]
    assert call(http, sandbox, "balance")["balance"] == "999998.85"


def test_a_request_id_is_refused_for_another_order(sandbox: Sandbox, http: httpx.Client) -> None:
    place(http, sandbox, request_id="makegood-1")

    answer = call(http, sandbox, "add", service=101, link=LINK, quantity=2000, request_id="makegood-1")

    assert answer == {"error": "This request_id belongs to another order"}
    assert len(sandbox.orders()) == 1


def test_the_idempotency_header_is_a_request_id(sandbox: Sandbox, http: httpx.Client) -> None:
    http.headers["Idempotency-Key"] = "makegood-1"

    assert place(http, sandbox) == place(http, sandbox)


def test_an_empty_balance_refuses_until_it_is_filled(sandbox: Sandbox, http: httpx.Client) -> None:
    assert http.post(f"{sandbox.control_url}/balance", json={"balance": "0"}).json() == {"ok": True}
    refused = call(http, sandbox, "add", service=101, link=LINK, quantity=1000)
    http.post(f"{sandbox.control_url}/balance", json={"balance": "1.15"})

    assert refused == {"error": "Not enough funds on balance"}
    assert place(http, sandbox)
    assert call(http, sandbox, "balance")["balance"] == "0.00"


@pytest.mark.parametrize("status", ["Partial", "Half way", "", 5, True, ["Partial"], {"a": 1}])
@pytest.mark.parametrize("remains", ["157", -1, 1.5, "\N{ARABIC-INDIC DIGIT ONE}", [], 10**30])
def test_control_sets_any_value_and_it_is_reported_verbatim(
    sandbox: Sandbox, http: httpx.Client, status: object, remains: object
) -> None:
    order = place(http, sandbox)

    http.post(f"{sandbox.control_url}/orders/{order}", json={"status": status, "remains": remains})

    report = call(http, sandbox, "status", order=order)
    assert (report["status"], report["remains"], report["start_count"]) == (status, remains, "0")


def test_control_drops_a_key_with_null_and_keeps_the_others(sandbox: Sandbox, http: httpx.Client) -> None:
    order = place(http, sandbox)

    for report in ({"status": "Partial", "remains": "400"}, {"start_count": None}):
        http.post(f"{sandbox.control_url}/orders/{order}", json=report)

    assert call(http, sandbox, "status", order=order) == {
        "charge": "0.69",
        "status": "Partial",
        "remains": "400",
        "currency": "USD",
    }


def test_control_lists_orders_with_what_was_asked(sandbox: Sandbox, http: httpx.Client) -> None:
    order = place(http, sandbox, request_id="makegood-1")
    call(http, sandbox, "cancel", orders=order)

    (row,) = http.get(f"{sandbox.control_url}/orders").json()["orders"]

    assert row.pop("report")["status"] == "Pending"
    assert row == {
        "order": order,
        "request_id": "makegood-1",
        "service": 101,
        "link": LINK,
        "quantity": 1000,
        "add_calls": 1,
        "cancel_calls": 1,
        "forgotten": False,
    }


def test_a_forgotten_order_is_unknown(sandbox: Sandbox, http: httpx.Client) -> None:
    order = place(http, sandbox)

    http.post(f"{sandbox.control_url}/forget/{order}")

    assert call(http, sandbox, "status", order=order) == {"error": "Incorrect order ID"}
    assert call(http, sandbox, "cancel", order=order)[0]["cancel"] == {"error": "Incorrect order ID"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "orders/77", "{}", 404),
        ("POST", "forget/77", "", 404),
        ("POST", "orders/77", "{", 400),
        ("POST", "orders/77", "[]", 400),
        ("POST", "orders/77", '{"staus": "Partial"}', 400),
        ("POST", "balance", '{"balance": "1e9"}', 400),
        ("POST", "balance", '{"balance": 5}', 400),
        ("POST", "faults", '{"kind": "earthquake"}', 400),
        ("POST", "elsewhere", "{}", 404),
        ("DELETE", "orders/77", "", 404),
        ("GET", "balance", "", 404),
    ],
)
def test_control_refuses_what_makes_no_sense(
    sandbox: Sandbox, http: httpx.Client, method: str, path: str, body: str, status: int
) -> None:
    response = http.request(method, f"{sandbox.control_url}/{path}", content=body)

    assert response.status_code == status
    assert response.json().keys() == {"error"}


def test_the_orders_stay_over_a_kill(tmp_path: Path, http: httpx.Client) -> None:
    arguments = ["--state", str(tmp_path / "deep" / "provider.sqlite3"), "--manual", "--key", "k"]
    data = {"key": "k", "action": "add", "service": "202", "link": LINK, "request_id": "makegood-1"}
    orders, returned = [], []

    for sent in (signal.SIGKILL, signal.SIGTERM):
        with started("provider", *arguments) as (process, url):
            orders.append(http.post(url, data=data).json())
            process.send_signal(sent)
            returned.append(process.wait(10))

    assert orders == [{"order": 10001}, {"order": 10001}]
    assert returned == [-signal.SIGKILL, 0]


def test_orders_move_along_by_themselves_and_are_paid_for_what_was_delivered(http: httpx.Client) -> None:
    with provider.serving(seed=7, speed=100_000) as sandbox:
        ids = [place(http, sandbox) for _ in range(60)]
        time.sleep(0.05)
        reports = call(http, sandbox, "status", orders=",".join(map(str, ids)))

    ended = [(report["status"], report["remains"] == "0", report["charge"]) for report in reports.values()]
    assert {status for status, _, _ in ended} == {"Completed", "Partial", "Canceled"}
    assert all((status == "Completed") is nothing_left for status, nothing_left, _ in ended)
    assert {charge for status, _, charge in ended if status == "Canceled"} == {"0.00"}
    assert {charge for status, _, charge in ended if status == "Completed"} == {"1.15"}


def test_an_order_that_moves_by_itself_can_be_canceled_before_it_starts(http: httpx.Client) -> None:
    with provider.serving() as sandbox:
        order = place(http, sandbox)

        call(http, sandbox, "cancel", orders=order)

        assert call(http, sandbox, "status", order=order)["status"] == "Canceled"
        assert call(http, sandbox, "cancel", orders=order)[0]["cancel"] == {"error": "This order can not be canceled"}


def test_keeps_the_connection_open(sandbox: Sandbox) -> None:
    body = f"key={sandbox.key}&action=balance".encode()
    request = b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(request)
            answer = connection.recv(65536)

            assert answer.startswith(b"HTTP/1.1 200")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["currency"] == "USD"
