"""The withdrawal form: what goes where while the amount is typed, and confirming it."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from billing import planning
from billing.models import Withdrawal, WithdrawalState
from panel.kernel import money
from panel.kernel.errors import Conflict, PanelError
from panel.web import amounts, balance_queries, dates, live, typed, withdrawal_quotes
from panel.web.people import signed_in
from panel.web.withdrawal_quotes import Shown
from refunds import balance_refunds, publishing
from refunds.balance_refunds import Offer
from refunds.policy import page as policy_page

_SECTION: Final = "withdrawals"


class SentBefore(Conflict):
    """The form has opened a withdrawal of another amount."""

    code = "form_sent_before"


class Unconfirmed(Conflict):
    """What was confirmed is not what would happen now, or nothing was."""

    code = "withdrawal_unconfirmed"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Say what can be withdrawn and where it would go; on a confirmed answer, ask for it and go to its page."""
    now = timezone.now()
    try:
        offer = balance_refunds.offer(customer=signed_in(request), at=now)
    except publishing.NoPolicyInForce as error:
        return render(request, "web/withdraw.html", {"errors": {"form": error.message}}, status=503)
    if request.method != "POST":
        return _form(request, offer, request.GET.get("amount", ""), now)
    wanted, key = request.POST.get("amount", ""), typed.key(request.POST.get("key"))
    if key is None or "check" in request.POST:  # the button for browsers without scripts
        return _form(request, offer, wanted, now, key=key)
    try:
        found = _sent_before(request, key, wanted)
        if found is None:
            found = _ask(request, offer, key, wanted, now)
            messages.success(request, _set_aside(found))
        else:
            messages.info(request, f"Withdrawal {found.pk} was asked for already; nothing was taken again.")
    except SentBefore as error:
        return _form(request, offer, wanted, now, errors={"form": error.message}, status=409)
    except PanelError as error:
        where = "amount" if error.field == "amount" else "form"
        return _form(
            request, offer, wanted, now, key=key, errors={where: error.message}, status=_status(request, error)
        )
    return redirect("withdrawal", number=found.pk)


@never_cache
@live.signed_in_only
@require_POST
def quote(request: HttpRequest) -> HttpResponse:
    """Return the part of the form that says what goes where; asked for while the amount is typed."""
    now, customer = timezone.now(), signed_in(request)
    try:
        offer = balance_refunds.offer(customer=customer, at=now)
    except publishing.NoPolicyInForce:
        return live.unchanged()
    shown = withdrawal_quotes.shown(customer, request.POST.get("amount", ""), offer, at=now)
    context = {"shown": shown, "errors": shown.errors or {}, "reckoning": dates.reckoning()}
    return render(request, "web/parts/withdraw_live.html", context)


def _ask(request: HttpRequest, offer: Offer, key: UUID, wanted: str, at: datetime) -> Withdrawal:
    """Open the withdrawal that was confirmed. Raises Unconfirmed, NotAnAmount, and what balance_refunds raises."""
    customer, amount = signed_in(request), amounts.read(wanted)
    quoted = balance_refunds.quote(customer=customer, amount=amount, at=at)
    if said := withdrawal_quotes.changed(quoted, offer.version.pk, request.POST.get("confirmed", "")):
        raise Unconfirmed(said)
    return balance_refunds.request(customer=customer, amount=amount, key=key, confirmed=quoted.plan.digest, at=at)


def _status(request: HttpRequest, error: PanelError) -> int:
    if isinstance(error, Unconfirmed) and not request.POST.get("confirmed"):
        return 200  # without scripts, this is how the plan is shown first
    return 409 if isinstance(error, Conflict) else 422


def _sent_before(request: HttpRequest, key: UUID, wanted: str) -> Withdrawal | None:
    """Return what this form has opened, so that sending it again only shows that. Raises SentBefore, NotAnAmount."""
    found = balance_queries.withdrawal_by_key(signed_in(request), key)
    if found is not None and found.amount != planning.whole_units(amounts.read(wanted)):
        raise SentBefore(
            "This form was sent before. Nothing was withdrawn now; confirm again to withdraw this as well."
        )
    return found


def _form(
    request: HttpRequest,
    offer: Offer,
    wanted: str,
    at: datetime,
    *,
    key: UUID | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    customer = signed_in(request)
    shown = Shown() if customer.is_suspended else withdrawal_quotes.shown(customer, wanted, offer, at=at)
    content = policy_page.build(
        offer.version.policy, panel=settings.PANEL_NAME, currency=settings.PANEL_CURRENCY, email=settings.SUPPORT_EMAIL
    )
    return render(
        request,
        "web/withdraw.html",
        {
            "offer": offer,
            "section": next(section for section in content.sections if section.anchor == _SECTION),
            "held": balance_queries.on_its_way(customer),
            "typed": wanted,
            "key": str(key or uuid4()),
            "shown": shown,
            "errors": {**(shown.errors or {}), **(errors or {})},
            "reckoning": dates.reckoning(),
        },
        status=status,
    )


def _set_aside(withdrawal: Withdrawal) -> str:
    """Say what has happened so far: nothing was sent yet."""
    was = f"{_money(withdrawal.amount)} was set aside"
    match withdrawal.state:
        case WithdrawalState.IN_REVIEW:
            return f"{was} for your withdrawal, and a person looks at it first."
        case WithdrawalState.REQUESTED:
            return f"{was} for your withdrawal, and support arranges with you how it is sent."
    return f"{was} for your withdrawal."


def _money(amount: Decimal) -> str:
    return money.display(amount, settings.PANEL_CURRENCY)
