"""What staff do about a withdrawal: approve or decline it, look how it stands at its gateways."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing import withdrawals
from billing.admin import withdrawal_panels
from billing.models import Withdrawal
from billing.sending import checking
from billing.sending.checking import Check
from panel.accounts.admin.asking import NoQuestions, Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import StaffAdmin, amount


class DeclineForm(forms.Form):
    """Why."""

    reason = line(label="Reason", help_text="The customer reads this.")


def approve(page: StaffAdmin, request: HttpRequest, withdrawal: Withdrawal) -> HttpResponse:
    """Ask for a confirmation, and release the withdrawal from review."""

    def act(_given: dict[str, Any]) -> str:
        done = withdrawals.approve(withdrawal_id=withdrawal.pk, staff=staff_of(request), at=timezone.now())
        return f"Withdrawal {done.pk} is approved: {done.get_state_display().lower()}. What is due is sent in a moment."

    lead = (
        f"{amount(withdrawal.amount)} will go back to {withdrawal.customer}, as the parts below say."
        f" In review because: {withdrawal.review_reason}"
    )
    return _review(page, request, withdrawal, verb="Approve", lead=lead, act=act, form=NoQuestions)


def decline(page: StaffAdmin, request: HttpRequest, withdrawal: Withdrawal) -> HttpResponse:
    """Ask why, and put the money back on the balance."""

    def act(given: dict[str, Any]) -> str:
        reason = given["reason"]
        withdrawals.decline(withdrawal_id=withdrawal.pk, staff=staff_of(request), reason=reason, at=timezone.now())
        return f"Withdrawal {withdrawal.pk} is declined, and {amount(withdrawal.amount)} are back on the balance."

    lead = (
        f"Nothing will be paid out. {amount(withdrawal.amount)} will be back on the balance of {withdrawal.customer}"
        f" at once. In review because: {withdrawal.review_reason}"
    )
    return _review(page, request, withdrawal, verb="Decline", lead=lead, act=act, form=DeclineForm)


def look_up(page: StaffAdmin, request: HttpRequest, withdrawal: Withdrawal) -> HttpResponse:
    """Ask the gateways how the parts that may have been sent stand, and record what they say."""

    def act(_given: dict[str, Any]) -> str:
        found = checking.check_now(withdrawal_id=withdrawal.pk, at=timezone.now())
        for unclear in (item for item in found if item.words):
            messages.warning(request, f"Part {unclear.leg_id} is {_now(unclear)}. {unclear.words}")
        said = [f"part {item.leg_id} is {_now(item)}" for item in found if not item.words]
        return f"The gateway was asked: {'; '.join(said)}." if said else ""

    question = Question(
        title=f"Check withdrawal {withdrawal.pk} with the gateway",
        lead="Looks up the parts that may have been sent, and records what the gateway says. Nothing is sent by this.",
        submit="Check now",
        act=act,
        about=withdrawal,
        panels=[withdrawal_panels.parts(withdrawal)],
        back=_back(withdrawal),
    )
    return ask(page, request, question)


def _review(
    page: StaffAdmin,
    request: HttpRequest,
    withdrawal: Withdrawal,
    *,
    verb: str,
    lead: str,
    act: Any,  # noqa: ANN401 - what Question.act is
    form: type[forms.Form],
) -> HttpResponse:
    question = Question(
        title=f"{verb} withdrawal {withdrawal.pk}",
        lead=lead,
        submit=f"{verb} {amount(withdrawal.amount)}",
        form=form,
        act=act,
        about=withdrawal,
        panels=[withdrawal_panels.parts(withdrawal), *withdrawal_panels.at_a_glance(withdrawal)],
        back=_back(withdrawal),
        dangerous=verb == "Decline",
    )
    return ask(page, request, question)


def _now(item: Check) -> str:
    words = item.after.label.lower()
    return f"still {words}" if item.after == item.before else f"{words} now (was {item.before.label.lower()})"


def _back(withdrawal: Withdrawal) -> str:
    return reverse("admin:billing_withdrawal_change", args=[withdrawal.pk])
