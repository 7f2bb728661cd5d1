"""Paying back a payment that a fraud warning is about: a withdrawal with one leg, begun by the panel and not canceled.

It takes the road of every withdrawal: the money is held, the leg is a due row, and `billing.sending` carries it out.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from billing import gateways, ledger, planning, promises
from billing.ledger import NewTransfer, Wallet
from billing.models import (
    Account,
    CustomerAccount,
    Deposit,
    LegState,
    Origin,
    TransferKind,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from panel.kernel import business_days, money

_SENT_WITHIN: Final = (0, 1)  # business days
_SENTENCE: Final = "We paid this back to the method that it was paid with."


def payable(deposit: Deposit, wallet: Wallet, *, at: datetime) -> Decimal:
    """Return what can go back of a deposit: no more than is left of it, nor than the balance has, in whole units."""
    return planning.whole_units(min(planning.left_on(deposit, at=at).amount, wallet.withdrawable))


def payable_now(deposit: Deposit, *, at: datetime) -> Decimal:
    """Return the same from what is read without locks, for telling people."""
    return planning.whole_units(min(planning.left_on(deposit, at=at).amount, on_balance(deposit.customer_id)))


def on_balance(customer_id: int) -> Decimal:
    """Return what a customer's balance has less what he owes, not locked; zero or more."""
    own = Account.objects.filter(customer=customer_id, kind__in=[CustomerAccount.AVAILABLE, CustomerAccount.DEBT])
    total: Decimal = sum((row.balance or money.ZERO for row in own), money.ZERO)
    return max(total, money.ZERO)


def send(deposit: Deposit, wallet: Wallet, amount: Decimal, *, policy_version: int, at: datetime) -> Withdrawal:
    """Hold `amount`, which is payable, and have it sent. The deposit and the accounts are locked."""
    promise = promises.promise(
        at,
        window=_SENT_WITHIN,
        bank_days=gateways.get(deposit.gateway).describe().bank_days,
        calendar=business_days.calendar(settings.BUSINESS_CALENDAR),
        zone=ZoneInfo(settings.TIME_ZONE),
    )
    withdrawal = Withdrawal.objects.create(
        customer_id=deposit.customer_id,
        origin=Origin.WARNING,
        state=WithdrawalState.SCHEDULED,
        amount=amount,
        currency=settings.PANEL_CURRENCY,
        policy_version=policy_version,
        clause="fraud_warnings",
        sentence=_SENTENCE,
        requested_at=at,
        send_at=at,
        earliest_date=promise.earliest,
        send_by_date=promise.send_by,
        bank_by_date=promise.bank_by,
        overdue_at=promise.overdue_at,
        due_at=at,
    )
    WithdrawalLeg.objects.create(
        withdrawal=withdrawal,
        deposit=deposit,
        gateway=deposit.gateway,
        state=LegState.PLANNED,
        amount=amount,
        due_at=at,
    )
    WithdrawalEvent.objects.create(withdrawal=withdrawal, at=at, to_state=WithdrawalState.SCHEDULED, note=_SENTENCE)
    ledger.post([_held(withdrawal, wallet)], at=at)
    return withdrawal


def _held(withdrawal: Withdrawal, wallet: Wallet) -> NewTransfer:
    return NewTransfer(
        key=f"withdrawal:{withdrawal.pk}:opened",
        kind=TransferKind.WITHDRAWAL_OPENED,
        debit=wallet.available_id,
        credit=wallet.held_id,
        amount=withdrawal.amount,
        customer_id=withdrawal.customer_id,
        withdrawal_id=withdrawal.pk,
    )
