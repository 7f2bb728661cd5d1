from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from orders import canceling, refills, tasks
from orders.fulfilment import submit
from orders.models import OrderStatus, Passing, Refill, RefillState, Submission, SubmissionState
from panel.celery import app
from panel.sandbox.provider import Sandbox
from tests.factories import make_customer, make_provider
from tests.factories.refills import refill_of, refillable
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
    assert {"orders.tasks.send_refills", "orders.tasks.poll_refills"} <= names


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


def test_a_refill_is_passed_on_and_followed_to_its_end(sandbox: Sandbox, clock: time_machine.Traveller) -> None:
    order = order_at(provider_of(sandbox), at=START)
    clock.shift(timedelta(minutes=1))
    tasks.submit_due()
    sandbox.drive(sandbox.orders()[0]["order"], status="Completed", remains="0")  # type: ignore[arg-type]
    clock.shift(timedelta(minutes=1))
    tasks.sync_due()
    refill = refills.ask(customer=order.customer, order_id=order.pk, at=timezone.now())

    tasks.send_refills()
    [there] = sandbox.refills()
    sandbox.drive_refill(there["refill"], status="Completed")  # type: ignore[arg-type]
    clock.shift(timedelta(minutes=1))
    tasks.poll_refills()

    refill.refresh_from_db()
    assert refill.state == RefillState.COMPLETED


def test_the_janitor_gives_up_a_refill_whose_worker_died(clock: time_machine.Traveller) -> None:
    refill = refill_of(refillable(provider=make_provider()), at=START)
    Refill.objects.filter(pk=refill.pk).update(passing=Passing.CALLING, called_at=START, send_due_at=None)
    clock.shift(timedelta(minutes=2))

    tasks.resolve_unknown()

    refill.refresh_from_db()
    assert refill.passing == Passing.UNKNOWN


def test_a_sweep_ends_when_the_provider_is_down(clock: time_machine.Traveller) -> None:
    order = order_at(make_provider(), at=START)
    clock.shift(timedelta(minutes=1))

    tasks.submit_due()
    tasks.sync_due()
    tasks.send_cancels()
    tasks.send_refills()
    tasks.poll_refills()
    tasks.resolve_unknown()

    assert status_of(order) == OrderStatus.PENDING
