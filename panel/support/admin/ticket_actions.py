"""What staff do about a ticket: answer, note, claim, assign, close, open again, ask for a refund."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator

from orders.models import Cause
from panel.accounts.admin.asking import NoQuestions, Question, ask, staff_of
from panel.accounts.admin.pages import Panel, StaffAdmin
from panel.accounts.models import User
from panel.support import access, answering, handling, placeholders, queries, refunding
from panel.support.admin import ticket_forms, ticket_panels
from panel.support.models import SavedReply, Ticket, TicketKind

_SEEN = "_last"  # the latest message that the page shows; sent back with the form
_GLIMPSE = 100


def answer(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask for the answer, which may begin with a saved reply, and send it to the customer."""
    chosen = request.GET.get("reply", "")
    reply = SavedReply.objects.filter(pk=int(chosen)).first() if _is_number(chosen) else None
    begun = "" if reply is None else _filled(reply, ticket)
    if begun is None:
        messages.warning(request, "This reply names the order, and the ticket is about none.")

    def act(given: dict[str, Any]) -> str:
        seen, staff = _seen(request), staff_of(request)
        answering.answer(ticket_id=ticket.pk, staff=staff, text=given["text"], seen=seen, at=timezone.now())
        return f"The answer to {ticket.customer} is sent."

    question = Question(
        title=f"Answer ticket {ticket.pk}: {ticket.subject}",
        lead=f"{ticket.customer} reads this on the page of the ticket and gets it by e-mail.",
        submit="Send the answer",
        form=ticket_forms.writing(label="Answer", hint="Sent as typed.", initial=begun or ""),
        act=act,
        about=ticket,
        panels=[ticket_panels.conversation(ticket), _replies(ticket)],
        back=_back(ticket),
        carried=[(_SEEN, str(access.latest(ticket)))],
    )
    return ask(page, request, question)


def note(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask for a note that only staff read."""

    def act(given: dict[str, Any]) -> str:
        answering.note(ticket_id=ticket.pk, staff=staff_of(request), text=given["text"], at=timezone.now())
        return "The note is kept."

    question = Question(
        title=f"Note on ticket {ticket.pk}: {ticket.subject}",
        lead="Only staff read this. The ticket waits as before.",
        submit="Keep the note",
        form=ticket_forms.writing(label="Note", hint="The customer never sees it."),
        act=act,
        about=ticket,
        panels=[ticket_panels.conversation(ticket)],
        back=_back(ticket),
    )
    return ask(page, request, question)


def claim(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask whether to take the ticket."""

    def act(_given: dict[str, Any]) -> str:
        handling.claim(ticket_id=ticket.pk, staff=staff_of(request))
        return f"Ticket {ticket.pk} is yours."

    question = Question(
        title=f"Claim ticket {ticket.pk}: {ticket.subject}",
        lead="It is then shown as yours, and colleagues leave it to you.",
        submit="Claim it",
        act=act,
        about=ticket,
        back=_back(ticket),
    )
    return ask(page, request, question)


def assign(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask who is to have the ticket."""
    staff = [person for person in queries.who_may_handle() if person.pk != ticket.customer_id]
    by_number = {str(person.pk): person for person in staff}

    def act(given: dict[str, Any]) -> str:
        to: User | None = by_number.get(given["assignee"])
        handling.assign(ticket_id=ticket.pk, to=to, staff=staff_of(request))
        return f"Ticket {ticket.pk} is assigned to {to}." if to else f"Ticket {ticket.pk} is back in the queue."

    question = Question(
        title=f"Assign ticket {ticket.pk}: {ticket.subject}",
        submit="Assign it",
        form=ticket_forms.assigning(staff, current=ticket.assignee_id),
        act=act,
        about=ticket,
        back=_back(ticket),
    )
    return ask(page, request, question)


def close(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask whether the ticket is done with."""

    def act(_given: dict[str, Any]) -> str:
        handling.close(ticket_id=ticket.pk, staff=staff_of(request), seen=_seen(request), at=timezone.now())
        return f"Ticket {ticket.pk} is closed."

    question = Question(
        title=f"Close ticket {ticket.pk}: {ticket.subject}",
        lead="Nobody is told. If the customer writes in it, it is open again.",
        submit="Close it",
        form=NoQuestions,
        act=act,
        about=ticket,
        panels=[ticket_panels.conversation(ticket)],
        back=_back(ticket),
        carried=[(_SEEN, str(access.latest(ticket)))],
    )
    return ask(page, request, question)


def reopen(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask whether the ticket is to wait for staff again."""

    def act(_given: dict[str, Any]) -> str:
        handling.reopen(ticket_id=ticket.pk, staff=staff_of(request), at=timezone.now())
        return f"Ticket {ticket.pk} is open again."

    question = Question(
        title=f"Open ticket {ticket.pk} again: {ticket.subject}",
        lead="It waits for an answer as if it had come just now.",
        submit="Open it again",
        act=act,
        about=ticket,
        panels=[ticket_panels.conversation(ticket)],
        back=_back(ticket),
    )
    return ask(page, request, question)


def refund(page: StaffAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ask for the cause, and open a refund request with what the customer wrote."""
    orders = [ticket.order] if ticket.order else queries.recent_orders(ticket.customer)

    def act(given: dict[str, Any]) -> str:
        opened = refunding.turn_into_request(
            ticket_id=ticket.pk,
            order_id=int(given["order"]) if "order" in given else None,
            cause=Cause(given["cause"]),
            staff=staff_of(request),
            at=timezone.now(),
        )
        return f"Refund request {opened.pk} about order {opened.order_id} is open. The customer is told by e-mail."

    carried = Panel("Carried over as the description", (), [(ticket_panels.lines(refunding.words(ticket)),)])
    question = Question(
        title=f"Turn ticket {ticket.pk} into a refund request: {ticket.subject}",
        lead="The request waits in the queue of the refund desk. The ticket stays open until it is answered or closed.",
        submit="Open the request",
        form=ticket_forms.turning(orders, is_fixed=ticket.order is not None),
        act=act,
        about=ticket,
        panels=[carried, *([ticket_panels.order(ticket.order)] if ticket.order else [])],
        back=_back(ticket),
    )
    return ask(page, request, question)


def _replies(ticket: Ticket) -> Panel:
    """Return the saved replies, each with a link that begins the answer with it."""
    address = reverse("admin:support_ticket_answer", args=[ticket.pk])
    rows = [
        (
            format_html('<a href="{}?reply={}" class="text-link">{}</a>', address, reply.pk, reply.title),
            Truncator(reply.text).chars(_GLIMPSE),
        )
        for reply in queries.replies_for(TicketKind(ticket.kind))
    ]
    note = "Begin the answer with one of these, and change it as you like. What you have typed above is lost."
    return Panel("Saved replies", ("Begin with", "Text"), rows, note=note)


def _filled(reply: SavedReply, ticket: Ticket) -> str | None:
    """Return the reply with what the ticket says, or None when it needs an order and there is none."""
    if placeholders.needs_order(reply.text) and ticket.order_id is None:
        return None
    values = {
        "name": ticket.customer.name or "there",
        "order": str(ticket.order_id),
        "panel": settings.PANEL_NAME,
    }
    return placeholders.filled(reply.text, values)


def _seen(request: HttpRequest) -> int:
    """Return the latest message that the sent page showed; 0, which fits no message, for nonsense."""
    number = request.POST.get(_SEEN, "")
    return int(number) if _is_number(number) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18  # noqa: PLR2004 - what the database holds


def _back(ticket: Ticket) -> str:
    return reverse("admin:support_ticket_change", args=[ticket.pk])
