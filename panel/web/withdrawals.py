"""Withdrawals after they were asked for: the list, the page of one, canceling, and agreeing to another way."""

from dataclasses import dataclass
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

from billing import arrangements, withdrawals
from billing.models import Arrangement, LegState, WithdrawalState
from panel.accounts.models import User
from panel.kernel.errors import NotFound, PanelError
from panel.web import balance_queries, dates, live, typed, withdrawal_words
from panel.web.balance_queries import Story
from panel.web.people import signed_in
from refunds import balance_refunds, publishing

_WATCHED_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class WayOut:
    """What the policy in force lets a customer do with what came back.

    Attributes:
        refusal: why nothing can be withdrawn, as a sentence; empty when something can.
        may_arrange: whether support may arrange another way.
    """

    refusal: str
    may_arrange: bool


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the customer's withdrawals."""
    before = typed.number(request.GET.get("before"))
    page = balance_queries.withdrawals_page(signed_in(request), before=before)
    return render(request, "web/withdrawals.html", {"page": page, "is_first": before is None})


@never_cache
@live.signed_in_only
@require_safe
def withdrawal(request: HttpRequest, number: int) -> HttpResponse:
    """Tell one withdrawal: where it stands, what went where, and what happened."""
    now, story = timezone.now(), _story(request, number)
    if not live.is_asked(request):
        return render(request, "web/withdrawal.html", _told(story, now, since=int(now.timestamp())))
    since = typed.number(request.GET.get("since")) or 0
    told = _told(story, now, since=since, is_news=True)
    if live.age(str(since), at=now) >= _WATCHED_FOR:
        part = render(request, "web/parts/withdrawal.html", {**told, "is_watched": False})
        return HttpResponseStopPolling(part.content)
    if request.GET.get("seen") == told["seen"]:
        return live.unchanged()
    return render(request, "web/parts/withdrawal.html", told)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Ask whether to cancel; on the answer, cancel and put the money back."""
    now = timezone.now()
    if request.method == "POST":
        try:
            withdrawals.cancel(withdrawal_id=number, customer=signed_in(request), at=now)
        except NotFound as error:
            raise Http404 from error
        except PanelError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"Withdrawal {number} is canceled. The money is on your balance.")
        return redirect("withdrawal", number=number)
    story = _story(request, number)
    standing = withdrawal_words.standing(story, at=now)
    if not standing.may_cancel:
        messages.error(request, "This withdrawal can no longer be stopped.")
        return redirect("withdrawal", number=number)
    return render(request, "web/withdrawal_cancel.html", {"withdrawal": story.withdrawal})


@never_cache
@login_required
@require_POST
def agree(request: HttpRequest, number: int) -> HttpResponse:
    """Agree to the way that support proposes, exactly as it was shown."""
    arrangement = _arrangement(request, number)
    shown = _one_kind_of_line_breaks(request.POST.get("destination", ""))
    if shown != _one_kind_of_line_breaks(arrangement.way):
        messages.error(request, "Support has changed the proposal. Please look at it again.")
        return redirect("withdrawal", number=number)
    try:
        arrangements.consent(
            arrangement_id=arrangement.pk,
            customer=signed_in(request),
            way=arrangement.way,
            at=timezone.now(),
        )
    except PanelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Thank you. The money will be sent the way that you agreed to.")
    return redirect("withdrawal", number=number)


@never_cache
@login_required
@require_POST
def give_up(request: HttpRequest, number: int) -> HttpResponse:
    """Put the part that support was to arrange back on the balance."""
    arrangement = _arrangement(request, number)
    try:
        arrangements.give_up(arrangement_id=arrangement.pk, actor=signed_in(request), at=timezone.now())
    except PanelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The money is on your balance again.")
    return redirect("withdrawal", number=number)


def _story(request: HttpRequest, number: int) -> Story:
    story = balance_queries.withdrawal(signed_in(request), number)
    if story is None:
        raise Http404
    return story


def _arrangement(request: HttpRequest, number: int) -> Arrangement:
    arrangement = _story(request, number).arrangement
    if arrangement is None:
        raise Http404
    return arrangement


def _told(story: Story, at: datetime, *, since: int, is_news: bool = False) -> dict[str, object]:
    standing, arrangement = withdrawal_words.standing(story, at=at), story.arrangement
    failed = [leg for leg in story.legs if leg.state == LegState.FAILED]
    return {
        "withdrawal": story.withdrawal,
        "legs": story.legs,
        "failed": failed,
        "way_out": _way_out(story.withdrawal.customer, at) if failed else None,
        "is_traceable": any(leg.bank_reference and leg.state == LegState.PAID for leg in story.legs),
        "standing": standing,
        "entries": withdrawal_words.entries(story),
        "arrangement": arrangement,
        "is_arranging": arrangement is not None and arrangement.leg.state == LegState.ARRANGING,
        "proposal": arrangement.way if arrangement else "",
        "reckoning": dates.reckoning(),
        "is_watched": not WithdrawalState(story.withdrawal.state).is_over,
        "is_news": is_news,
        "seen": standing.fingerprint,
        "since": since,
    }


def _way_out(customer: User, at: datetime) -> WayOut:
    try:
        offer = balance_refunds.offer(customer=customer, at=at)
    except publishing.NoPolicyInForce as error:
        return WayOut(refusal=error.message, may_arrange=False)
    return WayOut(refusal=offer.refusal, may_arrange=offer.version.policy.withdrawals.alternative_method)


def _one_kind_of_line_breaks(text: str) -> str:
    """Undo what browsers do to line breaks in forms."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
