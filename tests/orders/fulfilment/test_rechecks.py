"""Ended orders are asked about for a while: a provider that corrects itself is heard."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Transfer
from orders import handling
from orders.fulfilment import sync
from orders.fulfilment.client import Missing
from orders.fulfilment.sync import Answer, Tally
from orders.models import AttentionItem, AttentionKind, Cause, Order, OrderEvent, OrderStatus
from panel.sandbox.provider import Sandbox
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, move, place_order
from tests.orders.fulfilment.stage import (
    MINUTE,
    POLL,
    at_provider,
    provider_of,
    report,
    status_of,
    submitted,
    sync_at,
    tell,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def refunds_of(order: Order) -> list[Decimal]:
    transfers = Transfer.objects.filter(order_ref=order.pk, kind="order_refund").order_by("pk")
    return list(transfers.values_list("amount", flat=True))


def ended(sandbox: Sandbox, status: str, remains: str) -> Order:
    """An order that its provider ended at POLL."""
    order = submitted(provider_of(sandbox))
    sandbox.drive(order.provider_order_id, status=status, remains=remains)
    assert sync_at(POLL).moved == 1
    return order


def test_more_that_was_not_delivered_is_credited_and_no_more_than_that(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Partial", "400")
    sandbox.drive(order.provider_order_id, status="Partial", remains="600")

    assert sync_at(POLL + DAY) == Tally(polled=1, moved=1)
    assert sync_at(POLL + 2 * DAY) == Tally(polled=1)

    assert (status_of(order), order.remains) == (OrderStatus.PARTIAL, 600)
    assert refunds_of(order) == [Decimal("1.00"), Decimal("0.50")]
    assert OrderEvent.objects.filter(order=order).latest("id").cause == "correction"


def test_more_that_was_delivered_takes_nothing_back(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Partial", "400")
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")

    assert sync_at(POLL + DAY) == Tally(polled=1, moved=1)

    assert (status_of(order), order.refunded) == (OrderStatus.COMPLETED, Decimal("1.00"))
    assert refunds_of(order) == [Decimal("1.00")]


def test_an_ended_order_is_asked_about_daily_for_a_week(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Completed", "0")

    polls = [at for minutes in range(0, 10 * 24 * 60, 60) if sync_at(at := POLL + minutes * MINUTE).polled]

    assert polls == [POLL + days * DAY for days in range(1, 8)]
    assert status_of(order) == OrderStatus.COMPLETED
    assert order.sync_due_at is None


def test_a_correction_does_not_begin_another_week(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Partial", "400")
    for day in range(1, 8):
        sandbox.drive(order.provider_order_id, remains=str(400 + day))
        assert sync_at(POLL + day * DAY) == Tally(polled=1, moved=1)

    assert status_of(order) == OrderStatus.PARTIAL
    assert (order.final_at, order.sync_due_at, order.remains) == (POLL, None, 407)


def test_an_order_that_the_provider_has_forgotten_since_concerns_nobody(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Completed", "0")
    sandbox.forget(order.provider_order_id)

    assert sync_at(POLL + DAY) == Tally(polled=1)
    assert not AttentionItem.objects.exists()


def test_an_order_that_runs_on_after_its_end_is_put_before_a_person() -> None:
    [order] = at_provider()
    tell(order, report("Completed", "0"))

    assert tell(order, report("In progress", "10"), at=POLL + DAY) == Tally(concerns=1)
    assert AttentionItem.objects.get().kind == AttentionKind.ILLEGAL_MOVE
    assert order.status == OrderStatus.COMPLETED


def test_a_provider_that_is_not_reached_is_asked_about_ended_orders_later(sandbox: Sandbox) -> None:
    order = ended(sandbox, "Completed", "0")
    sandbox.fault("http_500", action="status", times=1)

    assert sync_at(POLL + DAY) == Tally(polled=1, failed=1)

    assert status_of(order) == OrderStatus.COMPLETED
    assert order.sync_due_at == POLL + DAY + 2 * MINUTE
    assert sync_at(POLL + DAY + 2 * MINUTE) == Tally(polled=1)


def test_an_order_that_no_provider_has_is_asked_about_by_nobody() -> None:
    order = place_order(make_customer(funds="50"), make_service(provider=make_provider()))

    move(order, OrderStatus.COMPLETED, remains=0)

    assert order.sync_due_at is None


@pytest.mark.parametrize("remains", ["0", "1000"], ids=["less than staff gave", "more than staff gave"])
def test_what_staff_decided_is_not_overruled_by_the_provider(remains: str) -> None:
    [order] = at_provider()
    tell(order, report("Completed", "0"))
    handling.set_partial(order_id=order.pk, remains=400, cause=Cause.CORRECTION, staff=make_staff(), at=POLL)
    status = "Canceled" if remains == "1000" else "Completed"

    more = tell(order, report(status, remains), at=POLL + DAY)

    assert more == (Tally(concerns=1) if remains == "1000" else Tally())
    assert (order.status, order.remains, order.refunded) == (OrderStatus.PARTIAL, 400, Decimal("1.00"))


def test_making_orders_due_leaves_ended_ones_to_their_day() -> None:
    running, over = at_provider(2)
    tell(over, report("Completed", "0"))

    assert sync.make_due(at=AT) == 1

    over.refresh_from_db()
    running.refresh_from_db()
    assert (running.sync_due_at, over.sync_due_at) == (AT, POLL + DAY)


def test_making_orders_due_locks_them_in_the_order_of_their_keys() -> None:
    at_provider(2)

    with CaptureQueriesContext(connection) as queries:
        sync.make_due(at=AT)

    update = next(query["sql"] for query in queries if "UPDATE orders_order" in query["sql"])
    assert "ORDER BY id FOR NO KEY UPDATE" in update


def test_the_number_of_statements_of_a_recheck_does_not_grow() -> None:
    counts = []
    for size in (1, 10, 100):
        orders = at_provider(size)
        sync.record([Answer(order.pk, report("Partial", "400")) for order in orders], POLL)
        for said in (report("Partial", "600"), Missing("Incorrect order ID"), report("Partial", "600")):
            with CaptureQueriesContext(connection) as queries:
                sync.record([Answer(order.pk, said) for order in orders], POLL + DAY)
            counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))

    assert counts == counts[:3] * 3
    assert counts[1:3] == [1, 1]


def test_staff_ending_an_order_at_its_provider_keeps_it_watched() -> None:
    [order] = at_provider()

    handling.cancel(order_id=order.pk, cause=Cause.SYSTEM_ERROR, staff=make_staff(), at=POLL)

    order.refresh_from_db()
    assert order.sync_due_at == POLL + DAY
