"""The customer's tickets: the list, opening one, and the conversation."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from panel.kernel.errors import Conflict, NotFound, PanelError, Refused
from panel.support import queries, tickets
from panel.support.models import Ticket, TicketKind, TicketState
from panel.web import typed
from panel.web.people import signed_in


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds, as typed. `order` is chosen from the list, `number` written by hand."""

    kind: str = ""
    order: str = ""
    number: str = ""
    subject: str = ""
    text: str = ""


_FIELDS: Final = tuple(field.name for field in fields(Draft))


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the customer's tickets."""
    before = typed.number(request.GET.get("before"))
    page = queries.tickets_page(signed_in(request), before=before)
    return render(request, "web/tickets.html", {"page": page, "is_first": before is None})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, filled in as its address says, or open the ticket that it holds and go to its page."""
    if request.method != "POST":
        asked = Draft(kind=request.GET.get("kind", ""), order=request.GET.get("order", ""))
        return _form(request, asked, uuid4(), errors={})
    draft = Draft(**{field: request.POST.get(field, "") for field in _FIELDS})
    key = typed.key(request.POST.get("key"))
    if key is None:
        return _form(request, draft, uuid4(), errors={"form": "Please send the form once more."}, status=409)
    try:
        opened = _open(request, draft, key, timezone.now())
    except tickets.SentBefore as error:
        return _form(request, draft, uuid4(), errors={"form": error.message}, status=409)
    except PanelError as error:
        where = error.field if error.field in _FIELDS else "form"
        return _form(request, draft, key, errors={where: error.message}, status=_status(error))
    messages.success(request, "We have your message. You get the answer here and by e-mail.")
    return redirect("ticket", ticket_id=opened.pk)


@never_cache
@login_required
@require_safe
def ticket(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Show one ticket with the whole conversation."""
    return _page(request, _found(request, ticket_id), uuid4())


@never_cache
@login_required
@require_POST
def reply(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Add what the customer writes; a closed ticket is open again by that."""
    written, key = request.POST.get("text", ""), typed.key(request.POST.get("key"))
    found = _found(request, ticket_id)
    if key is None:
        return _page(request, found, uuid4(), text=written, error="Please send the form once more.", status=409)
    customer = signed_in(request)
    try:
        tickets.reply(ticket_id=found.pk, customer=customer, text=written, key=key, at=timezone.now())
    except tickets.SentBefore as error:
        return _page(request, found, uuid4(), text=written, error=error.message, status=409)
    except PanelError as error:
        return _page(request, found, key, text=written, error=error.message, status=_status(error))
    messages.success(request, "We have your message. You get the answer here and by e-mail.")
    return redirect("ticket", ticket_id=found.pk)


@never_cache
@login_required
@require_POST
def settle(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Close the ticket, because the customer says that it is settled."""
    try:
        tickets.settle(ticket_id=ticket_id, customer=signed_in(request), at=timezone.now())
    except NotFound as error:
        raise Http404 from error
    except PanelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The ticket is closed. If you write in it, it is open again.")
    return redirect("ticket", ticket_id=ticket_id)


def _open(request: HttpRequest, draft: Draft, key: UUID, at: datetime) -> Ticket:
    if draft.kind not in TicketKind.values:
        raise Refused("Please choose what it is about.", field="kind")
    return tickets.open(
        customer=signed_in(request),
        kind=TicketKind(draft.kind),
        subject=draft.subject,
        text=draft.text,
        order_id=_order_id(draft),
        key=key,
        at=at,
    )


def _order_id(draft: Draft) -> int | None:
    """Return the order that is meant, if any; what was written by hand counts as much as what was chosen."""
    chosen, by_hand = draft.order.strip(), draft.number.strip().removeprefix("#")
    if chosen and by_hand and chosen != by_hand:
        raise Refused("Choose an order or write its number, not both.", field="number")
    if not (chosen or by_hand):
        return None
    number = typed.number(chosen or by_hand)
    if number is None:
        raise Refused("An order's number has digits only, such as 1234.", field="number" if by_hand else "order")
    return number


def _found(request: HttpRequest, ticket_id: int) -> Ticket:
    found = queries.ticket(signed_in(request), ticket_id)
    if found is None:
        raise Http404
    return found


def _status(error: PanelError) -> int:
    return 409 if isinstance(error, Conflict) else 422


def _form(request: HttpRequest, draft: Draft, key: UUID, *, errors: dict[str, str], status: int = 200) -> HttpResponse:
    orders = queries.recent_orders(signed_in(request))
    if "order" in errors and (draft.number or len(orders) == queries.RECENT_ORDERS):
        errors = {**errors, "number": errors["order"]}
    context = {
        "draft": draft,
        "kinds": TicketKind.choices,
        "orders": orders,
        "may_be_older": len(orders) == queries.RECENT_ORDERS,
        "key": str(key),
        "errors": errors,
    }
    return render(request, "web/ticket_new.html", context, status=status)


def _page(
    request: HttpRequest, found: Ticket, key: UUID, *, text: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "ticket": found,
        "conversation": queries.conversation(found),
        "is_late": found.due_at is not None and found.due_at <= timezone.now(),
        "is_closed": found.state == TicketState.CLOSED,
        "key": str(key),
        "text": text,
        "error": error,
    }
    return render(request, "web/ticket.html", context, status=status)
