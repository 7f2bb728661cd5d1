"""The tables below a withdrawal: what a reviewer needs to know, its parts, its timeline, what was booked."""

from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from billing.admin import money_panels
from billing.models import (
    Account,
    CustomerAccount,
    Deposit,
    DepositState,
    LegState,
    Transfer,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.models.withdrawal import HELD
from panel.accounts.admin.pages import Panel, amount, link, moment
from panel.kernel import money

_MOST = 100


def of(request: HttpRequest, withdrawal: Withdrawal) -> list[Panel]:
    """Return what this member of staff may see, in a fixed number of queries."""
    found = [parts(withdrawal), *at_a_glance(withdrawal), _timeline(withdrawal)]
    if request.user.has_perm("billing.view_deposit"):
        found.append(money_panels.deposits(withdrawal.customer_id, at=timezone.now()))
    found.append(money_panels.withdrawals(withdrawal.customer_id))
    if request.user.has_perm("billing.view_transfer"):
        booked = Transfer.objects.filter(withdrawal=withdrawal).select_related("debit_account", "credit_account")
        found.append(money_panels.transfers(booked.order_by("id")[:_MOST]))
    return found


def parts(withdrawal: Withdrawal) -> Panel:
    """Return where it goes, one row a leg."""
    legs = WithdrawalLeg.objects.filter(withdrawal=withdrawal).select_related("deposit", "arrangement")
    return money_panels.legs(legs.order_by("id")[:_MOST])


def at_a_glance(withdrawal: Withdrawal) -> list[Panel]:
    """Return what to judge a withdrawal by: how old the account is, and what went in and out of it in all."""
    customer = withdrawal.customer
    deposits = Deposit.objects.filter(customer=customer).aggregate(
        paid=Sum("amount"),
        first=Min("paid_at"),
        number=Count("pk", filter=Q(state=DepositState.PAID)),
        failed=Count("pk", filter=Q(state=DepositState.FAILED)),
    )
    legs = WithdrawalLeg.objects.filter(withdrawal__customer=customer).aggregate(
        paid=Sum("amount", filter=Q(state=LegState.PAID)), under_way=Sum("amount", filter=Q(state__in=HELD))
    )
    balances = dict(Account.objects.filter(customer=customer).values_list("kind", "balance"))
    since = f"{moment(customer.date_joined)} ({timesince(customer.date_joined, timezone.now(), depth=1)})"
    who = {
        "Customer": link("accounts_user", customer.pk, customer),
        "Account since (UTC)": since,
        "Standing": customer.get_standing_display(),
        "Suspended": customer.suspension_reason if customer.is_suspended else "No",
        "First deposit paid (UTC)": moment(deposits["first"]),
        "Deposits paid": str(deposits["number"]),
        "Deposits failed": str(deposits["failed"]),
    }
    money_in_all = {
        "Paid in, in all": deposits["paid"] or money.ZERO,
        "Paid back, in all": legs["paid"] or money.ZERO,
        "On its way back": legs["under_way"] or money.ZERO,
        **{f"{kind.label} balance": balances.get(kind) or money.ZERO for kind in CustomerAccount},
    }
    return [
        Panel("The customer", list(who), [list(who.values())]),
        Panel("Money of the customer", list(money_in_all), [[amount(value) for value in money_in_all.values()]]),
    ]


def _timeline(withdrawal: Withdrawal) -> Panel:
    events = WithdrawalEvent.objects.filter(withdrawal=withdrawal).select_related("actor").order_by("-id")[:_MOST]
    rows = [
        (
            moment(event.at),
            f"Part {event.leg_id}" if event.leg_id else "Withdrawal",
            _move(event),
            link("accounts_user", event.actor_id, event.actor) if event.actor_id else "The panel",
            event.note or "-",
        )
        for event in events
    ]
    return Panel("Timeline, the latest first", ("At (UTC)", "What", "Move", "By", "Note"), rows)


def _move(event: WithdrawalEvent) -> str:
    states = LegState if event.leg_id else WithdrawalState
    return f"{states(event.from_state).label if event.from_state else 'New'} → {states(event.to_state).label}"
