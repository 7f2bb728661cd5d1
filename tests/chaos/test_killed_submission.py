"""A worker is killed between any two steps of a submission; afterwards there is one order and the books are right."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection

from orders.fulfilment import client, submit, unknowns
from orders.models import AttentionItem, AttentionKind, Order, OrderStatus, Submission, SubmissionState
from panel.sandbox import provider
from panel.sandbox.provider import Sandbox
from refunds import audit
from tests.chaos import worker
from tests.orders.fulfilment.stage import DUE, MINUTE, order_at, provider_of, sync_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running
    client.close_pools()


def start_worker(point: str, at: datetime = DUE) -> "subprocess.Popen[bytes]":
    """Start a worker process on the test's database."""
    settings = connection.settings_dict
    place = urlencode({"host": settings["HOST"] or "127.0.0.1", "port": settings["PORT"] or 5432})  # a socket's too
    address = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@/{settings['NAME']}?{place}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.worker", point, at.isoformat()],
        env=os.environ
        | {
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "panel.settings",
            "TESTING": "1",
        },
    )


def killed_at(point: str) -> None:
    assert start_worker(point).wait(60) == -signal.SIGKILL


def sweep(at: datetime, rounds: int = 4) -> None:
    """Run every sweep a few times, two minutes apart, as beat would."""
    for turn in range(rounds):
        now = at + turn * 2 * MINUTE
        for submission_id in submit.claim(limit=10, at=now):
            submit.send(submission_id=submission_id, at=now)
        unknowns.resolve(limit=10, at=now)


def finish(sandbox: Sandbox, order: Order, at: datetime) -> None:
    """Let the provider deliver 600 of 1,000, and poll."""
    sandbox.drive(order.provider_order_id, status="Partial", remains="400")
    sync_at(at)
    order.refresh_from_db()


@pytest.mark.parametrize("point", worker.POINTS)
def test_a_worker_killed_at_any_point_leaves_one_order_and_right_books(sandbox: Sandbox, point: str) -> None:
    order = order_at(provider_of(sandbox))
    killed_at(point)

    sweep(DUE + 2 * MINUTE)

    order.refresh_from_db()
    [there] = sandbox.orders()
    assert order.provider_order_id == str(there["order"])
    assert order.status == OrderStatus.PROCESSING
    assert Submission.objects.filter(order=order, state=SubmissionState.ACCEPTED).count() == 1
    finish(sandbox, order, DUE + timedelta(hours=1))
    assert (order.status, str(order.refunded)) == (OrderStatus.PARTIAL, "1.000000")
    assert audit.findings() == []


@pytest.mark.parametrize(
    ("point", "calls", "told"),
    [
        ("inside claim", 1, False),
        ("claimed", 1, False),
        ("calling", 0, True),
        ("called", 1, True),
        ("inside record", 1, True),
    ],
)
def test_without_safe_repeats_a_worker_killed_around_the_call_is_put_before_a_person(
    sandbox: Sandbox, point: str, calls: int, *, told: bool
) -> None:
    order = order_at(provider_of(sandbox, supports_request_id=False))
    killed_at(point)

    sweep(DUE + 2 * MINUTE)

    order.refresh_from_db()
    assert [there["add_calls"] for there in sandbox.orders()] == [1] * calls
    assert order.status == OrderStatus.PROCESSING
    assert AttentionItem.objects.filter(kind=AttentionKind.SUBMISSION_UNKNOWN).exists() is told
    assert bool(order.provider_order_id) is not told
    assert order.refunded == 0


def test_a_worker_killed_while_the_provider_takes_its_time_leaves_one_order(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault("slow", action="add", seconds=3, times=1)
    process = start_worker(worker.NEVER)
    until = time.monotonic() + 30
    while not Submission.objects.filter(state=SubmissionState.CALLING).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.5)
    process.kill()
    assert process.wait(10) == -signal.SIGKILL

    until = time.monotonic() + 30
    while not sandbox.orders():  # the provider carries it out all the same
        assert time.monotonic() < until
        time.sleep(0.02)
    sweep(DUE + 2 * MINUTE)

    order.refresh_from_db()
    [there] = sandbox.orders()
    assert (order.provider_order_id, there["add_calls"]) == (str(there["order"]), 2)
