"""`cancel`: ask for orders to be canceled."""

from orders import canceling
from orders.api_v2 import errors, ids
from orders.api_v2.call import Call
from orders.api_v2.ids import GivenId
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked

Row = dict[str, object]


def cancel(call: Call) -> list[Row]:
    """Cancel each order in a transaction of its own; always an array, also for one order.

    1 means accepted: a pending order is canceled and refunded by policy, a running one has been asked for. Otherwise
    the entry holds its own error. An id that is given twice is handled, and answered, once.

    Raises Malformed.
    """
    asked = ids.asked(call.parameters)
    once = {order_id.echo: order_id for order_id in asked.ids}
    return [{"order": echo, "cancel": _canceled(call, order_id)} for echo, order_id in once.items()]


def _canceled(call: Call, order_id: GivenId) -> object:
    try:
        if order_id.number is None:
            raise canceling.OrderNotFound("There is no such order.")
        with busy_when_locked():
            canceling.cancel(customer=call.customer, order_id=order_id.number, at=call.at)
    except PanelError as error:
        return {"error": errors.words(error)}
    return 1
