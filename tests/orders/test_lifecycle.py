"""The lifecycle: which moves are legal, what they write, and that money follows in the same transaction."""

from decimal import Decimal
from itertools import product

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Account, Transfer
from orders import lifecycle
from orders.lifecycle import Move, Progress
from orders.models import CancelRequest, Cause, Initiator, Order, OrderEvent, OrderStatus
from orders.models.vocabulary import FINAL_STATUSES, LEGAL_MOVES
from refunds.models import Decision
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db

PENDING, PROCESSING, IN_PROGRESS = OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS
PARTIAL, CANCELED, COMPLETED = OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED
REMAINS = {PARTIAL: 400, CANCELED: 1000, COMPLETED: 0}


def in_status(status: OrderStatus) -> Order:
    order = place_order(make_customer(funds="10"), make_service(rate="2.50"))
    if status != PENDING:
        move(order, status, remains=REMAINS.get(status))
    return order


def traces(order: Order) -> tuple[object, ...]:
    """Everything that a move changes."""
    order.refresh_from_db()
    return (
        order.status,
        order.remains,
        order.refunded,
        order.recognized,
        order.final_at,
        OrderEvent.objects.filter(order=order).count(),
        Decision.objects.filter(order=order).count(),
        Transfer.objects.filter(order_ref=order.pk).count(),
        Account.objects.get(customer=order.customer, kind="available").balance,
    )


@pytest.mark.parametrize(("start", "to"), [(a, b) for a, b in product(OrderStatus, OrderStatus) if a != b])
def test_a_move_is_made_exactly_where_the_table_allows_it(start: OrderStatus, to: OrderStatus) -> None:
    order = in_status(start)
    before = traces(order)

    outcome = move(order, to, remains=REMAINS.get(to), cause=Cause.CORRECTION)

    if to in LEGAL_MOVES[start]:
        assert (len(outcome.moved), outcome.rejected, order.status) == (1, [], to)
    else:
        assert outcome.moved == []
        assert isinstance(outcome.rejected[0].error, lifecycle.IllegalMove)
        assert traces(order) == before


@pytest.mark.parametrize("start", sorted(FINAL_STATUSES))
@pytest.mark.parametrize("to", [PENDING, PROCESSING, IN_PROGRESS])
def test_an_ended_order_never_opens_again(start: OrderStatus, to: OrderStatus) -> None:
    order = in_status(start)

    outcome = move(order, to)

    assert isinstance(outcome.rejected[0].error, lifecycle.IllegalMove)
    assert order.status == start


@pytest.mark.parametrize(
    ("to", "remains"),
    [(PARTIAL, None), (PARTIAL, -1), (PARTIAL, 1001), (CANCELED, None), (COMPLETED, 1), (COMPLETED, None)],
)
def test_refuses_remains_that_make_no_sense_and_moves_nothing(to: OrderStatus, remains: int | None) -> None:
    order = in_status(IN_PROGRESS)
    before = traces(order)

    outcome = move(order, to, remains=remains)

    assert isinstance(outcome.rejected[0].error, lifecycle.BadRemains)
    assert outcome.rejected[0].error.field == "remains"
    assert traces(order) == before


def test_writes_status_event_and_money_together() -> None:
    order, grace = in_status(IN_PROGRESS), make_staff()

    with transaction.atomic():
        lifecycle.transition(
            [Move(order.pk, PARTIAL, Cause.CANNOT_COMPLETE, 400, start_count=12, raw_status="Partial", note="late")],
            initiator=Initiator.STAFF,
            at=AT,
            actor_id=grace.pk,
        )

    order.refresh_from_db()
    assert (order.status, order.remains, order.start_count, order.final_at) == ("partial", 400, 12, AT)
    assert (order.refunded, order.recognized) == (Decimal("1.000000"), Decimal("1.500000"))
    event = OrderEvent.objects.filter(order=order).latest("pk")
    assert (event.from_status, event.to_status, event.cause, event.initiator, event.actor) == (
        "in_progress",
        "partial",
        "cannot_complete",
        "staff",
        grace,
    )
    assert (event.remains, event.raw_status, event.note, event.at) == (400, "Partial", "late", AT)


def test_a_failing_settlement_leaves_neither_status_nor_event(settings: object) -> None:
    order = in_status(IN_PROGRESS)
    before = traces(order)
    settings.ORDER_SETTLEMENT = "orders.lifecycle.no_such_settlement"  # type: ignore[attr-defined]

    with pytest.raises(ImportError):
        move(order, COMPLETED, remains=0)

    assert traces(order) == before


@pytest.mark.parametrize("status", OrderStatus)
def test_the_same_report_again_changes_nothing(status: OrderStatus) -> None:
    order = in_status(status)
    before = traces(order)

    for _ in range(3):
        outcome = move(order, status, remains=REMAINS.get(status))

        assert (outcome.moved, outcome.rejected) == ([], [])
    assert traces(order) == before


def test_a_final_time_stays_the_first_one() -> None:
    order = in_status(COMPLETED)
    later = AT.replace(day=5)

    move(order, PARTIAL, remains=100, cause=Cause.CORRECTION, at=later)

    assert order.final_at == AT
    assert OrderEvent.objects.filter(order=order).latest("pk").at == later


def test_one_illegal_move_does_not_stop_the_others() -> None:
    fine, ended = in_status(IN_PROGRESS), in_status(COMPLETED)

    with transaction.atomic():
        outcome = lifecycle.transition(
            [Move(fine.pk, PARTIAL, remains=10), Move(ended.pk, PENDING)], initiator=Initiator.PROVIDER, at=AT
        )

    assert [moved.order.pk for moved in outcome.moved] == [fine.pk]
    assert [rejected.move.order_id for rejected in outcome.rejected] == [ended.pk]


def test_refuses_two_moves_of_one_order_in_one_call() -> None:
    order = in_status(IN_PROGRESS)
    before = traces(order)

    with pytest.raises(ValueError, match="one move at a time"), transaction.atomic():
        lifecycle.transition(
            [Move(order.pk, PARTIAL, remains=1), Move(order.pk, PARTIAL, remains=2)], initiator=Initiator.STAFF, at=AT
        )

    assert traces(order) == before


@pytest.mark.django_db(transaction=True)
def test_refuses_to_move_outside_of_a_transaction() -> None:
    order = in_status(PENDING)

    with pytest.raises(transaction.TransactionManagementError):
        lifecycle.transition([Move(order.pk, CANCELED, remains=1000)], initiator=Initiator.STAFF, at=AT)

    order.refresh_from_db()
    assert order.status == PENDING


def test_locks_orders_in_the_order_of_their_keys() -> None:
    first, second = in_status(IN_PROGRESS), in_status(IN_PROGRESS)

    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        lifecycle.transition(
            [Move(second.pk, COMPLETED, remains=0), Move(first.pk, COMPLETED, remains=0)],
            initiator=Initiator.PROVIDER,
            at=AT,
        )

    lock = next(query["sql"] for query in queries if "FOR NO KEY UPDATE" in query["sql"])
    assert 'ORDER BY "orders_order"."id" ASC FOR NO KEY UPDATE OF "orders_order"' in lock


@pytest.mark.parametrize("to", [PARTIAL, COMPLETED, CANCELED])
def test_the_number_of_statements_does_not_grow_with_the_batch(to: OrderStatus) -> None:
    ada, ben, reach = make_customer(funds="1000", promo="4"), make_customer("ben", funds="1000"), make_service()

    def statements(number: int) -> int:
        orders = [place_order((ada, ben)[i % 2], reach) for i in range(number)]
        moves = [Move(order.pk, to, remains=REMAINS[to]) for order in orders]
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=AT)
        return len(queries)

    statements(1)  # what is kept in memory after the first time
    one, hundred = statements(2), statements(100)

    assert one == hundred
    assert one <= 13


def test_an_order_that_ends_answers_its_cancel_request() -> None:
    order = place_order(make_customer(funds="50"), make_service(allows_cancel=True))
    move(order, IN_PROGRESS)
    CancelRequest.objects.create(order=order, send_due_at=AT)

    move(order, PARTIAL, remains=400)

    request = CancelRequest.objects.get(order=order)
    assert (request.state, request.send_due_at) == ("closed", None)


def test_notes_progress_of_running_orders_only_and_moves_no_money() -> None:
    running, waiting, ended = in_status(IN_PROGRESS), in_status(PENDING), in_status(COMPLETED)
    before = traces(running)[2:5], traces(waiting), traces(ended)

    changed = lifecycle.note_progress([Progress(order.pk, 600, 5) for order in (running, waiting, ended)])

    assert changed == 1
    running.refresh_from_db()
    assert (running.remains, running.start_count) == (600, 5)
    assert (traces(running)[2:5], traces(waiting), traces(ended)) == before
