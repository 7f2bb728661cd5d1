"""Orders in any state, brought there through the use cases."""

from datetime import UTC, datetime

from django.db import transaction

from orders import lifecycle, placing
from orders.lifecycle import Move, Outcome
from orders.lines import Line
from orders.models import Cause, Initiator, Order, OrderStatus, Service
from panel.accounts.models import User

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def place_order(
    customer: User,
    service: Service,
    *,
    quantity: int = 1000,
    link: str = "https://example.com/launch",
    at: datetime = AT,
) -> Order:
    """Place one order and return it."""
    placed = placing.place(customer=customer, lines=[Line(service.pk, link, quantity)], at=at)
    return Order.objects.get(pk=placed.order_ids[0])


def move(
    order: Order,
    to: OrderStatus,
    *,
    remains: int | None = None,
    cause: Cause | None = None,
    initiator: Initiator = Initiator.PROVIDER,
    at: datetime = AT,
) -> Outcome:
    """Move one order in a transaction of its own, refresh it, and return the outcome."""
    with transaction.atomic():
        outcome = lifecycle.transition([Move(order.pk, to, cause=cause, remains=remains)], initiator=initiator, at=at)
    order.refresh_from_db()
    return outcome
