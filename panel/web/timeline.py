"""The events of an order as sentences for its customer. Raw provider words and notes of staff stay inside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orders.models import Cause, Initiator, Order, OrderEvent, OrderStatus

_ACTORS: Final = {
    Initiator.CUSTOMER: "you",
    Initiator.STAFF: "our staff",
    Initiator.PROVIDER: "the provider",
    Initiator.SYSTEM: "the system",
}
_BECAUSE: Final = {
    Cause.NOT_STARTED: "because it could not be started",
    Cause.SERVICE_UNAVAILABLE: "because the service is not available",
    Cause.SYSTEM_ERROR: "because of an error on our side",
    Cause.CANNOT_COMPLETE: "because it could not be completed",
    Cause.SERVICE_DISCONTINUED: "because the service was discontinued",
    Cause.TARGET_UNAVAILABLE: "because what the link points to was not available",
    Cause.INVALID_TARGET: "because the link was not valid",
    Cause.DROPPED: "because of a drop after delivery",
    Cause.PLATFORM_DELAY: "because of a delay of the platform",
    Cause.TERMS_VIOLATION: "because it broke the terms of use",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step: when, which status it led to, and what happened in words."""

    at: datetime
    status: OrderStatus
    label: str
    text: str


def entries(order: Order, events: tuple[OrderEvent, ...]) -> list[Entry]:
    """Return the steps of the order in the order of its events."""
    return [Entry(event.at, OrderStatus(event.to_status), _label(event), _text(order, event)) for event in events]


def _label(event: OrderEvent) -> str:
    if not event.from_status:
        return "Placed"
    if event.to_status == OrderStatus.IN_PROGRESS:
        return "Started"
    return OrderStatus(event.to_status).label


def _text(order: Order, event: OrderEvent) -> str:
    status = OrderStatus(event.to_status)
    if not event.from_status:
        return "You placed the order and it was charged to your balance."
    if status == OrderStatus.PENDING:
        return "The provider did not take it; it waits to be sent again."
    if status == OrderStatus.PROCESSING:
        taken = "Our team has taken it up" if order.provider_id is None else "Handed to the provider"
        return f"{taken}; delivery has not begun."
    if status == OrderStatus.IN_PROGRESS:
        return "Delivery has begun."
    words = _ended(order, event, status)
    if event.from_status in {OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED}:
        return f"Corrected by {_ACTORS[Initiator(event.initiator)]}: {words[0].lower()}{words[1:]}"
    return words


def _ended(order: Order, event: OrderEvent, status: OrderStatus) -> str:
    if status == OrderStatus.COMPLETED:
        return f"All of it was delivered: {_units(order.quantity)}."
    because = f" {_BECAUSE[Cause(event.cause)]}" if event.cause in _BECAUSE else ""
    actor = _ACTORS[Initiator(event.initiator)]
    remains = order.quantity if event.remains is None else event.remains
    left = f"{remains:,} of {_units(order.quantity)} were not delivered" if remains else "all of it was delivered"
    if remains == order.quantity:
        left = "nothing was delivered"
    if status == OrderStatus.PARTIAL:
        return f"Ended in part{because}: {left}."
    return f"Canceled by {actor}{because}: {left}."


def _units(number: int) -> str:
    return f"{number:,} unit" if number == 1 else f"{number:,} units"
