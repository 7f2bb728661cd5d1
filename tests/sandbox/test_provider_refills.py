"""Refills of the sandbox provider: asked for over API v2, moving by themselves or as control says."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from panel.sandbox import provider
from panel.sandbox.provider import Sandbox
from panel.sandbox.provider_refills import status

REFILLABLE, NOT_REFILLABLE = 101, 104
FORWARD = ["Pending", "In progress", "Completed", "Rejected", "Error"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running


def call(http: httpx.Client, sandbox: Sandbox, action: str, **parameters: object) -> Any:
    response = http.post(sandbox.url, data={"key": sandbox.key, "action": action, **parameters})
    assert response.status_code == 200
    return response.json()


def ended(http: httpx.Client, sandbox: Sandbox, service: int = REFILLABLE, status: str = "Completed") -> int:
    link = "https://blog.example/autumn"
    order = int(call(http, sandbox, "add", service=service, link=link, quantity=1000)["order"])
    sandbox.drive(order, status=status, remains="0" if status == "Completed" else "400")
    return order


def test_makes_a_refill_and_says_how_it_stands(sandbox: Sandbox, http: httpx.Client) -> None:
    order = ended(http, sandbox)

    assert call(http, sandbox, "refill", order=order) == {"refill": "501"}
    assert call(http, sandbox, "refill_status", refill=501) == {"status": "Pending"}
    assert call(http, sandbox, "refill", orders=f"{order},77") == [
        {"order": order, "refill": 502},
        {"order": 77, "refill": {"error": "Incorrect order ID"}},
    ]
    assert call(http, sandbox, "refill_status", refills="502,77") == [
        {"refill": 502, "status": "Pending"},
        {"refill": 77, "status": {"error": "Refill not found"}},
    ]


def test_a_second_call_makes_a_second_refill(sandbox: Sandbox, http: httpx.Client) -> None:
    order = ended(http, sandbox)

    assert [call(http, sandbox, "refill", order=order)["refill"] for _ in range(2)] == ["501", "502"]
    assert [row["order"] for row in sandbox.refills()] == [order, order]


@pytest.mark.parametrize(
    ("service", "status"), [(NOT_REFILLABLE, "Completed"), (REFILLABLE, "In progress"), (REFILLABLE, "Canceled")]
)
def test_refuses_what_it_does_not_refill(sandbox: Sandbox, http: httpx.Client, service: int, status: str) -> None:
    order = ended(http, sandbox, service, status)

    assert call(http, sandbox, "refill", order=order) == {"error": "This order can not be refilled"}
    assert sandbox.refills() == []


@pytest.mark.parametrize(
    ("action", "given", "error"),
    [
        ("refill", {}, "Incorrect request"),
        ("refill", {"order": "77"}, "Incorrect order ID"),
        ("refill", {"order": "x"}, "Incorrect order ID"),
        ("refill_status", {}, "Incorrect request"),
        ("refill_status", {"refill": "77"}, "Refill not found"),
        ("refill_status", {"refill": "x"}, "Refill not found"),
    ],
)
def test_refuses_bad_input(
    sandbox: Sandbox, http: httpx.Client, action: str, given: dict[str, str], error: str
) -> None:
    assert call(http, sandbox, action, **given) == {"error": error}


def test_control_lists_and_drives_refills(sandbox: Sandbox, http: httpx.Client) -> None:
    order = ended(http, sandbox)
    call(http, sandbox, "refill", order=order)

    http.post(f"{sandbox.control_url}/refills/501", json={"status": ["Half", 1]})
    assert http.get(f"{sandbox.control_url}/refills").json() == {
        "refills": [{"refill": 501, "order": order, "report": {"status": ["Half", 1]}}]
    }
    assert call(http, sandbox, "refill_status", refill=501) == {"status": ["Half", 1]}
    http.post(f"{sandbox.control_url}/refills/501", json={"status": None})

    assert call(http, sandbox, "refill_status", refill=501) == {}


@pytest.mark.parametrize(
    ("path", "body", "answer"), [("refills/77", "{}", 404), ("refills/501", '{"remains": "1"}', 400)]
)
def test_control_refuses_what_makes_no_sense(
    sandbox: Sandbox, http: httpx.Client, path: str, body: str, answer: int
) -> None:
    call(http, sandbox, "refill", order=ended(http, sandbox))

    assert http.post(f"{sandbox.control_url}/{path}", content=body).status_code == answer


def test_a_fault_after_acting_leaves_the_refill(sandbox: Sandbox, http: httpx.Client) -> None:
    order = ended(http, sandbox)
    sandbox.fault("drop_after", action="refill", times=1)

    with pytest.raises(httpx.RemoteProtocolError):
        call(http, sandbox, "refill", order=order)

    assert len(sandbox.refills()) == 1


def test_refills_move_by_themselves(http: httpx.Client) -> None:
    with provider.serving(seed=7, speed=100_000) as sandbox:
        order = ended(http, sandbox)
        numbers = [call(http, sandbox, "refill", order=order)["refill"] for _ in range(60)]
        time.sleep(0.01)
        rows = call(http, sandbox, "refill_status", refills=",".join(numbers))

    assert {row["status"] for row in rows} == {"Completed", "Rejected", "Error"}


def test_most_go_well_and_all_of_them_repeat_exactly_for_the_same_seed() -> None:
    courses = {
        seed: [[status(seed=seed, refill=number, elapsed=second) for second in range(60)] for number in range(500)]
        for seed in (7, 8)
    }

    assert courses[7] == [
        [status(seed=7, refill=number, elapsed=second) for second in range(60)] for number in range(500)
    ]
    assert courses[7] != courses[8]
    ends = Counter(course[-1] for course in courses[7])
    assert ends.keys() == {"Completed", "Rejected", "Error"}
    assert ends["Completed"] > 350
    for course in courses[7]:
        assert course[0] == "Pending"
        assert all(FORWARD.index(a) <= FORWARD.index(b) for a, b in itertools.pairwise(course))
