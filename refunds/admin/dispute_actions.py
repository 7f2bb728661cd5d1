"""What staff do about a dispute: look at the gateway again, and decide about the account where the policy asks them."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing.models import Dispute
from panel.accounts.admin.asking import NoQuestions, Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import StaffAdmin
from refunds import chargebacks, dispute_decisions


class ReasonForm(forms.Form):
    """Why."""

    reason = line(label="Reason", help_text="Whoever looks at this dispute next reads this.")


def look_again(page: StaffAdmin, request: HttpRequest, dispute: Dispute) -> HttpResponse:
    """Ask the gateway how the dispute stands, and take in what it says."""

    def act(_given: dict[str, Any]) -> str:
        found = chargebacks.refresh(dispute.reference, gateway=dispute.gateway, at=timezone.now())
        return f"The gateway was asked: dispute {found.pk} is “{found.get_standing_display()}”."

    question = Question(
        title=f"Check dispute {dispute.pk} with the gateway",
        lead="Reads the dispute anew and records what the gateway says, with everything that follows from it.",
        submit="Check now",
        form=NoQuestions,
        act=act,
        about=dispute,
        back=_back(dispute),
    )
    return ask(page, request, question)


def open_account(page: StaffAdmin, request: HttpRequest, dispute: Dispute) -> HttpResponse:
    """Ask why, and let the dispute keep the account suspended no longer."""

    def act(given: dict[str, Any]) -> str:
        dispute_decisions.open_account(
            dispute_id=dispute.pk, staff=staff_of(request), reason=given["reason"], at=timezone.now()
        )
        dispute.customer.refresh_from_db()
        still = dispute.customer.is_suspended
        return (
            f"{dispute.customer} is open again." if not still else f"{dispute.customer} is still suspended otherwise."
        )

    question = Question(
        title=f"Open the account of {dispute.customer} again",
        lead=f"It is suspended because: {dispute.customer.suspension_reason}"
        if dispute.customer.is_suspended
        else "It is open already; this ends what the dispute says of it.",
        submit="Open it again",
        form=ReasonForm,
        act=act,
        about=dispute,
        back=_back(dispute),
    )
    return ask(page, request, question)


def close_account(page: StaffAdmin, request: HttpRequest, dispute: Dispute) -> HttpResponse:
    """Ask why, and close the account for good because of the lost dispute."""

    def act(given: dict[str, Any]) -> str:
        dispute_decisions.close_account(
            dispute_id=dispute.pk, staff=staff_of(request), reason=given["reason"], at=timezone.now()
        )
        return f"The account of {dispute.customer} is closed."

    question = Question(
        title=f"Close the account of {dispute.customer}",
        lead="The account stays suspended for good, and its e-mail address and payment methods are blocked, so that "
        "nobody signs up or pays with them again. A late win undoes it as the policy says.",
        submit="Close it",
        form=ReasonForm,
        act=act,
        about=dispute,
        back=_back(dispute),
        dangerous=True,
    )
    return ask(page, request, question)


def _back(dispute: Dispute) -> str:
    return reverse("admin:billing_dispute_change", args=[dispute.pk])
