"""Adding funds: the form, the page that a customer comes back to after paying, and the deposits so far."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseStopPolling

from billing import deposits, gateways
from billing.gateways.base import Description
from billing.models import Deposit, DepositState
from billing.models.deposit import WAITING
from panel.accounts import addresses
from panel.kernel import money
from panel.kernel.errors import Busy, Conflict, PanelError
from panel.web import amounts, balance_queries, live, queries, typed
from panel.web.balance_queries import PaidIn
from panel.web.people import signed_in
from refunds.models import PolicyVersion
from refunds.policy.withdrawing import CREDIT_ONLY

_SUGGESTED: Final = (Decimal(25), Decimal(50), Decimal(100))
_WATCHED_FOR: Final = timedelta(minutes=1)
# Of the looks that htmx takes in that minute, only each second one asks the gateway: the webhook comes first, mostly.
_LOOKS_EVERY: Final = 3
_ASKS_EVERY: Final = 6
_SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Form:
    """What the form shows. `key` makes sending it again harmless; `policy` is the version that paying accepts.

    `stays` says that what is paid in is not paid out again; empty under a policy that pays out.
    """

    limits: Description | None
    suggested: tuple[Decimal, ...]
    amount: str
    key: str
    policy: PolicyVersion | None
    stays: str
    errors: dict[str, str]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Ask for the amount; on the answer, open the deposit and send the customer to where it is paid."""
    if request.method != "POST":
        return _form(request, amount=request.GET.get("amount", ""), key=str(uuid4()))
    now = timezone.now()
    typed_amount = request.POST.get("choice") or request.POST.get("amount", "")
    form_key = typed.key(request.POST.get("key"))
    if form_key is None:
        said = "This form was not complete. Nothing was charged; please send it again."
        return _form(request, amount=typed_amount, key=str(uuid4()), errors={"form": said}, status=409)
    policy = queries.policy_in_force(now, signed_in(request))
    if request.POST.get("policy", "") != (str(policy.pk) if policy else ""):
        said = "The refund policy has changed. Nothing was charged; please read it again, then go on."
        return _form(request, amount=typed_amount, key=str(form_key), errors={"form": said}, status=409)
    try:
        amount = amounts.read(typed_amount)
        deposit = _open(request, amount, form_key, policy.pk if policy else None, now)
    except PanelError as error:
        where = "amount" if error.field == "amount" else "form"
        status = 409 if isinstance(error, Conflict) else 422
        return _form(request, amount=typed_amount, key=str(form_key), errors={where: error.message}, status=status)
    if deposit.state == DepositState.OPEN and deposit.checkout_url:
        return HttpResponseRedirect(deposit.checkout_url, status=_SEE_OTHER)
    return redirect("deposit", key=deposit.key)


@never_cache
@live.signed_in_only
@require_safe
def deposit(request: HttpRequest, key: UUID) -> HttpResponse:
    """Tell how a deposit stands, after asking the gateway while it is not settled."""
    now = timezone.now()
    found = balance_queries.deposit(signed_in(request), key, at=now)
    if found is None:
        raise Http404
    if live.is_asked(request):
        return _look(request, found, now)
    found = _refreshed(request, found, now)
    return render(request, "web/deposit.html", _told(request, found, now))


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the customer's deposits, with what is left of each and where the rest went back."""
    before = typed.number(request.GET.get("before"))
    page = balance_queries.deposits_page(signed_in(request), before=before, at=timezone.now())
    return render(request, "web/deposits.html", {"page": page, "is_first": before is None})


def _open(request: HttpRequest, amount: Decimal, form_key: UUID, policy: int | None, at: datetime) -> Deposit:
    """Open the deposit of this form and amount: the same amount again is the same one, another amount another one."""
    key = uuid5(form_key, money.plain(amount))
    return deposits.open(
        customer=signed_in(request),
        amount=amount,
        key=key,
        page_url=f"{settings.SITE_URL}{reverse('deposit', args=[key])}",
        policy_version=policy,
        address=addresses.of(request),
        at=at,
    )


def _look(request: HttpRequest, found: PaidIn, at: datetime) -> HttpResponse:
    """Answer htmx: nothing while nothing is new, and the part anew, for the last time, once something is."""
    before, age = request.GET.get("state", ""), live.age(request.GET.get("since"), at=at)
    if int(age.total_seconds()) % _ASKS_EVERY < _LOOKS_EVERY:
        found = _refreshed(request, found, at)
    if found.deposit.state == before and age < _WATCHED_FOR:
        return live.unchanged()
    return HttpResponseStopPolling(
        render(request, "web/parts/deposit.html", {**_told(request, found, at), "is_watched": False}).content
    )


def _refreshed(request: HttpRequest, found: PaidIn, at: datetime) -> PaidIn:
    """Return the deposit as the gateway sees it now, if anything about it can still change."""
    if found.deposit.state not in WAITING:
        return found
    try:
        deposits.refresh(found.deposit.pk, at=at)
    except Busy:  # whoever holds the lock is recording it; the next look sees that
        return found
    return balance_queries.deposit(signed_in(request), found.deposit.key, at=at) or found


def _told(request: HttpRequest, found: PaidIn, at: datetime) -> dict[str, object]:
    return {
        "paid_in": found,
        "deposit": found.deposit,
        "spendable": queries.spendable(signed_in(request)),
        "is_watched": found.deposit.state == DepositState.OPEN,
        "since": int(at.timestamp()),
    }


def _form(
    request: HttpRequest, *, amount: str, key: str, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    gateway, policy = gateways.online(), queries.policy_in_force(timezone.now(), signed_in(request))
    limits = gateway.describe() if gateway else None
    form = Form(
        limits=limits,
        suggested=tuple(one for one in _SUGGESTED if limits and limits.minimum <= one <= limits.maximum),
        amount=amount,
        key=key,
        policy=policy,
        stays=CREDIT_ONLY if policy and not policy.policy.withdrawals.allowed else "",
        errors=errors or {},
    )
    return render(request, "web/deposit_add.html", {"form": form}, status=status)
