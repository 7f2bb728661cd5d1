"""Refund requests after they were sent: the list, the page of one, writing, asking for haste, taking it back."""

from datetime import datetime, timedelta
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from panel.kernel.errors import Conflict, NotFound, PanelError
from panel.locking import busy_when_locked
from panel.web import large_forms, live, refund_queries, refund_words, typed
from panel.web.large_forms import Excess
from panel.web.people import signed_in
from panel.web.refund_queries import Told
from refunds.desk import talking
from refunds.models.request import LONGEST_NOTE, LONGEST_TEXT

_WATCHED_FOR: Final = timedelta(minutes=15)
_MOST_OF_A_FORM: Final = 2_000_000


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the customer's requests."""
    before, now = typed.number(request.GET.get("before")), timezone.now()
    page = refund_queries.requests_page(signed_in(request), before=before)
    rows = [
        {
            "request": found,
            "label": refund_words.label(found),
            "reason": refund_words.reason(found),
            "is_late": refund_words.is_late(found, at=now),
        }
        for found in page.requests
    ]
    return render(request, "web/refund_requests.html", {"rows": rows, "page": page, "is_first": before is None})


@never_cache
@live.signed_in_only
@require_safe
def refund_request(request: HttpRequest, number: int) -> HttpResponse:
    """Tell one request: where it stands, until when it is answered, and what happened."""
    now, told = timezone.now(), _told(request, number)
    if not live.is_asked(request):
        return _page(request, told, now)
    since = typed.number(request.GET.get("since")) or 0
    context = {**_context(told, now, since=since), "is_news": True}
    if live.age(str(since), at=now) >= _WATCHED_FOR:
        part = render(request, "web/parts/refund_request.html", {**context, "is_watched": False})
        return HttpResponseStopPolling(part.content)
    if request.GET.get("seen") == context["seen"]:
        return live.unchanged()
    return render(request, "web/parts/refund_request.html", context)


def _far_too_long(request: HttpRequest, _excess: Excess, number: int) -> HttpResponse:
    said = "This is far too long to be read. Go back in your browser to shorten it."
    return _page(request, _told(request, number), timezone.now(), errors={"form": said}, status=422)


@never_cache
@login_required
@large_forms.answered(_far_too_long, most=_MOST_OF_A_FORM)
@require_POST
def message(request: HttpRequest, number: int) -> HttpResponse:
    """Add what the customer writes; it answers an open question."""
    text, now = request.POST.get("text", ""), timezone.now()
    try:
        with busy_when_locked():
            talking.message(request_id=number, customer=signed_in(request), text=text, at=now)
    except PanelError as error:
        return _refused(request, number, error, field="text", typed=text)
    messages.success(request, "We have your message.")
    return redirect("refund-request", number=number)


@never_cache
@login_required
@large_forms.answered(_far_too_long, most=_MOST_OF_A_FORM)
@require_POST
def expedite(request: HttpRequest, number: int) -> HttpResponse:
    """Ask for an answer sooner than promised, with the reason."""
    reason, now = request.POST.get("reason", ""), timezone.now()
    try:
        with busy_when_locked():
            talking.expedite(request_id=number, customer=signed_in(request), reason=reason, at=now)
    except PanelError as error:
        return _refused(request, number, error, field="reason", typed=reason)
    messages.success(request, "Our staff see that you need an earlier answer, and why.")
    return redirect("refund-request", number=number)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Ask whether to take the request back; on the answer, do so."""
    now = timezone.now()
    if request.method == "POST":
        try:
            with busy_when_locked():
                talking.withdraw(request_id=number, customer=signed_in(request), at=now)
        except NotFound as error:
            raise Http404 from error
        except PanelError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"You took request {number} back.")
        return redirect("refund-request", number=number)
    told = _told(request, number)
    if not refund_words.standing(told, at=now).may_withdraw:
        messages.error(request, "This request can't be taken back.")
        return redirect("refund-request", number=number)
    return render(request, "web/refund_request_withdraw.html", {"refund_request": told.request})


def _told(request: HttpRequest, number: int) -> Told:
    told = refund_queries.told(signed_in(request), number)
    if told is None:
        raise Http404
    return told


def _refused(request: HttpRequest, number: int, error: PanelError, *, field: str, typed: str) -> HttpResponse:
    """Show the page again with what was typed; what is not a fault of the field is said above everything."""
    if isinstance(error, NotFound):
        raise Http404 from error
    where = field if error.field == field else "form"
    status = 409 if isinstance(error, Conflict) else 422
    told = _told(request, number)
    return _page(request, told, timezone.now(), typed={field: typed}, errors={where: error.message}, status=status)


def _page(
    request: HttpRequest,
    told: Told,
    at: datetime,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **_context(told, at, since=int(at.timestamp())),
        "typed": typed or {},
        "errors": errors or {},
        "longest": LONGEST_TEXT,
        "longest_reason": LONGEST_NOTE,
    }
    return render(request, "web/refund_request.html", context, status=status)


def _context(told: Told, at: datetime, *, since: int) -> dict[str, object]:
    standing = refund_words.standing(told, at=at)
    return {
        "refund_request": told.request,
        "order": told.request.order,
        "reason": refund_words.reason(told.request),
        "standing": standing,
        "steps": refund_words.steps(told, told.request.order),
        "files": told.files,
        "is_watched": standing.is_open,
        "seen": standing.fingerprint,
        "since": since,
    }
