"""The order form: what it costs while it is filled in, and placing it."""

import secrets
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from orders import lines as order_lines
from orders import placing
from orders.insertion import Origin
from orders.lines import BadRequestId
from orders.models import PlacedRequest, PlacedThrough
from panel.accounts import addresses
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked
from panel.web import queries, quoting
from panel.web.people import signed_in
from panel.web.quoting import Draft

FIELDS = ("service", "link", "quantity")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the order form, or place what it holds and go to the order's page."""
    if request.method != "POST":
        return _form(request, _draft(request.GET), _fresh_token(), errors={})
    draft, token, now = _draft(request.POST), request.POST.get("request_id", ""), timezone.now()
    quoted = request.POST.get("quoted", "")
    if "check" in request.POST:  # the button for browsers without scripts
        return _form(request, draft, token, errors={})
    try:
        if not _sent_before(request, token, now) and (said := quoting.changed(signed_in(request), draft, quoted, now)):
            return _form(request, draft, token, errors={"form": said}, status=409 if quoted else 200)
        with busy_when_locked():
            placed = placing.place(
                customer=signed_in(request),
                lines=[draft.line()],
                at=now,
                request_id=token,
                origin=Origin(PlacedThrough.WEB, addresses.of(request)),
            )
    except (placing.RequestIdReused, BadRequestId):
        again = "This form was sent before. Nothing was placed now; press the button again to order this as well."
        return _form(request, draft, _fresh_token(), errors={"form": again}, status=409)
    except PanelError as error:
        field = error.field if error.field in FIELDS else None
        return _form(request, draft, token, errors={field or "form": error.message}, status=422)
    number = placed.order_ids[0]
    said = f"Order {number} was placed already; nothing was charged again." if placed.repeated else ""
    messages.success(request, said or f"Order {number} is placed.")
    return redirect("order", order_id=number)


@never_cache
@require_POST
def quote(request: HttpRequest) -> HttpResponse:
    """Return the part of the form that says what the draft costs; asked for while it is filled in."""
    if not request.user.is_authenticated:  # the session ended meanwhile: the whole page goes to sign in
        return HttpResponseClientRedirect(redirect_to_login(reverse("order-new")).url)
    services = queries.services_on_sale()
    found = quoting.quote(signed_in(request), _draft(request.POST), services, timezone.now())
    return render(request, "web/parts/quote_live.html", {"quote": found, "errors": found.errors})


def _draft(data: QueryDict) -> Draft:
    return Draft(**{field: data.get(field, "") for field in FIELDS})


def _fresh_token() -> str:
    """Return a token for one order; the same one sent twice places it once."""
    return f"web-{secrets.token_urlsafe(18)}"


def _sent_before(request: HttpRequest, token: str, at: datetime) -> bool:
    """Whether this form has placed its order, so that sending it again only shows that one, at whatever price now.

    Raises BadRequestId.
    """
    sent = PlacedRequest.objects.filter(customer=signed_in(request), placed_at__gt=at - placing.REPEAT_WINDOW)
    return sent.filter(request_id=order_lines.clean_request_id(token)).exists()


def _form(request: HttpRequest, draft: Draft, token: str, *, errors: dict[str, str], status: int = 200) -> HttpResponse:
    services = queries.services_on_sale()
    found = quoting.quote(signed_in(request), draft, services, timezone.now())
    return render(
        request,
        "web/order_new.html",
        {
            "shelves": queries.on_shelves(services.values()),
            "draft": draft,
            "quote": found,
            "errors": {**found.errors, **errors},
            "token": token,
        },
        status=status,
    )
