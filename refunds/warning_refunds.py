"""Paying back what is left of a payment that a fraud warning is about, in the caller's transaction.

Locks are taken in the order of the house: customer (by the caller), withdrawals, orders, deposits, cases, accounts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from billing import ledger, planning, stopping, warned_refunds
from billing.ledger import Wallet
from billing.models import Deposit, FraudWarning
from billing.withdrawal_moves import Moves
from orders.models import Order
from panel.accounts.models import User
from panel.kernel import money
from refunds import halting

_ORDERS_NOTE: Final = "A payment to this account is being checked."
_NOT_SENT: Final = (
    "We are checking a payment to this account, so this was not sent. The money is on your balance again."
)


@dataclass(slots=True)
class Ground:
    """What is locked for one case: the payment, and what is stopped before it is paid back."""

    customer: User
    deposit_id: int
    holds: bool
    withdrawals: Moves | None
    orders: list[Order]

    @classmethod
    def load(cls, customer: User, deposit: Deposit, *, holds: bool, at: datetime) -> "Ground":
        """Lock what has to be stopped: everything if the account is held, else what the balance falls short of."""
        withdrawals = None
        if holds:
            withdrawals = stopping.load(
                customer_id=customer.pk, deposit_id=None, at=at, origins=stopping.ASKED_FOR_BY_CUSTOMERS
            )
        orders = halting.pending_orders(customer.pk) if holds or _is_short(deposit, at) else []
        touched = {deposit.pk} | (stopping.deposits_of(withdrawals) if withdrawals else set())
        list(Deposit.objects.locked().filter(pk__in=touched).values_list("pk"))
        return cls(customer, deposit.pk, holds, withdrawals, orders)

    def clear(self, *, at: datetime) -> tuple[Deposit, Wallet]:
        """Stop it, so that its money is on the balance; return the payment and the locked accounts as they are then."""
        if self.withdrawals is not None:
            stopping.stop(self.withdrawals, deposit_id=None, note=_ORDERS_NOTE, why=_NOT_SENT)
        halting.cancel(self.orders, note=_ORDERS_NOTE, at=at)
        if self.holds:
            wallet = halting.require_nothing_new(self.customer.pk, origins=stopping.ASKED_FOR_BY_CUSTOMERS)
        else:
            wallet = ledger.lock_wallets([self.customer.pk])[self.customer.pk]
        return Deposit.objects.get(pk=self.deposit_id), wallet


def pay_back(case: FraudWarning, deposit: Deposit, wallet: Wallet, *, policy_version: int, at: datetime) -> str:
    """Have what is payable sent, and note it on the case, which is not saved; return in words what happens."""
    amount = warned_refunds.payable(deposit, wallet, at=at)
    if amount <= 0:
        return why_nothing(deposit, at=at)
    case.refund = amount
    case.withdrawal = warned_refunds.send(deposit, wallet, amount, policy_version=policy_version, at=at)
    return f"{money.display(amount, settings.PANEL_CURRENCY)} goes back to the payment."


def why_nothing(deposit: Deposit, *, at: datetime) -> str:
    """Say why nothing of a payment can be paid back."""
    left = planning.left_on(deposit, at=at)
    if deposit.disputed > 0:
        why = "the payment is disputed at the bank"
    elif left.amount > 0:
        why = "the customer's balance has nothing of it"
    elif deposit.reserved > 0:
        why = "the payment is on its way back already"
    else:
        why = left.why[:1].lower() + left.why[1:].rstrip(".") or "the payment went back already"
    return f"Nothing is refunded: {why}."


def _is_short(deposit: Deposit, at: datetime) -> bool:
    """Whether the balance does not reach; read without a lock, so what is spent meanwhile is simply not refunded."""
    return warned_refunds.on_balance(deposit.customer_id) < planning.left_on(deposit, at=at).amount
