"""`refill` and `refill_status`: have delivered again what went away, and ask how far that is."""

from orders import refills
from orders.api_v2 import errors, ids
from orders.api_v2.call import Call
from orders.api_v2.ids import GivenId
from orders.canceling import OrderNotFound
from orders.models import Refill
from orders.refills import BadRefillId, RefillNotFound
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked

Row = dict[str, object]


def refill(call: Call) -> Row | list[Row]:
    """Ask for refills, each in a transaction of its own: `{"refill": "1"}` for one order, rows of numbers for several.

    In a row of several, what was refused holds its own error. An id that is given twice is handled, and answered, once.

    Raises Malformed; for a single order OrderNotFound, RefillRefused, RefillRunning.
    """
    asked = ids.asked(call.parameters)
    if not asked.many:
        return {"refill": str(_ask(call, asked.ids[0]))}
    once = {order_id.echo: order_id for order_id in asked.ids}
    return [{"order": echo, "refill": _asked(call, order_id)} for echo, order_id in once.items()]


def refill_status(call: Call) -> Row | list[Row]:
    """Return how a refill stands: `{"status": "Completed"}` for one, rows with their numbers for several.

    Another customer's refill is an unknown one. One query, whatever the number.

    Raises Malformed; for a single refill BadRefillId, RefillNotFound.
    """
    asked = ids.asked(call.parameters, "refill")
    found = Refill.objects.filter(order__customer=call.customer, pk__in=asked.numbers).only("state").in_bulk()
    if not asked.many:
        return {"status": _status(asked.ids[0], found)}
    once = {refill_id.echo: refill_id for refill_id in asked.ids}
    return [{"refill": echo, "status": _status_or_error(refill_id, found)} for echo, refill_id in once.items()]


def _ask(call: Call, order_id: GivenId) -> int:
    if order_id.number is None:
        raise OrderNotFound("There is no such order.")
    with busy_when_locked():
        return refills.ask(customer=call.customer, order_id=order_id.number, at=call.at).pk


def _asked(call: Call, order_id: GivenId) -> object:
    try:
        return _ask(call, order_id)
    except PanelError as error:
        return {"error": errors.words(error)}


def _status(refill_id: GivenId, found: dict[int, Refill]) -> str:
    if refill_id.number is None:
        raise BadRefillId("This is no number of a refill.")
    if refill_id.number not in found:
        raise RefillNotFound("There is no such refill.")
    return str(found[refill_id.number].get_state_display())


def _status_or_error(refill_id: GivenId, found: dict[int, Refill]) -> object:
    try:
        return _status(refill_id, found)
    except PanelError as error:
        return {"error": errors.words(error)}
