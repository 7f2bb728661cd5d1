"""The tables of a fraud warning's page: its money, what happened when, the payment, and the refund that it led to."""

from datetime import datetime

from django.http import HttpRequest

from billing import warned_refunds
from billing.admin import money_panels
from billing.models import FraudWarning, FraudWarningEvent, WarningState, Withdrawal, WithdrawalLeg
from panel.accounts.admin.pages import Panel, amount, counted, link, moment
from refunds.admin import dispute_panels

_MOST = 100


def of(request: HttpRequest, case: FraudWarning) -> list[Panel]:
    """Return what this member of staff may see, in a fixed number of queries."""
    found = [timeline(case), dispute_panels.payment(case.deposit)]
    if request.user.has_perm("billing.view_withdrawal"):
        found += refund(case.withdrawal)
    return [*found, others(case)]


def money_now(case: FraudWarning, *, at: datetime) -> Panel:
    """Return what was and is left of the payment, and what goes back because of the case."""
    row = (
        amount(case.deposit.amount),
        amount(case.left),
        amount(warned_refunds.payable_now(case.deposit, at=at)),
        amount(case.refund or None),
    )
    headers = ("Received", "Could go back when it came", "Could go back now", "Goes or went back")
    note = "What pending orders took is not counted as going back, although a refund cancels them if it needs to."
    return Panel("Money", headers, [row], note)


def timeline(case: FraudWarning) -> Panel:
    """Return what happened in the case, the latest first."""
    events = FraudWarningEvent.objects.filter(warning=case).select_related("actor").order_by("-id")[:_MOST]
    rows = [
        (
            moment(event.at),
            _move(event),
            event.note or "-",
            link("accounts_user", event.actor_id, event.actor) if event.actor_id else "The panel",
        )
        for event in events
    ]
    return Panel("Timeline, the latest first", ("At (UTC)", "State", "What", "By"), rows)


def refund(withdrawal: Withdrawal | None) -> list[Panel]:
    """Return the withdrawal that carries the latest refund, with its parts."""
    title = "The refund that it made"
    if withdrawal is None:
        return [Panel(title, (), (), "None: nothing was sent because of this case.")]
    row = (
        link("billing_withdrawal", withdrawal.pk, f"Withdrawal {withdrawal.pk}"),
        moment(withdrawal.requested_at),
        amount(withdrawal.amount),
        withdrawal.get_state_display(),
        str(withdrawal.send_by_date),
    )
    headers = ("Withdrawal", "Begun (UTC)", "Amount", "State", "To be sent by")
    legs = WithdrawalLeg.objects.filter(withdrawal=withdrawal).select_related("deposit").order_by("id")
    return [Panel(title, headers, [row]), money_panels.legs(legs)]


def others(case: FraudWarning) -> Panel:
    """Return the customer's other cases."""
    found = FraudWarning.objects.filter(customer=case.customer_id).exclude(pk=case.pk).order_by("-id")[:_MOST]
    rows = [
        (
            link("billing_fraudwarning", one.pk, one),
            link("billing_deposit", one.deposit_id, f"Deposit {one.deposit_id}"),
            moment(one.created_at),
            one.get_state_display(),
        )
        for one in found
    ]
    title = "Other fraud warnings of the customer"
    if not rows:
        return Panel(title, (), (), "There are none.")
    return Panel(title, ("Case", "Payment", "Opened (UTC)", "State"), rows)


def age(since: datetime, *, at: datetime) -> str:
    """Write how long a case has been there: in hours for two days, in days from then on."""
    hours = max(int((at - since).total_seconds() // 3600), 0)
    return counted(hours, "hour") if hours < 2 * 24 else counted(hours // 24, "day")


def _move(event: FraudWarningEvent) -> str:
    after = WarningState(event.to_state).label
    if event.from_state == event.to_state:
        return after
    return f"{WarningState(event.from_state).label if event.from_state else 'New'} → {after}"
