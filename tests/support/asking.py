"""Tickets as customers open them, and what became of the people around them."""

from datetime import datetime
from uuid import UUID, uuid4

from panel.accounts.models import User
from panel.notifications.models import Email
from panel.support import access, answering, handling, tickets
from panel.support.models import Ticket, TicketKind, TicketMessage
from tests.factories import AT

SUBJECT, TEXT = "Where is my order?", "It has not moved since Friday."


def ask(
    customer: User,
    *,
    kind: TicketKind = TicketKind.ORDER,
    subject: str = SUBJECT,
    text: str = TEXT,
    order_id: int | None = None,
    key: UUID | None = None,
    at: datetime = AT,
) -> Ticket:
    """Open a ticket."""
    return tickets.open(
        customer=customer, kind=kind, subject=subject, text=text, order_id=order_id, key=key or uuid4(), at=at
    )


def reply(ticket: Ticket, text: str = "Still nothing.", *, key: UUID | None = None, at: datetime = AT) -> TicketMessage:
    """Write more, as the ticket's customer."""
    return tickets.reply(ticket_id=ticket.pk, customer=ticket.customer, text=text, key=key or uuid4(), at=at)


def answer(ticket: Ticket, staff: User, text: str = "It is under way.", *, at: datetime = AT) -> TicketMessage:
    """Answer what stands there now."""
    return answering.answer(ticket_id=ticket.pk, staff=staff, text=text, seen=access.latest(ticket), at=at)


def close(ticket: Ticket, staff: User, *, at: datetime = AT) -> Ticket:
    """Close the ticket as it stands there now."""
    return handling.close(ticket_id=ticket.pk, staff=staff, seen=access.latest(ticket), at=at)


def texts(ticket: Ticket) -> list[tuple[str, str]]:
    """Return who said what, oldest first."""
    return list(TicketMessage.objects.filter(ticket=ticket).order_by("pk").values_list("kind", "text"))


def letters_to(customer: User) -> list[str]:
    """Return the templates of the e-mails to a customer, oldest first."""
    return list(Email.objects.filter(customer=customer).order_by("pk").values_list("template", flat=True))
