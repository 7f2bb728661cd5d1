"""The tables below a ticket: the conversation, who asks, the order that it is about."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from orders.models import Order
from panel.accounts.admin.pages import Panel, amount, link, list_link, moment, nowrap
from panel.support import queries
from panel.support.models import MessageKind, Ticket, TicketMessage

_LATEST = 10
_SIDE = {MessageKind.CUSTOMER: "Customer", MessageKind.STAFF: "Staff"}
_NOTE = "Note, for staff only"


def of(request: HttpRequest, ticket: Ticket) -> list[Panel]:
    """Return what this member of staff may see, in a fixed number of queries."""
    found = [conversation(ticket), _customer(ticket)]
    if ticket.order is not None and request.user.has_perm("orders.view_order"):
        found.append(order(ticket.order))
    found.append(_others(ticket))
    return found


def conversation(ticket: Ticket) -> Panel:
    """Return all that was written, the latest first."""
    rows = [(nowrap(moment(message.at)), _who(message), lines(message.text)) for message in queries.with_notes(ticket)]
    return Panel("Conversation, the latest first", ("At (UTC)", "From", "Text"), rows)


def _who(message: TicketMessage) -> SafeString:
    words = format_html("<em>{}</em>", _NOTE) if message.is_note else _SIDE[MessageKind(message.kind)]
    author = message.author
    return format_html("{}<br>{}", link("accounts_user", author.pk, author.name or author.email), words)


def lines(text: str) -> SafeString:
    """Write a text as it was typed: its markup escaped, its line breaks kept, and no wider than the page."""
    typed = format_html_join(mark_safe("<br>"), "{}", ((line,) for line in text.split("\n")))
    return format_html('<div class="max-w-xl break-words">{}</div>', typed)


def _customer(ticket: Ticket) -> Panel:
    customer = ticket.customer
    age = timesince(customer.date_joined, timezone.now(), depth=1)
    who = {
        "Customer": link("accounts_user", customer.pk, customer),
        "Name": customer.name or "-",
        "Account since (UTC)": f"{moment(customer.date_joined)} ({age})",
        "Standing": customer.get_standing_display(),
        "Suspended": customer.suspension_reason if customer.is_suspended else "No",
        "Orders": list_link("orders_order", "All orders", q=customer.email),
        "Tickets": list_link("support_ticket", "All tickets", q=customer.email),
    }
    return Panel("The customer", list(who), [list(who.values())])


def order(found: Order) -> Panel:
    """Return the order that a ticket is about, in one row."""
    facts = {
        "Order": link("orders_order", found.pk, found.pk),
        "Service": found.service_name,
        "State": found.get_status_display(),
        "Placed (UTC)": moment(found.placed_at),
        "Quantity": f"{found.quantity:,}",
        "Remains": "-" if found.remains is None else f"{found.remains:,}",
        "Charge": nowrap(amount(found.charge)),
        "Refunded": nowrap(amount(found.refunded)),
    }
    return Panel("The order", list(facts), [list(facts.values())])


def _others(ticket: Ticket) -> Panel:
    latest: Iterable[Ticket] = Ticket.objects.filter(customer=ticket.customer_id).exclude(pk=ticket.pk)[:_LATEST]
    rows = [
        (
            link("support_ticket", other.pk, other.pk),
            moment(other.opened_at),
            other.get_kind_display(),
            other.subject,
            other.get_state_display(),
        )
        for other in latest
    ]
    return Panel("Other tickets of the customer", ("Ticket", "Opened (UTC)", "About", "Subject", "State"), rows)
