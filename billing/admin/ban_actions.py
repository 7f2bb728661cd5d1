"""What staff do about a customer who may not come back: ban him, or lift that."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing import bans
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import Panel, StaffAdmin, counted, link, moment
from panel.accounts.models import BlockedIdentity, User

_MOST = 20


class BanForm(forms.Form):
    """Why an account is banned."""

    reason = line(help_text="The customer reads this on every page and in an e-mail.")


class LiftForm(forms.Form):
    """Why a ban is lifted."""

    reason = line(help_text="Whoever looks at this customer next reads it. The customer does not.")


def ban(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask why, suspend the account, and block what its owner is recognized by."""

    def act(given: dict[str, Any]) -> str:
        reason = given["reason"]
        blocked = bans.ban(customer_id=customer.pk, reason=reason, staff=staff_of(request), at=timezone.now())
        return f"Banned, {_identities(blocked)} blocked: {reason}"

    methods = len(bans.identities_of(customer)) - 1
    question = Question(
        title=f"Ban {customer}",
        lead=f"The account is suspended, and the e-mail address and {counted(methods, 'payment method')} are blocked:"
        " nobody signs up with that address again, and who pays with such a method is suspended at once."
        " A dispute that is won later does not lift this.",
        submit="Ban",
        form=BanForm,
        act=act,
        about=customer,
        panels=[blocked_of(customer)],
        back=_back(customer),
        dangerous=True,
    )
    return ask(page, request, question)


def lift(page: StaffAdmin, request: HttpRequest, customer: User) -> HttpResponse:
    """Ask why, and take back what staff blocked."""

    def act(given: dict[str, Any]) -> str:
        reason = given["reason"]
        lifted = bans.lift(customer_id=customer.pk, reason=reason, staff=staff_of(request), at=timezone.now())
        account = "the account is open" if lifted.is_open else "the account stays suspended"
        return f"{_identities(lifted.identities).capitalize()} blocked by staff no more, and {account}: {reason}"

    question = Question(
        title=f"Lift the ban of {customer}",
        lead="What staff blocked is lifted, and so is the suspension, unless a dispute or a fraud warning keeps it."
        " What a dispute blocked stays; each row below has a page where it can be lifted.",
        submit="Lift the ban",
        form=LiftForm,
        act=act,
        about=customer,
        panels=[blocked_of(customer)],
        back=_back(customer),
    )
    return ask(page, request, question)


def blocked_of(customer: User) -> Panel:
    """Return what is or was blocked of a customer, the newest first."""
    rows = BlockedIdentity.objects.filter(customer=customer).select_related("author").order_by("-pk")[:_MOST]
    return Panel(
        "Blocked identities",
        ("What", "Kind", "Blocked by", "Why", "Blocked (UTC)", "Lifted (UTC)"),
        [
            (
                link("accounts_blockedidentity", row.pk, row.value),
                row.get_kind_display(),
                row.author or f"Dispute {row.dispute_ref}",
                row.reason,
                moment(row.blocked_at),
                moment(row.lifted_at),
            )
            for row in rows
        ],
        note="" if rows else "Nothing was ever blocked.",
    )


def has_blocked(customer_id: object) -> bool:
    """Whether staff have blocked something of this customer that is not lifted."""
    rows = BlockedIdentity.objects.filter(customer_id=customer_id, author__isnull=False, lifted_at__isnull=True)
    return bool(rows.exists())


def _identities(number: int) -> str:
    return "1 identity" if number == 1 else f"{number} identities"


def _back(customer: User) -> str:
    return reverse("admin:accounts_user_change", args=[customer.pk])
