"""Approving many equal requests as proposed: one preview with the total, then one use-case call for each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from panel.accounts.admin.asking import Preview, Question, ask, staff_of
from panel.accounts.admin.pages import Panel, StaffAdmin, amount, counted, link
from panel.accounts.models import Standing, User
from panel.kernel import money
from panel.kernel.errors import PanelError, Refused
from panel.locking import busy_when_locked
from refunds.admin import request_panels
from refunds.admin.request_forms import ApproveForm
from refunds.desk import access, deciding, plans
from refunds.desk.deciding import AlreadyRecommended
from refunds.desk.plans import Choice, Plan
from refunds.models import RefundRequest

MOST_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class _Planned:
    """A chosen request, what approving it does, and why a second person is needed after whoever approves."""

    wish: RefundRequest
    plan: Plan
    reasons: Sequence[str]

    @property
    def kind(self) -> tuple[str, str]:
        """What makes two requests equal: the clause that judges them now, and what is claimed."""
        return self.plan.clause, self.wish.get_cause_display()


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The chosen requests: those that are equal, and why the others are left as they are."""

    equal: Sequence[_Planned]
    others: Sequence[tuple[RefundRequest, str]]

    @property
    def token(self) -> str:
        """What changes when the outcome does."""
        return ";".join(f"{one.wish.pk}={one.plan.token}" for one in self.equal)


def approve(page: StaffAdmin, request: HttpRequest, queryset: QuerySet[RefundRequest]) -> HttpResponse | None:
    """Ask why, show each amount and the total, and approve as proposed; each refusal is reported by itself."""
    chosen = list(queryset.select_related("order", "customer").order_by("pk")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        messages.error(request, f"Choose {MOST_AT_ONCE} requests at most.")
        return None
    found = _sort(chosen, staff_of(request), timezone.now())
    if not found.equal:
        for wish, why in found.others:
            messages.error(request, f"Request {wish.pk}: {why}")
        if not chosen:
            messages.error(request, "None of these waits any more.")
        return None

    def preview(_given: dict[str, Any]) -> Preview:
        now = _sort(chosen, staff_of(request), timezone.now())
        if not now.equal:
            raise Refused("None of these can be approved as proposed any more.")
        return Preview(_panel(now), now.token)

    def act(given: dict[str, Any]) -> str:
        return _each(page, request, _sort(chosen, staff_of(request), timezone.now()), given["note"])

    clause, cause = found.equal[0].kind
    asked = f"Approve {counted(len(found.equal), 'request')} as proposed"
    question = Question(
        title=asked,
        lead=f"All of them by the clause {clause}, for the cause “{cause}”. Each is its own decision.",
        submit=asked,
        form=ApproveForm,
        act=act,
        preview=preview,
        panels=[_panel(found), *_left_out(found)],
        carried=[("action", "approve_chosen"), *((helpers.ACTION_CHECKBOX_NAME, str(one.pk)) for one in chosen)],
        back=request.get_full_path(),
    )
    return ask(page, request, question)


def _sort(chosen: Sequence[RefundRequest], staff: User, at: datetime) -> _Sorted:
    """Keep the largest number of equal ones; of equally many, those that were opened first."""
    planned: list[_Planned] = []
    others: list[tuple[RefundRequest, str]] = []
    for wish in chosen:
        try:
            plan = _plan(wish, at)
        except PanelError as error:
            others.append((wish, error.message))
        else:
            planned.append(_Planned(wish, plan, plan.reasons_for_second_after(staff)))
    if not planned:
        return _Sorted((), others)
    most = Counter(one.kind for one in planned).most_common(1)[0][0]
    unlike = [one for one in planned if one.kind != most]
    others += [(one.wish, f"is not like the others: clause {one.kind[0]}, cause “{one.kind[1]}”") for one in unlike]
    return _Sorted([one for one in planned if one.kind == most], others)


def _plan(wish: RefundRequest, at: datetime) -> Plan:
    if not wish.is_open:
        raise access.NotOpen(f"This request is {wish.get_state_display().lower()} already.")
    if wish.awaits_second:
        raise AlreadyRecommended("This waits for a second person already.")
    if wish.customer.standing != Standing.CLEAR:
        standing = wish.customer.get_standing_display().lower()
        raise Refused(f"{wish.customer} stands as “{standing}”: look at this request by itself.")
    return plans.plan(wish, wish.order, Choice(), at=at)


def _panel(found: _Sorted) -> Panel:
    rows: list[Sequence[object]] = [
        (
            link("refunds_refundrequest", one.wish.pk, one.wish.pk),
            link("orders_order", one.wish.order_id, one.wish.order_id),
            str(one.wish.customer),
            one.wish.customer.get_standing_display(),
            amount(one.plan.credit),
            request_panels.order_afterwards(one.plan),
            f"Yes: {' and '.join(one.reasons)}" if one.reasons else "No",
        )
        for one in found.equal
    ]
    at_once = _total(one for one in found.equal if not one.reasons)
    recommended = _total(one for one in found.equal if one.reasons)
    rows.append(("Total", "", "", "", amount(money.exact(at_once + recommended)), "", ""))
    note = f"Credited at once: {amount(at_once)}. Recommended to a second person: {amount(recommended)}."
    if found.others:
        note += f" Left as they are: {', '.join(str(wish.pk) for wish, _ in found.others)}."
    headers = ("Request", "Order", "Customer", "Standing", "Credit", "Order afterwards", "Second person")
    return Panel("What approving does", headers, rows, note)


def _left_out(found: _Sorted) -> list[Panel]:
    rows = [(link("refunds_refundrequest", wish.pk, wish.pk), why) for wish, why in found.others]
    return [Panel("Left as they are", ("Request", "Why"), rows)] if rows else []


def _total(planned: Iterable[_Planned]) -> Decimal:
    return sum((one.plan.credit for one in planned), money.ZERO)


def _each(page: StaffAdmin, request: HttpRequest, found: _Sorted, note: str) -> str:
    approved: list[str] = []
    recommended: list[str] = []
    for one in found.equal:
        try:
            with busy_when_locked():
                done = deciding.approve(
                    request_id=one.wish.pk,
                    staff=staff_of(request),
                    choice=Choice(),
                    note=note,
                    seen=one.plan.token,
                    at=timezone.now(),
                )
        except PanelError as error:
            messages.error(request, f"Request {one.wish.pk}: {error.message}")
            continue
        page.log_change(request, done, f"{'Recommended' if done.awaits_second else 'Approved'}: {note}")
        (recommended if done.awaits_second else approved).append(str(done.pk))
    said = [f"Approved: {', '.join(approved)}."] if approved else []
    said += [f"Recommended to a second person: {', '.join(recommended)}."] if recommended else []
    return " ".join(said)
