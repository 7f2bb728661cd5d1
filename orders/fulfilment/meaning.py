"""What a provider's answer means for one of our orders: a move, progress, something for a person, or nothing. Pure."""

from typing import Final, NamedTuple

from orders.attention import Concern
from orders.fulfilment import reports
from orders.fulfilment.client import Missing
from orders.fulfilment.reports import Nonsense, ProviderStatus, Report, Understood
from orders.fulfilment.transport import UNPRINTABLE
from orders.lifecycle import Move, Progress
from orders.models import FINAL_STATUSES, AttentionKind, Cause, OrderStatus

_STATUSES: Final = {status: OrderStatus(status.value) for status in ProviderStatus}
_CAUSES: Final = {
    ProviderStatus.PARTIAL: Cause.CANNOT_COMPLETE,
    ProviderStatus.CANCELED: Cause.PROVIDER_CANCELED,
    ProviderStatus.COMPLETED: Cause.DELIVERED,
}
_RUNNING: Final = frozenset({"processing", "in_progress"})
_LARGEST: Final = 10**18
_SHOWN: Final = 100

Meaning = Move | Progress | Concern | None


class Standing(NamedTuple):
    """An order as the database has it now; `status` is the stored value, the rest in units."""

    order_id: int
    status: str
    quantity: int
    remains: int | None
    start_count: int | None
    ended_by_staff: bool = False


def of(order: Standing, said: Report | Missing) -> Meaning:
    """Return what to do about one answer. Never guesses: what makes no sense is a Concern and the order stays."""
    if isinstance(said, Missing):
        if order.status in FINAL_STATUSES:  # providers forget old orders; nothing is left to be done
            return None
        return _concern(order, AttentionKind.MISSING_AT_PROVIDER, said.message, {"error": said.message})
    understood = reports.interpret(said, order.quantity)
    if isinstance(understood, Nonsense):
        return _concern(order, AttentionKind(understood.kind.value), understood.detail, _storable(said))
    if understood.status in reports.FINAL:
        return _ending(order, understood, said)
    return _running(order, understood, said)


def _running(order: Standing, understood: Understood, said: Report) -> Meaning:
    """Return the start or the progress of an order that goes on; going back is for a person."""
    started = understood.status is ProviderStatus.IN_PROGRESS
    if order.status not in _RUNNING or (order.status == "in_progress" and not started):
        detail = f"The provider reports {said.raw_status[:60]} for an order that is {order.status}"
        return _concern(order, AttentionKind.ILLEGAL_MOVE, detail, _storable(said))
    if started and order.status == "processing":
        return Move(
            order.order_id,
            OrderStatus.IN_PROGRESS,
            remains=understood.remains,
            start_count=understood.start_count,
            raw_status=said.raw_status,
        )
    if understood.remains in {None, order.remains} and understood.start_count in {None, order.start_count}:
        return None
    return Progress(order.order_id, understood.remains, understood.start_count)


def _ending(order: Standing, understood: Understood, said: Report) -> Meaning:
    """Return the move to a final status; for an order that has ended already, a correction when it differs.

    What staff decided about an ended order stands; a provider that owes more than staff gave is put before a person.
    """
    to = _STATUSES[understood.status]
    if order.status == to and order.remains == understood.remains:
        return None
    if order.ended_by_staff:
        if (understood.remains or 0) <= (order.remains or 0):
            return None
        detail = f"The provider reports {to.label.lower()} with {understood.remains} left; staff had ended it otherwise"
        return _concern(order, AttentionKind.ILLEGAL_MOVE, detail, _storable(said))
    running = order.status in _RUNNING or order.status == "pending"
    return Move(
        order.order_id,
        to,
        cause=_CAUSES[understood.status] if running else Cause.CORRECTION,
        remains=understood.remains,
        start_count=understood.start_count,
        raw_status=said.raw_status,
    )


def _concern(order: Standing, kind: AttentionKind, detail: str, report: dict[str, object]) -> Concern:
    return Concern(kind, detail, order_id=order.order_id, report=report)


def _storable(said: Report) -> dict[str, object]:
    """Return the raw report in a form that PostgreSQL's jsonb takes."""
    return {
        "status": said.raw_status,
        "start_count": _plain(said.start_count),
        "remains": _plain(said.remains),
        "charge": _plain(said.charge),
    }


def _plain(value: object) -> object:
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < _LARGEST else "a number beyond all bounds"
        case str():
            return UNPRINTABLE.sub("\ufffd", value[:_SHOWN])
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return str(value)[:_SHOWN]
