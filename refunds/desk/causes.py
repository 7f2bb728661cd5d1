"""Which causes a customer can name for an order as it stands, in the words of the form."""

from typing import Final

from orders.models import Cause, Order, OrderStatus

_WORDS: Final = {
    Cause.NOT_STARTED: "It has not been started",
    Cause.SERVICE_UNAVAILABLE: "The service is not available",
    Cause.SYSTEM_ERROR: "An error of the panel placed the order wrongly",
    Cause.CANNOT_COMPLETE: "Less was delivered than ordered",
    Cause.SERVICE_DISCONTINUED: "The service was discontinued",
    Cause.TARGET_UNAVAILABLE: "My page or account could not be reached",
    Cause.INVALID_TARGET: "I gave a wrong link",
    Cause.DROPPED: "What was delivered went away later",
    Cause.PLATFORM_DELAY: "It takes too long",
    Cause.CHANGE_OF_MIND: "I don't want it any more",
}
# An order that has ended can't be called off any more, and one that has not begun can't have dropped. What only staff
# and providers can know (breach of terms, their own cancels) is nothing that a customer names.
_BEFORE_START: Final = (
    Cause.NOT_STARTED,
    Cause.SERVICE_UNAVAILABLE,
    Cause.INVALID_TARGET,
    Cause.PLATFORM_DELAY,
    Cause.SYSTEM_ERROR,
    Cause.CHANGE_OF_MIND,
)
_FITTING: Final = {
    OrderStatus.PENDING: _BEFORE_START,
    OrderStatus.PROCESSING: _BEFORE_START,
    OrderStatus.IN_PROGRESS: (
        Cause.CANNOT_COMPLETE,
        Cause.SERVICE_DISCONTINUED,
        Cause.TARGET_UNAVAILABLE,
        Cause.PLATFORM_DELAY,
        Cause.DROPPED,
        Cause.INVALID_TARGET,
        Cause.SYSTEM_ERROR,
        Cause.CHANGE_OF_MIND,
    ),
    OrderStatus.PARTIAL: (
        Cause.CANNOT_COMPLETE,
        Cause.DROPPED,
        Cause.TARGET_UNAVAILABLE,
        Cause.SERVICE_DISCONTINUED,
        Cause.INVALID_TARGET,
        Cause.SYSTEM_ERROR,
    ),
    OrderStatus.CANCELED: (
        Cause.NOT_STARTED,
        Cause.CANNOT_COMPLETE,
        Cause.SERVICE_UNAVAILABLE,
        Cause.INVALID_TARGET,
        Cause.SYSTEM_ERROR,
    ),
    OrderStatus.COMPLETED: (
        Cause.CANNOT_COMPLETE,
        Cause.DROPPED,
        Cause.INVALID_TARGET,
        Cause.PLATFORM_DELAY,
        Cause.SYSTEM_ERROR,
    ),
}


def fitting(order: Order) -> list[tuple[Cause, str]]:
    """Return the causes that fit the order's status, each with its words, in the order of the form."""
    return [(cause, _WORDS[cause]) for cause in _FITTING[OrderStatus(order.status)]]


def words(cause: Cause) -> str:
    """Return a cause in a customer's words."""
    return _WORDS.get(cause, str(cause.label))
