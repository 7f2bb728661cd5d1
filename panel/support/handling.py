"""What staff do with a ticket beside writing: take it, give it to somebody, close it, open it again."""

from datetime import datetime

from django.db import transaction

from panel.accounts.models import User
from panel.kernel.errors import Conflict, Refused
from panel.locking import busy_when_locked
from panel.support import access
from panel.support.models import Ticket, TicketState


class Taken(Conflict):
    """A colleague has it."""

    code = "ticket_taken"


class AlreadySo(Conflict):
    """It is as asked for already."""

    code = "ticket_already_so"


def claim(*, ticket_id: int, staff: User) -> Ticket:
    """Take over a ticket that nobody has; one's own already stays so.

    Raises access.NoSuchTicket, Forbidden (no permission, or one's own account's ticket), Taken, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if ticket.assignee_id not in {None, staff.pk}:
            raise Taken(f"{ticket.assignee} has taken this ticket. Assign it to yourself to take it over.")
        return _assigned(ticket, staff)


def assign(*, ticket_id: int, to: User | None, staff: User) -> Ticket:
    """Give a ticket to a member of staff who may handle it, or back to the queue (`to` is None).

    Raises Refused (such a person can't handle it), access.NoSuchTicket, Forbidden, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if to is not None and not access.may_handle(to):
            raise Refused("This person may not handle tickets.", field="assignee")
        if to is not None and to.pk == ticket.customer_id:
            raise Refused("Nobody handles a ticket of an own account.", field="assignee")
        return _assigned(ticket, to)


def close(*, ticket_id: int, staff: User, seen: int, at: datetime) -> Ticket:
    """Close a ticket; the customer can open it again by writing in it.

    `seen` is the number of the latest message, notes aside: nothing is closed across what nobody has read.

    Raises access.NoSuchTicket, Forbidden (no permission, or one's own account's ticket), AlreadySo, access.NotSeen,
    Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if ticket.state == TicketState.CLOSED:
            raise AlreadySo("This ticket is closed already.")
        access.require_seen(ticket, seen)
        ticket.save(update_fields=ticket.close(by=staff, at=at))
        return ticket


def reopen(*, ticket_id: int, staff: User, at: datetime) -> Ticket:
    """Open a closed ticket again; it waits for staff, who are due to answer it as if it had come now.

    Raises access.NoSuchTicket, Forbidden (no permission, or one's own account's ticket), AlreadySo,
    publishing.NoPolicyInForce, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if ticket.state != TicketState.CLOSED:
            raise AlreadySo("This ticket is not closed.")
        ticket.save(update_fields=ticket.become(TicketState.OPEN, due_at=access.answer_due(at)))
        return ticket


def _assigned(ticket: Ticket, to: User | None) -> Ticket:
    ticket.assignee = to
    ticket.save(update_fields=["assignee"])
    return ticket
