"""Turn a ticket into a refund request, with the order, the cause and what the customer wrote carried over."""

from datetime import datetime

from django.db import transaction

from orders.models import Cause, Order
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Refused
from panel.locking import busy_when_locked
from panel.support import access
from panel.support.models import MessageKind, Ticket, TicketMessage
from refunds.desk import opening
from refunds.desk.access import MAY_OPEN
from refunds.models import RefundRequest
from refunds.models.request import LONGEST_TEXT

__all__ = ["MAY_OPEN", "AlreadyTurned", "turn_into_request", "words"]


class AlreadyTurned(Conflict):
    """A request was opened from this ticket before."""

    code = "ticket_turned_before"


def turn_into_request(
    *, ticket_id: int, order_id: int | None, cause: Cause, staff: User, at: datetime
) -> RefundRequest:
    """Open a refund request for the customer who wrote; the ticket keeps the link, and waits as before.

    `order_id` is asked of a ticket that names no order, and is its order from then on. The request is opened in a
    transaction of its own; should the process die before the ticket knows of it, doing the same again links them.

    Raises access.NoSuchTicket, Forbidden (no permission for tickets or for opening requests, or one's own account's),
    AlreadyTurned, Refused (no such order of the customer), Busy, and what opening.open_by_staff raises.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if ticket.refund_request_id is not None:
            raise AlreadyTurned(f"Request {ticket.refund_request_id} was opened from this ticket.")
        order = _order(ticket, order_id)
        description = words(ticket)
    with busy_when_locked():
        request = _open(order, cause, description, staff, at)
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        ticket.order, ticket.refund_request = order, request
        ticket.save(update_fields=["order", "refund_request"])
    return request


def words(ticket: Ticket) -> str:
    """Return what the customer wrote before anybody answered, as much of it as a request holds."""
    said = TicketMessage.objects.filter(ticket=ticket).exclude(kind=MessageKind.NOTE).order_by("pk")
    first: list[str] = []
    for kind, text in said.values_list("kind", "text"):
        if kind == MessageKind.STAFF:
            break
        first.append(text)
    return "\n\n".join(first)[:LONGEST_TEXT].strip()


def _order(ticket: Ticket, order_id: int | None) -> Order:
    wanted = ticket.order_id or order_id
    if wanted is not None:
        found: Order | None = Order.objects.filter(pk=wanted, customer=ticket.customer_id).first()
        if found is not None:
            return found
    raise Refused("The customer has no order with this number.", field="order")


def _open(order: Order, cause: Cause, description: str, staff: User, at: datetime) -> RefundRequest:
    try:
        return opening.open_by_staff(staff=staff, order_id=order.pk, cause=cause, description=description, at=at)
    except opening.AlreadyOpen as error:
        left: RefundRequest | None = RefundRequest.objects.filter(
            pk=error.number, opened_by=staff, cause=cause, description=description, tickets=None
        ).first()
        if left is None:
            raise
        return left
