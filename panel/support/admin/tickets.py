"""Tickets as staff see them: the queue by when an answer is due, one ticket with all about it, and what to do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.timesince import timesince

from billing.admin.showing import Rows, ShowFilter, brief, every, number_in
from panel.accounts.admin.asking import staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, link, moment, nowrap, shown
from panel.support import access, refunding
from panel.support.admin import ticket_actions, ticket_panels
from panel.support.models import Ticket, TicketState
from refunds.models.request import DUE_SOON

COLORS = {TicketState.OPEN: "warning", TicketState.ANSWERED: "success", TicketState.CLOSED: ""}
# Buttons by the state that the ticket is in.
_OFFERED: Final = {
    TicketState.OPEN: {"answer", "note", "claim", "assign", "refund", "close"},
    TicketState.ANSWERED: {"answer", "note", "claim", "assign", "refund", "close"},
    TicketState.CLOSED: {"note", "reopen"},
}


def _open(rows: Rows) -> Rows:
    return rows.filter(Ticket.waiting())


def _overdue(rows: Rows) -> Rows:
    return rows.filter(Ticket.overdue(timezone.now()))


class TicketFilter(ShowFilter):
    """What waits for staff, by when it is due, unless something else is asked for."""

    first = "Waiting for us"
    narrow_first = _open
    others = {
        "mine": ("Mine", _open),
        "unassigned": ("Nobody's", lambda rows: _open(rows).filter(assignee=None)),
        "overdue": ("Overdue", _overdue),
        "answered": ("Answered", lambda rows: rows.filter(state=TicketState.ANSWERED)),
        "closed": ("Closed", lambda rows: rows.filter(state=TicketState.CLOSED)),
        "all": ("All", every),
    }

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Narrow the list; which ones are mine is known here only."""
        found = super().queryset(request, queryset)
        return found.filter(assignee=staff_of(request)) if self.value() == "mine" else found


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Nothing here is edited: customers write, and staff answer by the same use cases."""

    list_display = ("number", "asked", "about", "owner", "of_order", "state_label", "due", "holder", "opened")
    list_select_related = ("customer", "assignee")
    list_filter = (TicketFilter, "kind")
    search_fields = ("id",)
    search_help_text = "Number of the ticket or of its order, or whole e-mail address of the customer"
    fieldsets = (
        (
            "Ticket",
            {"fields": ("subject", ("kind", "state"), ("owner", "of_order"), ("assignee", "promise"), "of_request")},
        ),
        ("Course", {"fields": (("opened_at", "due_at"), ("closed_at", "closed_by"))}),
    )
    act_permission = access.PERMISSION
    actions_detail = ("answer", "note", "claim", "assign", "refund", "close", "reopen")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits by when it is due; the rest by the latest."""
        waiting = {None, "mine", "unassigned", "overdue"}
        return ("due_at", "id") if request.GET.get("show") in waiting else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        number = number_in(term.removeprefix("#"))
        return queryset.filter(Q(pk=number) | Q(order_id=number) if number is not None else Q(pk=None)), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits the ticket's state, and nothing on one's own tickets."""
        found = Ticket.objects.filter(pk=object_id).exclude(customer=staff_of(request)).first()
        if found is None:
            return []
        offered = set(_OFFERED[TicketState(found.state)])
        if found.assignee_id is not None:
            offered.discard("claim")
        if found.refund_request_id is not None or not request.user.has_perm(refunding.MAY_OPEN):
            offered.discard("refund")
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("support_ticket_") in offered]

    def panels(self, request: HttpRequest, obj: Ticket) -> Sequence[Panel]:
        return ticket_panels.of(request, obj)

    @shown(description="Ticket", ordering="id")
    def number(self, ticket: Ticket) -> str:
        return str(ticket.pk)

    @shown(description="Subject")
    def asked(self, ticket: Ticket) -> str:
        return brief(ticket.subject)

    @shown(description="About", ordering="kind")
    def about(self, ticket: Ticket) -> str:
        return nowrap(ticket.get_kind_display())

    @shown(description="Customer")
    def owner(self, ticket: Ticket) -> object:
        return link("accounts_user", ticket.customer_id, ticket.customer)

    @shown(description="Order")
    def of_order(self, ticket: Ticket) -> object:
        return link("orders_order", ticket.order_id, ticket.order_id)

    @shown(description="Refund request")
    def of_request(self, ticket: Ticket) -> object:
        return link("refunds_refundrequest", ticket.refund_request_id, ticket.refund_request_id)

    @shown(description="State", label=COLORS)
    def state_label(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.state, ticket.get_state_display()

    @shown(description="Answer due", ordering="due_at", label={"overdue": "danger", "soon": "warning", "": ""})
    def due(self, ticket: Ticket) -> tuple[str, str]:
        return urgency(ticket, timezone.now())

    @shown(description="Answer due")
    def promise(self, ticket: Ticket) -> str:
        return urgency(ticket, timezone.now())[1]

    @shown(description="Assigned to", ordering="assignee__email")
    def holder(self, ticket: Ticket) -> str:
        return (ticket.assignee.name or ticket.assignee.email) if ticket.assignee else "-"

    @shown(description="Opened (UTC)", ordering="opened_at")
    def opened(self, ticket: Ticket) -> str:
        return nowrap(moment(ticket.opened_at))

    @detail_action(description="Answer…", permissions=["act"], icon="reply")
    def answer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.answer(self, request, self.found(request, object_id))

    @detail_action(description="Note…", permissions=["act"], icon="sticky_note_2")
    def note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.note(self, request, self.found(request, object_id))

    @detail_action(description="Claim…", permissions=["act"], icon="back_hand")
    def claim(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.claim(self, request, self.found(request, object_id))

    @detail_action(description="Assign…", permissions=["act"], icon="person_add")
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.assign(self, request, self.found(request, object_id))

    @detail_action(description="Refund request…", permissions=["act"], icon="currency_exchange")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.refund(self, request, self.found(request, object_id))

    @detail_action(description="Close…", permissions=["act"], icon="check")
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.close(self, request, self.found(request, object_id))

    @detail_action(description="Open again…", permissions=["act"], icon="undo")
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ticket_actions.reopen(self, request, self.found(request, object_id))


def urgency(ticket: Ticket, now: datetime) -> tuple[str, str]:
    """Return how urgent an answer is (`overdue`, `soon` or nothing), and how far off it is due."""
    if ticket.due_at is None:
        return "", "-"
    if ticket.due_at <= now:
        return "overdue", f"Overdue by {timesince(ticket.due_at, now, depth=1)}"
    left = f"in {timesince(now, ticket.due_at, depth=1)}"
    return ("soon" if ticket.due_at <= now + DUE_SOON else ""), left
