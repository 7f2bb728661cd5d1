"""Tickets as their customers handle them: open one, write more, say that it is settled.

A form carries a key: sent twice, it does once what it asks, and the second time answers what the first one did.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from orders.models import Order
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Conflict, Refused
from panel.locking import busy_when_locked
from panel.notifications import outbox, ticket_letters
from panel.support import access
from panel.support.models import MessageKind, Ticket, TicketKind, TicketMessage, TicketState
from panel.support.models.ticket import LONGEST_SUBJECT, LONGEST_TEXT

MOST_OPEN: Final = 20
MOST_MESSAGES: Final = 200


class SentBefore(Conflict):
    """The form was used for something else before; nothing was sent now."""

    code = "ticket_form_sent_before"


class TooMany(Refused):
    """So much waits for staff already that more would not help."""

    code = "too_many_tickets"


class NoSuchOrder(Refused):
    """The customer has no order with this number."""

    code = "ticket_order_unknown"


def open(  # noqa: A001 - read at call sites as tickets.open
    *, customer: User, kind: TicketKind, subject: str, text: str, order_id: int | None, key: UUID, at: datetime
) -> Ticket:
    """Open a ticket with its first message, and confirm it by e-mail. The same `key` again returns the same ticket.

    Raises texts.BadText, NoSuchOrder (also for somebody else's), TooMany, SentBefore, publishing.NoPolicyInForce,
    Busy.
    """
    subject = texts.line(subject, longest=LONGEST_SUBJECT, field="subject")
    text = texts.text(text, longest=LONGEST_TEXT)
    with busy_when_locked(), transaction.atomic(durable=True):
        # Taking turns by customer is what makes two sendings of a form, and the limit, count each other.
        User.objects.select_for_update(no_key=True).get(pk=customer.pk)
        found: Ticket | None = Ticket.objects.filter(key=key).first()
        if found is not None:
            return _same(found, customer, (kind, subject, order_id), text)
        if Ticket.objects.filter(customer=customer, state=TicketState.OPEN).count() >= MOST_OPEN:
            raise TooMany(f"{MOST_OPEN} tickets of yours wait for an answer already. Please write more in one of them.")
        order, due_at = _own_order(customer, order_id), access.answer_due(at)
        ticket = Ticket.objects.create(
            key=key,
            customer=customer,
            kind=kind,
            subject=subject,
            order=order,
            opened_at=at,
            due_at=due_at,
        )
        TicketMessage.objects.create(
            key=key, ticket=ticket, kind=MessageKind.CUSTOMER, author=customer, text=text, at=at
        )
        letter = ticket_letters.ticket_received(
            customer=customer,
            ticket_number=ticket.pk,
            subject=subject,
            text=text,
            answer_by=due_at,
            url=page(ticket.pk),
        )
        outbox.put([letter], at=at)
        return ticket


def reply(*, ticket_id: int, customer: User, text: str, key: UUID, at: datetime) -> TicketMessage:
    """Write more. A ticket that does not wait for staff does so again, one that was closed included.

    Raises texts.BadText, access.NoSuchTicket, TooMany, SentBefore, publishing.NoPolicyInForce, Busy.
    """
    text = texts.text(text, longest=LONGEST_TEXT)
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.own(ticket_id, customer)
        found = TicketMessage.objects.filter(key=key).first()
        if found is not None:
            if (found.ticket_id, found.author_id, found.text) != (ticket.pk, customer.pk, text):
                raise SentBefore("This form was sent before. Nothing was sent now; send it again to add this as well.")
            return found
        if TicketMessage.objects.filter(ticket=ticket).count() >= MOST_MESSAGES:
            raise TooMany("This conversation has become very long. Please open a new ticket.")
        if ticket.state != TicketState.OPEN:
            ticket.save(update_fields=ticket.become(TicketState.OPEN, due_at=access.answer_due(at)))
        return TicketMessage.objects.create(
            key=key, ticket=ticket, kind=MessageKind.CUSTOMER, author=customer, text=text, at=at
        )


def settle(*, ticket_id: int, customer: User, at: datetime) -> Ticket:
    """Close a ticket because its customer needs no answer any more. Doing so twice changes nothing.

    Raises access.NoSuchTicket, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        ticket = access.own(ticket_id, customer)
        if ticket.state != TicketState.CLOSED:
            ticket.save(update_fields=ticket.close(by=customer, at=at))
        return ticket


def page(ticket_id: int) -> str:
    """Return the address of a ticket's page for its customer."""
    return f"/support/{ticket_id}/"


def _same(found: Ticket, customer: User, asked: tuple[TicketKind, str, int | None], text: str) -> Ticket:
    first = TicketMessage.objects.filter(key=found.key).values_list("text", flat=True).first()
    if found.customer_id != customer.pk or (found.kind, found.subject, found.order_id) != asked or first != text:
        raise SentBefore("This form was sent before. Nothing was sent now; send it again to ask this as well.")
    return found


def _own_order(customer: User, order_id: int | None) -> Order | None:
    if order_id is None:
        return None
    found: Order | None = Order.objects.filter(customer=customer, pk=order_id).first()
    if found is None:
        raise NoSuchOrder("You have no order with this number.", field="order")
    return found
