"""Answering one refund request: approve, decline, confirm as the second person, send back. Shown before it is done."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import Truncator

from orders.models import Order, OrderStatus
from panel.accounts.admin.asking import Preview, staff_of
from panel.accounts.admin.pages import Panel, StaffAdmin, amount, link, moment
from panel.kernel import money
from panel.kernel.errors import Refused
from refunds import publishing, rules
from refunds.admin import request_forms, request_panels
from refunds.admin.request_actions import asked_about
from refunds.desk import access, deciding, plans
from refunds.desk.plans import Choice, Plan
from refunds.models import RefundRequest

_CLAUSE_SHOWN = 110


def approve(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask why, show what it credits, and credit what the policy proposes, or recommend it to a second person."""
    return _approval(page, request, wish, other=False)


def approve_other(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask how much and why, show what that means, and recommend it: overruling takes two."""
    return _approval(page, request, wish, other=True)


def decline(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask by which clause and why, and credit nothing."""
    policy = publishing.version(wish.order.policy_version).policy
    reasons = deciding.reasons_to_decline(policy, wish.clause, wish.order)

    def act(given: dict[str, Any]) -> str:
        deciding.decline(
            request_id=wish.pk,
            staff=staff_of(request),
            clause=given["clause"],
            note=given["note"],
            at=timezone.now(),
        )
        return f"Request {wish.pk} is declined: {given['note']}"

    brief = [(clause, f"{clause}: {Truncator(text).chars(_CLAUSE_SHOWN)}") for clause, text in reasons]
    rules = Panel("The rules in full: the customer gets the one you choose", ("Clause", "Rule"), reasons)
    return asked_about(
        page,
        request,
        wish,
        verb="Decline",
        lead=f"Nothing is credited. {wish.customer} gets the rule and your words by e-mail.",
        form=request_forms.declining(brief),
        act=act,
        panels=[request_panels.asked(wish), rules],
        dangerous=True,
    )


def confirm(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Show who recommends what and why, and carry it out as the second person."""

    def act(_given: dict[str, Any]) -> str:
        seen = request.POST.get("_seen")
        done = deciding.confirm(request_id=wish.pk, staff=staff_of(request), seen=seen, at=timezone.now())
        return f"Request {done.pk} is approved: {amount(done.amount)} credited."

    def preview(_given: dict[str, Any]) -> Preview:
        if not wish.awaits_second:
            raise deciding.NotRecommended("Nothing is recommended for this request.")
        plan = _planned(wish, Choice(wish.recommended_amount, wish.recommended_remains), timezone.now())
        return Preview(Panel("What confirming does", (), preview_rows(wish, plan)), wish.recommendation_token)

    recommended = [
        ("By", link("accounts_user", wish.recommended_by_id, wish.recommended_by)),
        ("At (UTC)", moment(wish.recommended_at)),
        ("Amount", amount(wish.recommended_amount)),
        ("Undelivered", "-" if wish.recommended_remains is None else f"{wish.recommended_remains:,}"),
        ("Why", wish.recommended_note),
    ]
    return asked_about(
        page,
        request,
        wish,
        verb="Confirm",
        lead="You are the second person: look at the request as if nobody had before. If you see it otherwise, send it"
        " back.",
        act=act,
        preview=preview,
        panels=[Panel("Recommended", (), recommended), request_panels.asked(wish), request_panels.log(wish)],
    )


def send_back(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask why, and let the request wait for a decision again."""

    def act(given: dict[str, Any]) -> str:
        deciding.send_back(request_id=wish.pk, staff=staff_of(request), note=given["note"], at=timezone.now())
        return f"Request {wish.pk} waits for a decision again: {given['note']}"

    shown = amount(wish.recommended_amount)
    return asked_about(
        page,
        request,
        wish,
        verb="Send back",
        lead=f"{wish.recommended_by} recommends {shown}: {wish.recommended_note}" if wish.awaits_second else "",
        form=request_forms.SendBackForm,
        act=act,
        panels=[request_panels.asked(wish), request_panels.log(wish)],
    )


def preview_rows(wish: RefundRequest, plan: Plan) -> list[tuple[str, object]]:
    """Return what carrying out a plan does, line by line."""
    proposal = plan.proposal
    rows: list[tuple[str, object]] = [
        ("Credited now", amount(plan.credit)),
        ("Proposed by the policy", amount(plan.proposed)),
        ("Credited before", amount(proposal.order.refunded)),
        ("Charge", amount(proposal.order.charge)),
        ("Of that, stays with the panel", request_panels.kept_by_us(plan)),
        ("Order afterwards", request_panels.order_afterwards(plan)),
        ("Clause", plan.clause),
        ("Rule", rules.words(proposal.version.policy, plan.clause)),
        ("Second person", request_panels.second(plan)),
        ("Customer", str(wish.customer)),
    ]
    if plan.by_end > money.ZERO:
        rows.insert(1, ("Of that, by the order's end itself", amount(plan.by_end)))
    return rows


def _approval(page: StaffAdmin, request: HttpRequest, wish: RefundRequest, *, other: bool) -> HttpResponse:
    def choice(given: dict[str, Any]) -> Choice:
        return Choice(given.get("amount"), given.get("remains"))

    def preview(given: dict[str, Any]) -> Preview:
        plan = _planned(wish, choice(given), timezone.now())
        if other and not plan.reasons_for_second_after(staff_of(request)):
            raise Refused("This is what the policy proposes: approve it as proposed.", field="amount")
        return Preview(Panel("What approving does", (), preview_rows(wish, plan)), plan.token)

    def act(given: dict[str, Any]) -> str:
        done = deciding.approve(
            request_id=wish.pk,
            staff=staff_of(request),
            choice=choice(given),
            note=given["note"],
            seen=request.POST.get("_seen"),
            at=timezone.now(),
        )
        return said(done)

    return asked_about(
        page,
        request,
        wish,
        verb="Approve another amount for" if other else "Approve",
        lead=_lead(wish.order, other=other),
        submit="Recommend it" if other else f"Approve request {wish.pk}",
        form=request_forms.approving(wish.order, other=other),
        act=act,
        preview=preview,
        panels=[request_panels.asked(wish), request_panels.choices(wish, wish.order, at=timezone.now())],
    )


def said(done: RefundRequest) -> str:
    """Say what an approval came to."""
    if done.awaits_second:
        return f"Request {done.pk}: {amount(done.recommended_amount)} recommended. A second person has to confirm it."
    return f"Request {done.pk} is approved: {amount(done.amount)} credited."


def _lead(order: Order, *, other: bool) -> str:
    if other:
        return "You choose the amount, and a second person confirms it: it is not what the policy proposes."
    if order.status == OrderStatus.PENDING:
        return "Credits what the policy proposes and cancels the order, of which nothing was sent."
    return "Credits what the policy proposes, as the order stands now."


def _planned(wish: RefundRequest, choice: Choice, at: datetime) -> Plan:
    if not wish.is_open:
        raise access.NotOpen(f"This request is {wish.get_state_display().lower()} already.")
    return plans.plan(wish, wish.order, choice, at=at)
