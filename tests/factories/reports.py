"""An order that its provider has, what the provider reports on it, and what was refunded."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.models import Transfer
from orders.fulfilment import submit, sync
from orders.fulfilment.client import Report
from orders.fulfilment.sync import Answer
from orders.models import Order, OrderStatus, Provider
from tests.factories.catalog import make_service
from tests.factories.orders import AT, move, place_order
from tests.factories.people import make_customer

LATER = AT + timedelta(hours=1)


def running(*, rate: str = "10", provider: Provider | None = None, **service: Any) -> Order:
    """Return an order of 1,000 units for 10.00 that its provider has; 90.00 are left to the customer."""
    order = place_order(make_customer(funds="100"), make_service(rate=rate, provider=provider, **service))
    move(order, OrderStatus.IN_PROGRESS)
    if provider:
        Order.objects.filter(pk=order.pk).update(provider_order_id=f"p-{order.pk}", sync_due_at=AT)
        order.refresh_from_db()
    return order


def hand_over(at: datetime = LATER) -> None:
    """Send every order that is due to its provider."""
    for submission_id in submit.claim(limit=500, at=at):
        submit.send(submission_id=submission_id, at=at)


def tell(order: Order, status: str, remains: object, *, at: datetime = LATER) -> None:
    """Let the provider report on the order, as the poll records it."""
    sync.record([Answer(order.pk, Report(raw_status=status, start_count="5", remains=remains, charge="1.15"))], at)
    order.refresh_from_db()


def refunds_of(order: Order) -> list[Decimal]:
    """Read the order again, and return its refunds, oldest first; together they are what it says of itself."""
    order.refresh_from_db()
    transfers = Transfer.objects.filter(order_ref=order.pk, kind="order_refund").order_by("pk")
    amounts = list(transfers.values_list("amount", flat=True))
    assert sum(amounts) == order.refunded
    return amounts
