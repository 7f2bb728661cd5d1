"""`add`: place one order."""

from collections.abc import Mapping

from orders import lines, placing
from orders.api_v2 import ids
from orders.api_v2.call import Call
from orders.api_v2.parameters import Malformed
from orders.insertion import Origin
from orders.lines import Line
from orders.models import PlacedThrough, Service, ServiceType


def add(call: Call) -> dict[str, int]:
    """Place one order and return its number: `{"order": 23501}`.

    The same `request_id` within 24 hours returns the same order. Parameters that the type doesn't use are ignored.

    Raises Malformed and whatever `orders.placing.place` raises.
    """
    given = call.parameters
    service_id = ids.parse(given.get("service", "")) or 0
    _refuse_drip_feed(given, service_id)
    line = Line(service_id, given.get("link", ""), _quantity(given.get("quantity", "")))
    placed = placing.place(
        customer=call.customer,
        lines=[line],
        at=call.at,
        request_id=given.get("request_id", ""),
        origin=Origin(PlacedThrough.API_V2, call.address),
    )
    return {"order": placed.order_ids[0]}


def _quantity(text: str) -> int | None:
    """Return the quantity; None for what is no number, which placing refuses unless the type takes no quantity."""
    try:
        return lines.parse_quantity(text)
    except lines.BadQuantity:
        return None


def _refuse_drip_feed(given: Mapping[str, str], service_id: int) -> None:
    """Refuse several runs: they multiply what is bought, and no service sells them. A package doesn't know `runs`."""
    if given.get("runs", "1") == "1":
        return
    if not Service.objects.filter(pk=service_id, type=ServiceType.PACKAGE).exists():
        raise Malformed("Drip-feed is not sold.", field="runs")
