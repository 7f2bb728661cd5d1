"""The only way an order changes status.

`transition` locks the orders, checks each move against the table of legal moves, writes status and event, and calls
the settlement in the same transaction: a status and the money it causes commit together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from orders import ports
from orders.models import FINAL_STATUSES, CancelRequest, CancelRequestState, Cause, Initiator, Order, OrderStatus
from orders.models.cancel_request import LIVE_STATES as LIVE_CANCELS
from orders.models.vocabulary import LEGAL_MOVES
from panel.kernel.errors import Conflict, Refused


class IllegalMove(Conflict):
    """The order's status does not allow this move."""

    code = "illegal_move"


class BadRemains(Refused):
    """Remains are missing for a final status, or not between 0 and the quantity, or contradict the status."""

    code = "bad_remains"


@dataclass(frozen=True, slots=True)
class Move:
    """A wish to move one order. `remains` is in units undelivered and required for final statuses.

    `request_ref` is the number of the refund request that is answered by the move, for whoever settles it.
    """

    order_id: int
    to: OrderStatus
    cause: Cause | None = None
    remains: int | None = None
    start_count: int | None = None
    raw_status: str = ""
    note: str = ""
    request_ref: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was made. `order` is locked and carries the new status and remains."""

    order: Order
    move: Move
    from_status: OrderStatus
    initiator: Initiator
    event_id: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A move that was not made, and why."""

    move: Move
    error: IllegalMove | BadRemains


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the moves of one call; orders that already stood there are in neither list."""

    moved: list[Moved]
    rejected: list[Rejected]


_UPDATE = """
    UPDATE orders_order o
    SET status = m.status,
        remains = coalesce(m.remains, o.remains),
        start_count = coalesce(m.start_count, o.start_count),
        final_at = CASE WHEN m.final THEN coalesce(o.final_at, %s) END,
        sync_due_at = CASE
            WHEN m.status = 'pending' THEN NULL
            WHEN NOT m.final THEN o.sync_due_at
            WHEN o.provider_order_id <> '' AND %s <= coalesce(o.final_at, %s) + make_interval(secs => %s)
                THEN %s END,
        submit_due_at = CASE WHEN m.status = 'pending' THEN o.submit_due_at ELSE NULL END
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::boolean[])
        AS m(id, status, remains, start_count, final)
    WHERE o.id = m.id
"""

_INSERT_EVENTS = """
    INSERT INTO orders_orderevent
        (order_id, from_status, to_status, cause, remains, raw_status, note, at, initiator, actor_id)
    SELECT e.*, %s, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[],
                                       %s::text[], %s::text[]) AS e
    RETURNING order_id, id
"""


def transition(moves: Sequence[Move], *, initiator: Initiator, at: datetime, actor_id: int | None = None) -> Outcome:
    """Move orders and settle them, in the caller's transaction and a number of statements that does not grow.

    A move to where the order already stands, with nothing new about remains, is skipped: reports repeat. Illegal moves
    are returned, not raised, so that one senseless report doesn't stop a batch; `require_moved` raises them.
    Each order may appear once.
    """
    if not connection.in_atomic_block:
        message = "orders move inside the caller's transaction"
        raise transaction.TransactionManagementError(message)
    by_id = {move.order_id: move for move in moves}
    if len(by_id) != len(moves):
        message = "an order can make one move at a time"
        raise ValueError(message)
    orders = list(Order.objects.numbered(by_id).locked())
    pending: list[tuple[Order, Move, OrderStatus]] = []
    rejected: list[Rejected] = []
    for order in orders:
        move = by_id[order.pk]
        if order.status == move.to and move.remains in {None, order.remains}:
            continue
        error = _objection(order, move)
        if error:
            rejected.append(Rejected(move, error))
        else:
            pending.append((order, move, OrderStatus(order.status)))
    moved = _write(pending, initiator, at, actor_id) if pending else []
    if moved:
        _close_cancel_requests(moved)
        ports.settle(moved, at)
    return Outcome(moved=moved, rejected=rejected)


def require_moved(outcome: Outcome) -> Outcome:
    """Raise the first rejection, if any: for callers with a single order."""
    for rejection in outcome.rejected:
        raise rejection.error
    return outcome


def _objection(order: Order, move: Move) -> IllegalMove | BadRemains | None:
    """Return why the move can't be made, or None. Remains of one order are in units of its quantity."""
    if move.to not in LEGAL_MOVES[OrderStatus(order.status)]:
        message = f"Order {order.pk} is {order.get_status_display().lower()} and can't become {move.to.label.lower()}."
        return IllegalMove(message)
    if move.to not in FINAL_STATUSES and move.remains is None:
        return None
    if move.remains is None:
        return BadRemains(f"Say how many units, of {order.quantity:,}, remain undelivered.", field="remains")
    if not 0 <= move.remains <= order.quantity:
        return BadRemains(f"Remains must be between 0 and {order.quantity:,}.", field="remains")
    if move.to == OrderStatus.COMPLETED and move.remains:
        return BadRemains("A completed order has nothing left; set it to partial instead.", field="remains")
    return None


def _write(
    pending: Sequence[tuple[Order, Move, OrderStatus]], initiator: Initiator, at: datetime, actor_id: int | None
) -> list[Moved]:
    recheck = at + settings.ORDER_RECHECK_INTERVAL  # of ended orders: providers correct themselves
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE,
            [
                at,
                recheck,
                at,
                settings.ORDER_RECHECK_FOR.total_seconds(),
                recheck,
                [order.pk for order, _, _ in pending],
                [move.to.value for _, move, _ in pending],
                [move.remains for _, move, _ in pending],
                [move.start_count for _, move, _ in pending],
                [move.to in FINAL_STATUSES for _, move, _ in pending],
            ],
        )
        cursor.execute(
            _INSERT_EVENTS,
            [
                at,
                initiator.value,
                actor_id,
                [order.pk for order, _, _ in pending],
                [from_status.value for _, _, from_status in pending],
                [move.to.value for _, move, _ in pending],
                [move.cause.value if move.cause else "" for _, move, _ in pending],
                [move.remains for _, move, _ in pending],
                [move.raw_status[:60] for _, move, _ in pending],
                [move.note[:300] for _, move, _ in pending],
            ],
        )
        event_ids = dict(cursor.fetchall())
    for order, move, _ in pending:
        order.status = move.to
        order.remains = order.remains if move.remains is None else move.remains
        order.start_count = order.start_count if move.start_count is None else move.start_count
        order.final_at = (order.final_at or at) if move.to in FINAL_STATUSES else None
    return [
        Moved(order=order, move=move, from_status=from_status, initiator=initiator, event_id=event_ids[order.pk])
        for order, move, from_status in pending
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """News of an order that stays in its status: units that remain, and the count at the start."""

    order_id: int
    remains: int | None
    start_count: int | None


def note_progress(news: Sequence[Progress]) -> int:
    """Write progress of running orders in one statement; return how many rows changed. Money is not touched."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_order o
            SET remains = coalesce(n.remains, o.remains), start_count = coalesce(n.start_count, o.start_count)
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n(id, remains, start_count)
            WHERE o.id = n.id AND o.status IN ('processing', 'in_progress')
            """,
            [[n.order_id for n in news], [n.remains for n in news], [n.start_count for n in news]],
        )
        return int(cursor.rowcount)


def _close_cancel_requests(moved: Sequence[Moved]) -> None:
    """An order that ended answers its cancel request, whatever the end."""
    ended = [m.order.pk for m in moved if m.order.allows_cancel and m.order.is_final]
    if ended:
        CancelRequest.objects.filter(order__in=ended, state__in=LIVE_CANCELS).update(
            state=CancelRequestState.CLOSED, send_due_at=None
        )
