"""What staff do about a fraud warning, each with a reason: refund by hand, dismiss, or let the account go."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold import widgets

from billing import warned_refunds
from billing.models import FraudWarning, WarningState
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import StaffAdmin, amount
from panel.accounts.models import User
from refunds import warning_desk, warning_refunds


class ReasonForm(forms.Form):
    """Why."""

    reason = line(label="Reason", help_text="It stays with the case; the customer doesn't read it.")


class RefundForm(ReasonForm):
    """Why, and what becomes of the account."""

    holds = forms.BooleanField(
        label="Hold the account",
        required=False,
        help_text="It is suspended, its pending orders are canceled and its withdrawals that were not sent stop.",
        widget=widgets.UnfoldBooleanWidget(),
    )


def offered(case: FraudWarning) -> set[str]:
    """Return the names of the actions that the case as it stands allows."""
    state = WarningState(case.state)
    allowed = {
        "refund": state.may_become(WarningState.REFUNDING),
        "dismiss": state.may_become(WarningState.DISMISSED),
        "release": case.holds,
    }
    return {name for name, is_allowed in allowed.items() if is_allowed}


def refund(page: StaffAdmin, request: HttpRequest, case: FraudWarning) -> HttpResponse:
    """Ask why, and pay back what is left of the payment."""

    def act(given: dict[str, Any]) -> str:
        done = warning_desk.refund(
            warning_id=case.pk,
            staff=staff_of(request),
            reason=given["reason"],
            holds=given["holds"],
            at=timezone.now(),
        )
        return f"{amount(done.refund)} goes back to the payment. {_account(done.customer)}"

    question = Question(
        title=f"Refund what is left of the payment of {case.customer}",
        lead=_what_can_go_back(case),
        submit="Refund it",
        form=RefundForm,
        act=act,
        about=case,
        back=_back(case),
        dangerous=True,
    )
    return ask(page, request, question)


def dismiss(page: StaffAdmin, request: HttpRequest, case: FraudWarning) -> HttpResponse:
    """Ask why, and close the case without a refund."""

    def act(given: dict[str, Any]) -> str:
        done = warning_desk.dismiss(
            warning_id=case.pk, staff=staff_of(request), reason=given["reason"], at=timezone.now()
        )
        return f"The case is dismissed. {_account(done.customer)}"

    question = Question(
        title=f"Dismiss fraud warning {case.pk}",
        lead="Nothing is refunded, and the account is let go if it is held for this case alone. This can't be undone.",
        submit="Dismiss it",
        form=ReasonForm,
        act=act,
        about=case,
        back=_back(case),
    )
    return ask(page, request, question)


def release(page: StaffAdmin, request: HttpRequest, case: FraudWarning) -> HttpResponse:
    """Ask why, and let the case hold the account no longer."""

    def act(given: dict[str, Any]) -> str:
        done = warning_desk.release(
            warning_id=case.pk, staff=staff_of(request), reason=given["reason"], at=timezone.now()
        )
        return f"This case holds the account no longer. {_account(done.customer)}"

    question = Question(
        title=f"Let the account of {case.customer} go",
        lead="The case itself stays as it is. What else holds the account goes on holding it.",
        submit="Let it go",
        form=ReasonForm,
        act=act,
        about=case,
        back=_back(case),
    )
    return ask(page, request, question)


def _what_can_go_back(case: FraudWarning) -> str:
    at = timezone.now()
    left = warned_refunds.payable_now(case.deposit, at=at)
    said = (
        f"{amount(left)} can go back as the balance stands."
        if left
        else warning_refunds.why_nothing(case.deposit, at=at)
    )
    return f"{said} Where the balance falls short of what is left, pending orders are canceled first."


def _account(customer: User) -> str:
    customer.refresh_from_db(fields=["suspended_at"])
    return f"{customer} is suspended." if customer.is_suspended else f"{customer} is not suspended."


def _back(case: FraudWarning) -> str:
    return reverse("admin:billing_fraudwarning_change", args=[case.pk])
