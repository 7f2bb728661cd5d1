"""Which orders a deposit paid for: traced through the ledger, first in, first out.

A customer's available balance is made of lots, one for each deposit and one for what staff gave. What is spent comes
from the oldest lot that has something left. What comes back returns to the lot that it came from: an order's refund to
the lots that paid the order, a withdrawal that was not sent to the deposit that it was to go to.
"""

import heapq
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import connection

from billing.models import TransferKind, WithdrawalLeg
from panel.kernel import money

Lot = int | None
"""A deposit's number; None for money that came from no deposit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transfer as the available balance sees it: `amount` is above zero when it came in, below when it went."""

    kind: str
    amount: Decimal
    order_ref: int | None = None
    deposit_id: int | None = None
    withdrawal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a deposit paid of an order, and how much of that came back to the balance. Money scale."""

    order_ref: int
    amount: Decimal
    returned: Decimal


@dataclass(slots=True)
class _Share:
    amount: Decimal = money.ZERO
    returned: Decimal = money.ZERO


class _Trace:
    """The lots as they are after each step, and the shares of the orders that are asked about."""

    def __init__(self, deposit_id: int, came_back: Container[int]) -> None:
        self._deposit_id, self._came_back = deposit_id, came_back
        self._left: dict[Lot, Decimal] = {}
        self._ranks: dict[Lot, int] = {}
        self._lots: list[Lot] = []  # by rank: the oldest first
        self._spendable: list[int] = []  # a heap of ranks; those of lots that were emptied since are passed over
        self.shares: dict[int, dict[Lot, _Share]] = {}

    def give(self, lot: Lot, amount: Decimal) -> None:
        if amount <= 0:
            return
        if lot not in self._ranks:
            self._ranks[lot] = len(self._lots)
            self._lots.append(lot)
        if not self._left.get(lot):
            heapq.heappush(self._spendable, self._ranks[lot])
        self._left[lot] = self._left.get(lot, money.ZERO) + amount

    def take(self, amount: Decimal, *, first: Lot = None) -> dict[Lot, Decimal]:
        """Take from one lot as far as it reaches and then from the oldest ones; return how much from which."""
        taken: dict[Lot, Decimal] = {}
        if first is not None and self._left.get(first):
            taken[first] = self._take_from(first, amount)
            amount -= taken[first]
        while amount > 0 and self._spendable:
            lot = self._lots[self._spendable[0]]
            if self._left[lot]:
                part = self._take_from(lot, amount)
                taken[lot] = taken.get(lot, money.ZERO) + part
                amount -= part
            else:
                heapq.heappop(self._spendable)
        return taken

    def pay(self, order_ref: int, amount: Decimal) -> None:
        """Take what an order costs; where it came from is kept if the deposit is among it or something comes back."""
        taken = self.take(amount)
        if self._deposit_id not in taken and order_ref not in self._came_back:
            return
        shares = self.shares.setdefault(order_ref, {})
        for lot, part in taken.items():
            share = shares.setdefault(lot, _Share())
            share.amount += part

    def repay(self, order_ref: int, amount: Decimal) -> None:
        for lot, share in reversed(self.shares.get(order_ref, {}).items()):
            part = min(amount, share.amount - share.returned)
            share.returned += part
            self.give(lot, part)
            amount -= part
        self.give(None, amount)

    def _take_from(self, lot: Lot, amount: Decimal) -> Decimal:
        part = min(amount, self._left[lot])
        self._left[lot] -= part
        return part


_TO_ITS_DEPOSIT: Final = frozenset(
    {
        TransferKind.DEPOSIT,
        TransferKind.WITHDRAWAL_RETURNED,
        TransferKind.WITHDRAWAL_REVERSED,
        TransferKind.DISPUTE_RETURNED,
    }
)


def orders_paid_by(
    deposit_id: int, steps: Iterable[Step], legs: Mapping[int, Mapping[Lot, Decimal]], *, came_back: Container[int]
) -> list[Paid]:
    """Return the orders that a deposit paid for, the oldest first.

    `steps` are all moves of the customer's available balance in their order; `legs` has for each withdrawal how much of
    it goes back to which deposit; `came_back` has the orders of which something came back to the balance. Of the other
    orders nothing is kept that the deposit has no part in, so a million of them need no memory.
    """
    trace = _Trace(deposit_id, came_back)
    for step in steps:
        _follow(trace, step, legs)
    return [
        Paid(order_ref, shares[deposit_id].amount, shares[deposit_id].returned)
        for order_ref, shares in trace.shares.items()
        if deposit_id in shares
    ]


def _follow(trace: _Trace, step: Step, legs: Mapping[int, Mapping[Lot, Decimal]]) -> None:
    if step.amount > 0:
        if step.order_ref is not None:
            trace.repay(step.order_ref, step.amount)
        else:
            trace.give(step.deposit_id if step.kind in _TO_ITS_DEPOSIT else None, step.amount)
    elif step.order_ref is not None:
        trace.pay(step.order_ref, -step.amount)
    elif step.kind == TransferKind.WITHDRAWAL_OPENED:
        for lot, amount in legs.get(step.withdrawal_id or 0, {}).items():
            trace.take(amount, first=lot)
    else:
        trace.take(-step.amount, first=step.deposit_id)


_OF_BALANCE: Final = """
    FROM billing_transfer t
    JOIN billing_account a ON a.customer_id = t.customer_id AND a.kind = 'available'
        AND a.id IN (t.debit_account_id, t.credit_account_id)
    WHERE t.customer_id = %s
"""
_STEPS: Final = f"""
    SELECT t.kind, CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END,
           t.order_ref, t.deposit_id, t.withdrawal_id
    {_OF_BALANCE} ORDER BY t.id
"""
_CAME_BACK: Final = f"SELECT DISTINCT t.order_ref {_OF_BALANCE} AND t.credit_account_id = a.id AND t.order_ref > 0"


def orders_of_deposit(deposit_id: int, *, customer_id: int) -> list[Paid]:
    """Return the orders that a deposit of this customer paid for, the oldest first. Reads all of his transfers."""
    legs: dict[int, dict[Lot, Decimal]] = {}
    found = WithdrawalLeg.objects.filter(withdrawal__customer_id=customer_id)
    for withdrawal_id, lot, amount in found.values_list("withdrawal_id", "deposit_id", "amount").order_by("pk"):
        own = legs.setdefault(withdrawal_id, {})
        own[lot] = own.get(lot, money.ZERO) + amount
    with connection.cursor() as cursor:
        cursor.execute(_CAME_BACK, [customer_id])
        came_back = {order_ref for (order_ref,) in cursor.fetchall()}
    has_own_session = not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]
    with connection.chunked_cursor() if has_own_session else connection.cursor() as cursor:
        cursor.execute(_STEPS, [customer_id])
        return orders_paid_by(deposit_id, (Step(*row) for row in cursor), legs, came_back=came_back)
