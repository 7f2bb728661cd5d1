"""Tables about money that several pages show: deposits, withdrawals, their parts, transfers."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from billing import planning
from billing.admin.showing import brief
from billing.admin.transfers import side
from billing.models import Deposit, Transfer, Withdrawal, WithdrawalLeg
from panel.accounts.admin.pages import Panel, amount, counted, link, moment, nowrap

LATEST = 10


def deposits(customer_id: int, *, at: datetime) -> Panel:
    """Return the customer's latest deposits as at `at`."""
    rows = [
        (
            link("billing_deposit", deposit.pk, deposit.pk),
            moment(deposit.created_at),
            deposit.method,
            deposit.get_state_display(),
            amount(deposit.asked),
            amount(deposit.amount),
            left_on(deposit, at=at),
            moment(deposit.paid_at),
        )
        for deposit in Deposit.objects.filter(customer=customer_id)[:LATEST]
    ]
    headers = ("Deposit", "Opened (UTC)", "Method", "State", "Asked", "Received", "Can go back", "Paid (UTC)")
    return Panel("Latest deposits", headers, rows)


def withdrawals(customer_id: int) -> Panel:
    """Return the customer's latest withdrawals."""
    rows = [
        (
            link("billing_withdrawal", withdrawal.pk, withdrawal.pk),
            moment(withdrawal.requested_at),
            nowrap(amount(withdrawal.amount)),
            nowrap(withdrawal.get_state_display()),
            str(withdrawal.send_by_date),
            withdrawal.decline_reason or withdrawal.review_reason or "-",
        )
        for withdrawal in Withdrawal.objects.filter(customer=customer_id)[:LATEST]
    ]
    headers = ("Withdrawal", "Requested (UTC)", "Amount", "State", "To be sent by", "Reason")
    return Panel("Latest withdrawals", headers, rows)


def legs(found: Iterable[WithdrawalLeg]) -> Panel:
    """Return parts of withdrawals; their deposits and arrangements come with the rows."""
    rows = [
        (
            link("billing_withdrawal", leg.withdrawal_id, f"{leg.withdrawal_id}, part {leg.pk}"),
            _destination(leg),
            nowrap(amount(leg.amount)),
            nowrap(leg.get_state_display()),
            _lines(leg.reference, leg.bank_reference),
            _lines(leg.gateway_words, leg.failure),
            f"{leg.attempt} ({counted(leg.tries, 'call')})",
            moment(leg.due_at),
        )
        for leg in found
    ]
    headers = (
        "Withdrawal",
        "Goes to",
        "Amount",
        "State",
        "References",
        "Gateway says",
        "Attempt",
        "Next step (UTC)",
    )
    return Panel("Parts", headers, rows)


def transfers(found: Iterable[Transfer]) -> Panel:
    """Return transfers; both their accounts come with the rows."""
    rows = [
        (
            link("billing_transfer", transfer.pk, transfer.pk),
            moment(transfer.at),
            transfer.get_kind_display(),
            f"{side(transfer.debit_account)} → {side(transfer.credit_account)}",
            amount(transfer.amount),
        )
        for transfer in found
    ]
    return Panel("Transfers", ("Transfer", "At (UTC)", "Kind", "From → to", "Amount"), rows)


def left_on(deposit: Deposit, *, at: datetime) -> str:
    """Write what of a deposit can still go back, as its customer reads it: nothing comes with the reason."""
    left = planning.left_on(deposit, at=at)
    return _lines(nowrap(amount(left.amount)), brief(left.why) if left.why else "")


def _lines(*texts: str | None) -> str:
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts if text)) or "-"


def _destination(leg: WithdrawalLeg) -> object:
    if leg.deposit is not None:
        return link("billing_deposit", leg.deposit.pk, f"{leg.deposit.method}, deposit {leg.deposit.pk}")
    arrangement = getattr(leg, "arrangement", None)
    return link("billing_arrangement", arrangement.pk, "Another way") if arrangement else "Another way"
