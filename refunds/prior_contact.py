"""Whether a customer had written to us about a payment, or an order that it paid for, before he disputed it.

Decided from records alone: messages of tickets and refund requests from the payment until the dispute.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from billing import tracing
from billing.models import Deposit
from refunds import ports
from refunds.models import RefundRequest

_ABOUT_MONEY: Final = frozenset({"payment", "refund"})
_Contact = tuple[datetime, str]  # when, and what in words


def of(deposit: Deposit, *, before: datetime) -> str | None:
    """Return the first contact about the payment or its orders, in words for staff; None when there was none."""
    orders = {paid.order_ref for paid in tracing.orders_of_deposit(deposit.pk, customer_id=deposit.customer_id)}
    since = deposit.paid_at or deposit.created_at
    found = [*_messages(deposit.customer_id, orders, since, before), *_requests(deposit.customer_id, orders, before)]
    return min(found)[1] if found else None


def _messages(
    customer_id: int, orders: Collection[int], since: datetime, before: datetime
) -> list[tuple[datetime, str]]:
    said = ports.conversations().with_customer(customer_id, since=since, until=before)
    return [
        (one.at, f"Ticket {one.ticket}, {one.at:%-d %B %Y}: {one.about}")
        for one in said
        if one.by_customer and (one.order_ref in orders or (one.order_ref is None and one.kind in _ABOUT_MONEY))
    ]


def _requests(customer_id: int, orders: Collection[int], before: datetime) -> list[_Contact]:
    asked = RefundRequest.objects.filter(customer_id=customer_id, order_id__in=orders, opened_at__lt=before)
    rows = asked.order_by("pk").values_list("pk", "order_id", "opened_at", "opened_by_id")
    return [
        (at, f"Refund request {pk} about order {order_id}, {at:%-d %B %Y}")
        for pk, order_id, at, opened_by in rows
        if opened_by == customer_id
    ]
