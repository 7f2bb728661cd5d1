"""Asking for a refund: choosing the order, what the policy says while the form is filled in, and sending it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orders.canceling import OrderNotFound
from orders.models import Order
from panel.kernel import money
from panel.kernel.errors import Conflict, PanelError, Refused
from panel.locking import busy_when_locked
from panel.web import canceling, large_forms, live, local_time, queries, refund_queries, refund_quotes, typed
from panel.web.canceling import Way
from panel.web.large_forms import Excess
from panel.web.people import signed_in
from refunds.desk import causes, opening
from refunds.desk.opening import AlreadyOpen, AnsweredBefore, QuoteChanged
from refunds.models import RefundRequest, RequestState
from refunds.models.request import LONGEST_TEXT
from refunds.uploads import MOST_BYTES, MOST_FILES, Kind, Upload

_FIELDS: Final = ("cause", "description", "files")
_ROOM_FOR_TEXT: Final = 2_000_000
_MOST_OF_A_FORM: Final = MOST_FILES * MOST_BYTES + _ROOM_FOR_TEXT
_TOO_LARGE: Final = {
    Excess.TEXT: f"This text is far too long to be read; the most is {LONGEST_TEXT:,} characters.",
    Excess.FILES: f"This is far more than {MOST_FILES} files of up to {MOST_BYTES // 1024**2} MB each.",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the form as they were filled in; browsers don't let files be filled in again."""

    cause: str = ""
    description: str = ""


def _too_large(request: HttpRequest, excess: Excess) -> HttpResponse:
    number = typed.number(request.GET.get("order"))  # not from the body, which can't be read
    order = None if number is None else queries.order(signed_in(request), number)
    if order is None:
        raise Http404
    field = "description" if excess is Excess.TEXT else "files"
    said = f"{_TOO_LARGE[excess]} Nothing of the form was kept: go back in your browser to mend it."
    return _form(request, order, Draft(), uuid4(), errors={field: said}, status=422)


@never_cache
@login_required
@large_forms.answered(_too_large, most=_MOST_OF_A_FORM)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form for one order, or open the request that it holds and go to its page."""
    asked = (request.GET.get("order") or request.POST.get("order") or "").strip().removeprefix("#")
    number = typed.number(asked)
    if number is None:
        return _pick(request, asked)
    order = queries.order(signed_in(request), number)
    if order is None:
        raise Http404
    offer = canceling.offer(order, queries.cancel_request(order), signed_in(request), timezone.now())
    if offer.way is Way.AT_ONCE:
        messages.info(request, f"Order {order.pk} is still pending: cancel it instead.")
        return redirect("order-cancel", order_id=order.pk)
    if request.method == "POST":
        return _sent(request, order)
    already = refund_queries.open_about(order)
    if already is not None:
        messages.info(request, f"Request {already} about this order is open already.")
        return redirect("refund-request", number=already)
    return _form(request, order, Draft(cause=request.GET.get("cause", "")), uuid4())


@never_cache
@live.signed_in_only
@require_safe
def quote(request: HttpRequest) -> HttpResponse:
    """Return the part of the form that says what the policy says; asked for whenever another cause is chosen."""
    if not live.is_asked(request):
        return redirect(f"{reverse('refund-request-new')}?{request.GET.urlencode()}")
    customer, number = signed_in(request), typed.number(request.GET.get("order"))
    order = None if number is None else queries.order(customer, number)
    if order is None:
        raise Http404
    shown = refund_quotes.shown(customer, order, request.GET.get("cause", ""), at=timezone.now())
    context = {"order": order, "shown": shown, "version": _version(shown)}
    return render(request, "web/parts/refund_quote_live.html", context)


def _sent(request: HttpRequest, order: Order) -> HttpResponse:
    """Answer a form that was sent: once for each key."""
    draft = Draft(request.POST.get("cause", ""), request.POST.get("description", ""))
    key = typed.key(request.POST.get("key"))
    before = None if key is None else refund_queries.by_key(key)
    if before is not None and before.customer_id == request.user.pk:
        messages.info(request, f"Request {before.pk} was sent already; nothing was sent again.")
        return redirect("refund-request", number=before.pk)
    if key is None or before is not None:
        return _form(request, order, draft, uuid4(), errors={"form": "Please send the form once more."}, status=409)
    if "check" in request.POST:  # the button for browsers without scripts
        return _form(request, order, draft, key)
    return _answered(request, order, draft, key)


def _answered(request: HttpRequest, order: Order, draft: Draft, key: UUID) -> HttpResponse:
    """Open what the form asks for and go to its page, or show the form again with what is wrong."""
    try:
        opened = _open(request, order, draft, key)
    except OrderNotFound as error:
        raise Http404 from error
    except QuoteChanged as error:
        if request.POST.get("seen"):
            return _form(request, order, draft, key, errors={"form": error.message}, status=409)
        # Without scripts, this is how the quote is shown first.
        return _form(request, order, draft, key, errors={"form": "Please read what the policy says, then send it."})
    except PanelError as error:
        where = error.field if error.field in _FIELDS else _place(error)
        status = 409 if isinstance(error, Conflict) else 422
        return _form(request, order, draft, key, errors={where: error.message}, status=status)
    _tell(request, opened)
    return redirect("refund-request", number=opened.pk)


def _open(request: HttpRequest, order: Order, draft: Draft, key: UUID) -> RefundRequest:
    cause = refund_quotes.cause_of(draft.cause)
    if cause is None:
        raise Refused("Choose what is wrong with the order.", field="cause")
    local_time.keep(request)
    with busy_when_locked():
        return opening.open_by_customer(
            customer=signed_in(request),
            order_id=order.pk,
            cause=cause,
            description=draft.description,
            files=_files(request),
            key=key,
            seen=request.POST.get("seen", ""),
            at=timezone.now(),
        )


def _files(request: HttpRequest) -> list[Upload]:
    """Read the files, of a too large one only as much as shows that it is; of too many only one more."""
    sent = request.FILES.getlist("files")[: MOST_FILES + 1]
    return [Upload(file.name or "", file.read(MOST_BYTES + 1)) for file in sent]


def _place(error: PanelError) -> str:
    if isinstance(error, AlreadyOpen):
        return "open"
    return "answered" if isinstance(error, AnsweredBefore) else "form"


def _tell(request: HttpRequest, opened: RefundRequest) -> None:
    """Say what became of a request that was just sent."""
    if opened.state == RequestState.APPROVED:
        credited = money.display(opened.amount, settings.PANEL_CURRENCY)
        messages.success(request, f"{credited} is on your balance.")
    elif opened.state == RequestState.DECLINED:
        messages.warning(request, "By the policy of this order nothing is refunded, so this was answered at once.")
    else:
        messages.success(request, "We have your request. A person looks at it; you get the answer here and by e-mail.")


def _pick(request: HttpRequest, asked: str) -> HttpResponse:
    context = {
        "orders": refund_queries.recent_orders(signed_in(request)),
        "typed": asked,
        "error": "An order's number has digits only, such as 1234." if asked else "",
    }
    return render(request, "web/refund_request_pick.html", context, status=422 if asked else 200)


def _form(
    request: HttpRequest,
    order: Order,
    draft: Draft,
    key: UUID,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = refund_quotes.shown(signed_in(request), order, draft.cause, at=timezone.now())
    found = {"cause": shown.cause_error} if shown.cause_error else {}
    context = {
        "order": order,
        "draft": draft,
        "causes": causes.fitting(order),
        "shown": shown,
        "version": _version(shown),
        "key": str(key),
        "errors": {**found, **(errors or {})},
        "is_again": request.method == "POST",
        "accept": ",".join(kind.value for kind in Kind),
        "most_files": MOST_FILES,
        "most_megabytes": MOST_BYTES // 1024**2,
        "longest": LONGEST_TEXT,
    }
    return render(request, "web/refund_request_new.html", context, status=status)


def _version(shown: refund_quotes.Shown) -> object:
    return None if shown.quote is None else shown.quote.proposal.version
