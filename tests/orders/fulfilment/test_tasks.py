from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from orders import canceling, tasks
from orders.fulfilment import submit
from orders.models import OrderStatus, Submission, SubmissionState
from panel.celery import app
from panel.sandbox.provider import Sandbox
from tests.factories import make_customer, make_provider
from tests.orders.fulfilment.stage import order_at, provider_of, status_of

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def run_tasks_here() -> Iterator[None]:
    """Run tasks where they are sent, as Celery itself offers; their bodies are what is tested."""
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager, app.conf.task_eager_propagates = before


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    names = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert names <= set(app.tasks)
    assert {"orders.tasks.submit_due", "orders.tasks.sync_due", "orders.tasks.send_cancels"} <= names


def test_the_sweeps_bring_orders_to_their_end(sandbox: Sandbox, clock: time_machine.Traveller) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    orders = [order_at(provider, customer, at=START) for _ in range(3)]

    tasks.submit_due()
    assert sandbox.orders() == []
    clock.shift(timedelta(minutes=1))
    tasks.submit_due()
    assert len(sandbox.orders()) == 3

    for row in sandbox.orders():
        sandbox.drive(str(row["order"]), status="Completed", remains="0")
    clock.shift(timedelta(minutes=1))
    tasks.sync_due()

    assert [status_of(order) for order in orders] == [OrderStatus.COMPLETED] * 3


def test_the_janitor_sends_what_a_lost_task_left(sandbox: Sandbox, clock: time_machine.Traveller) -> None:
    order = order_at(provider_of(sandbox), at=START)
    clock.shift(timedelta(minutes=1))

    submit.claim(limit=1, at=START + timedelta(minutes=1))
    clock.shift(timedelta(minutes=1))

    tasks.resolve_unknown()

    assert status_of(order) == OrderStatus.PROCESSING
    assert len(sandbox.orders()) == 1


def test_the_janitor_asks_again_about_a_lost_answer(sandbox: Sandbox, clock: time_machine.Traveller) -> None:
    order = order_at(provider_of(sandbox), at=START)
    sandbox.fault("drop_after", action="add", times=1)
    clock.shift(timedelta(minutes=1))
    tasks.submit_due()
    assert Submission.objects.get(order=order).state == SubmissionState.UNKNOWN

    clock.shift(timedelta(minutes=1))
    tasks.resolve_unknown()

    assert Submission.objects.get(order=order).state == SubmissionState.ACCEPTED
    assert len(sandbox.orders()) == 1


def test_a_cancel_request_is_passed_on(sandbox: Sandbox, clock: time_machine.Traveller) -> None:
    order = order_at(provider_of(sandbox), at=START)
    clock.shift(timedelta(minutes=1))
    tasks.submit_due()
    canceling.cancel(customer=order.customer, order_id=order.pk, at=START + timedelta(minutes=1))

    tasks.send_cancels()

    assert sandbox.orders()[0]["cancel_calls"] == 1


def test_a_sweep_ends_when_the_provider_is_down(clock: time_machine.Traveller) -> None:
    order = order_at(make_provider(), at=START)
    clock.shift(timedelta(minutes=1))

    tasks.submit_due()
    tasks.sync_due()
    tasks.send_cancels()
    tasks.resolve_unknown()

    assert status_of(order) == OrderStatus.PENDING
