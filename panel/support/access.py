"""Who may do what about tickets, below every page: customers about their own, staff about others'."""

from datetime import datetime, timedelta
from typing import Final

from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound
from panel.support.models import MessageKind, Ticket, TicketMessage
from refunds import publishing

PERMISSION: Final = "support.change_ticket"


class NoSuchTicket(NotFound):
    """There is no such ticket, or it is somebody else's."""

    code = "ticket_not_found"


class NotSeen(Conflict):
    """Somebody wrote after the conversation was looked at, so what was to be done may no longer fit."""

    code = "ticket_message_not_seen"


def own(ticket_id: int, customer: User) -> Ticket:
    """Return the customer's ticket, locked. Raises NoSuchTicket, also for somebody else's."""
    found: Ticket | None = Ticket.objects.locked().filter(pk=ticket_id, customer=customer).first()
    if found is None:
        raise NoSuchTicket("You have no such ticket.")
    return found


def handled(ticket_id: int, staff: User) -> Ticket:
    """Return a ticket for this member of staff to handle, locked. Raises NoSuchTicket, Forbidden."""
    require_staff(staff)
    found: Ticket | None = Ticket.objects.locked().filter(pk=ticket_id).first()
    if found is None:
        raise NoSuchTicket("There is no such ticket.")
    if found.customer_id == staff.pk:
        raise Forbidden("Nobody handles a ticket of an own account.")
    return found


def latest(ticket: Ticket) -> int:
    """Return the number of the latest message between customer and staff."""
    said = TicketMessage.objects.filter(ticket=ticket).exclude(kind=MessageKind.NOTE)
    found: int = said.order_by("-pk").values_list("pk", flat=True)[0]
    return found


def require_seen(ticket: Ticket, seen: int) -> None:
    """Raise NotSeen when something was written after the message `seen`; the ticket is locked."""
    if latest(ticket) != seen:
        raise NotSeen("Somebody has written meanwhile. Please read the conversation below and send again.")


def require_staff(person: User) -> None:
    """Raise Forbidden for everybody who may not handle tickets."""
    if not may_handle(person):
        raise Forbidden("Tickets are handled by staff with the permission for it.")


def may_handle(person: User) -> bool:
    """Whether this is a member of staff who may handle tickets."""
    return person.is_staff and person.has_perm(PERMISSION)


def answer_due(at: datetime) -> datetime:
    """Return by when a message of this moment is answered, as the policy in force promises.

    Raises publishing.NoPolicyInForce.
    """
    return at + timedelta(hours=publishing.version_in_force(at).policy.contact.response_hours)
