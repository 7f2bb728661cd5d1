"""What staff do about one customer: adjust a balance, change the standing, suspend, lift."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing import adjustments, bans
from billing.admin import customer_forms, customer_panels
from billing.admin.customer_forms import AdjustmentForm, SuspensionForm
from billing.models import CustomerAccount
from panel.accounts import standing
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.pages import StaffAdmin, amount
from panel.accounts.models import Standing, User
from panel.notifications import suspending


def credit(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask how much to add, and why."""
    return _adjust(page, request, customer, verb="Credit", use_case=adjustments.credit)


def debit(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask how much to take, and why."""
    return _adjust(page, request, customer, verb="Debit", use_case=adjustments.debit)


def _adjust(
    page: StaffAdmin,
    request: HttpRequest,
    customer: Any,  # noqa: ANN401 - a row of the page's list, which carries balances
    *,
    verb: str,
    use_case: Callable[..., None],
) -> HttpResponse:
    def act(given: dict[str, Any]) -> str:
        author = staff_of(request)
        use_case(
            customer=customer,
            amount=given["amount"],
            reason=given["reason"],
            author=author,
            key=f"{author.pk}:{given['key']}",
            account=CustomerAccount(given["account"]),
            at=timezone.now(),
        )
        return f"{verb}ed {amount(given['amount'])}: {given['reason']}"

    question = Question(
        title=f"{verb} {customer}",
        lead=f"Available: {amount(customer.available_balance)}. Promotional: {amount(customer.promo_balance)}.",
        submit=verb,
        form=AdjustmentForm,
        act=act,
        about=customer,
        back=_back(customer),
    )
    return ask(page, request, question)


def change_standing(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask how the customer is to stand and why: a flag is raised, changed or lifted."""
    others = [(one.value, one.label) for one in Standing if one != customer.standing]

    def act(given: dict[str, Any]) -> str:
        to = Standing(given["to"])
        standing.change(user=customer, to=to, reason=given["reason"], staff=staff_of(request), at=timezone.now())
        return f"The standing is “{to.label}” now: {given['reason']}"

    question = Question(
        title=f"Change the standing of {customer}",
        lead=f"It is “{customer.get_standing_display()}”. The policy says what that means for refunds; to lift a flag,"
        " choose “Clear”. What was counted before that is not counted again.",
        submit="Change the standing",
        form=customer_forms.standing_form(others),
        act=act,
        about=customer,
        panels=[customer_panels.standing_changes(customer)],
        back=_back(customer),
    )
    return ask(page, request, question)


def suspend(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask why, and suspend the account."""

    def act(given: dict[str, Any]) -> str:
        suspending.suspend(customer_id=customer.pk, reason=given["reason"], at=timezone.now())
        return f"Suspended: {given['reason']}"

    question = Question(
        title=f"Suspend {customer}",
        lead="A suspended account can sign in and read; its orders and API keys are refused. "
        "Its owner gets the reason by e-mail.",
        submit="Suspend",
        form=SuspensionForm,
        act=act,
        about=customer,
        back=_back(customer),
        dangerous=True,
    )
    return ask(page, request, question)


def lift(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask for a confirmation, and end the suspension."""

    def act(_given: dict[str, Any]) -> str:
        held = bans.end_suspension(customer_id=customer.pk, at=timezone.now())
        return f"That suspension is over; the account is still held: {held}" if held else "The suspension is lifted."

    question = Question(
        title=f"Lift the suspension of {customer}",
        lead=f"Suspended because: {customer.suspension_reason}" if customer.is_suspended else "It is not suspended.",
        submit="Lift the suspension",
        act=act,
        about=customer,
        back=_back(customer),
    )
    return ask(page, request, question)


def _back(customer: User) -> str:
    return reverse("admin:accounts_user_change", args=[customer.pk])
