"""What staff write in a ticket: answers, which the customer gets by e-mail, and notes, which only staff read."""

from datetime import datetime

from django.db import transaction

from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Conflict
from panel.locking import busy_when_locked
from panel.notifications import outbox, ticket_letters
from panel.support import access, tickets
from panel.support.models import MessageKind, TicketMessage, TicketState
from panel.support.models.ticket import LONGEST_TEXT


class Closed(Conflict):
    """The ticket is closed; it has to be opened again first."""

    code = "ticket_closed"


def answer(*, ticket_id: int, staff: User, text: str, seen: int, at: datetime) -> TicketMessage:
    """Answer the customer; whoever does so takes over a ticket that nobody has.

    `seen` is the number of the latest message, notes aside, that the answer was written under: an answer sent twice,
    or across a message that its author has not read, is refused.

    Raises texts.BadText, access.NoSuchTicket, Forbidden (no permission, or one's own ticket), Closed,
    access.NotSeen, Busy.
    """
    text = texts.text(text, longest=LONGEST_TEXT)
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        if ticket.state == TicketState.CLOSED:
            raise Closed("This ticket was closed meanwhile. Open it again to answer.")
        access.require_seen(ticket, seen)
        said = TicketMessage.objects.create(ticket=ticket, kind=MessageKind.STAFF, author=staff, text=text, at=at)
        changed = ticket.become(TicketState.ANSWERED)
        if ticket.assignee_id is None:
            ticket.assignee = staff
            changed.append("assignee")
        ticket.save(update_fields=changed)
        if ticket.customer.is_active:
            letter = ticket_letters.ticket_answered(
                customer=ticket.customer,
                ticket_number=ticket.pk,
                message_number=said.pk,
                subject=ticket.subject,
                text=text,
                url=tickets.page(ticket.pk),
            )
            outbox.put([letter], at=at)
        return said


def note(*, ticket_id: int, staff: User, text: str, at: datetime) -> TicketMessage:
    """Leave a note that only staff read; the ticket waits as before.

    Raises texts.BadText, access.NoSuchTicket, Forbidden (no permission, or one's own ticket), Busy.
    """
    text = texts.text(text, longest=LONGEST_TEXT)
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.handled(ticket_id, staff)
        return TicketMessage.objects.create(ticket=ticket, kind=MessageKind.NOTE, author=staff, text=text, at=at)
