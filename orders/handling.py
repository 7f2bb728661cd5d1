"""What staff do to an order by hand, through the same lifecycle and settlement as everything else."""

from datetime import datetime

from django.db import transaction

from orders import attention, lifecycle
from orders.attention import Concern
from orders.lifecycle import Move
from orders.models import (
    FINAL_STATUSES,
    AttentionKind,
    Cause,
    Initiator,
    Order,
    OrderStatus,
    Submission,
    SubmissionState,
)
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound

_IN_FLIGHT = (SubmissionState.CLAIMED, SubmissionState.CALLING, SubmissionState.UNKNOWN)


class BeingSubmitted(Conflict):
    """The order is on its way to the provider, or nobody knows whether it got there."""

    code = "being_submitted"


def start(*, order_id: int, staff: User, at: datetime, start_count: int | None = None) -> None:
    """Mark an order as started.

    Raises NotFound, Forbidden, BeingSubmitted, lifecycle.IllegalMove.
    """
    _move(Move(order_id, OrderStatus.IN_PROGRESS, start_count=start_count), staff, at)


def set_partial(*, order_id: int, remains: int, cause: Cause, staff: User, at: datetime, note: str = "") -> None:
    """End an order, or correct an ended one, with `remains` units undelivered.

    Raises NotFound, Forbidden, BeingSubmitted, lifecycle.IllegalMove, lifecycle.BadRemains.
    """
    _move(Move(order_id, OrderStatus.PARTIAL, cause=cause, remains=remains, note=note), staff, at)


def cancel(
    *, order_id: int, cause: Cause, staff: User, at: datetime, remains: int | None = None, note: str = ""
) -> None:
    """Cancel an order, or correct an ended one to canceled. Without `remains`, what was last known, or all units.

    Raises NotFound, Forbidden, BeingSubmitted, lifecycle.IllegalMove, lifecycle.BadRemains.
    """
    _move(Move(order_id, OrderStatus.CANCELED, cause=cause, remains=remains, note=note), staff, at)


def complete(*, order_id: int, staff: User, at: datetime, note: str = "") -> None:
    """Mark an order as delivered in full, or correct an ended one to it.

    Raises NotFound, Forbidden, BeingSubmitted, lifecycle.IllegalMove.
    """
    _move(Move(order_id, OrderStatus.COMPLETED, cause=Cause.DELIVERED, remains=0, note=note), staff, at)


def carry(*, order: Order, move: Move, staff: User, at: datetime) -> None:
    """Make `move` with a locked order, in the caller's transaction, as far as staff may.

    Raises Forbidden, BeingSubmitted, lifecycle.IllegalMove, lifecycle.BadRemains.
    """
    if order.customer_id == staff.pk:
        raise Forbidden("Nobody handles an own order.")
    if Submission.objects.filter(order=order, state__in=_IN_FLIGHT).exists():
        message = (
            f"Order {order.pk} is being handed to its provider. Try again in a minute; if its outcome stays"
            " unknown, settle that in the attention queue first."
        )
        raise BeingSubmitted(message)
    was_open = not order.is_final
    lifecycle.require_moved(lifecycle.transition([move], initiator=Initiator.STAFF, actor_id=staff.pk, at=at))
    if was_open and move.to in FINAL_STATUSES and order.provider_order_id:
        attention.file([_still_there(order, move)], at)


def _move(move: Move, staff: User, at: datetime) -> None:
    """Lock, fill in known remains, move."""
    if not staff.is_staff:
        raise Forbidden("Orders are handled by staff.")
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(pk=move.order_id).first()
        if order is None:
            raise NotFound("There is no such order.")
        if move.to == OrderStatus.CANCELED and move.remains is None:
            known = order.quantity if order.remains is None else order.remains
            move = Move(move.order_id, move.to, cause=move.cause, remains=known, note=move.note)
        carry(order=order, move=move, staff=staff, at=at)


def _still_there(order: Order, move: Move) -> Concern:
    """The provider was not told: whatever it still delivers is paid by the house."""
    detail = (
        f"Staff ended order {order.pk} as {move.to.label.lower()} while the provider has it as number"
        f" {order.provider_order_id}: end it there too, or it goes on"
    )
    return Concern(AttentionKind.STILL_AT_PROVIDER, detail, order_id=order.pk, provider_id=order.provider_id)
