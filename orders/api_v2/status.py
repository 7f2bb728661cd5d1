"""`status`: how far orders got."""

from django.conf import settings

from orders.api_v2 import errors, ids
from orders.api_v2.call import Call
from orders.canceling import OrderNotFound
from orders.models import Order
from panel.kernel import money

Row = dict[str, str]


def status(call: Call) -> Row | dict[str, Row]:
    """Return one order's status, or an object keyed by the ids as they were given; all values are strings.

    `charge` is what is kept after refunds. An order whose start count isn't known says "0", one whose remains aren't
    known says its whole quantity. Another customer's order is an unknown one. One query, whatever the number.

    Raises Malformed; OrderNotFound for a single order.
    """
    asked = ids.asked(call.parameters)
    orders = (
        Order.objects.filter(customer=call.customer, pk__in=asked.numbers)
        .only("charge", "refunded", "start_count", "status", "remains", "quantity")
        .in_bulk()
    )
    unknown = OrderNotFound("There is no such order.")
    if asked.many:
        missing = {"error": errors.words(unknown)}
        return {
            order_id.text: _row(orders[order_id.number]) if order_id.number in orders else missing
            for order_id in asked.ids
        }
    [order_id] = asked.ids
    if order_id.number not in orders:
        raise unknown
    return _row(orders[order_id.number])


def _row(order: Order) -> Row:
    return {
        "charge": money.plain(order.kept),
        "start_count": str(order.start_count or 0),
        "status": str(order.get_status_display()),
        "remains": str(order.quantity if order.remains is None else order.remains),
        "currency": settings.PANEL_CURRENCY,
    }
