"""Stopping what a customer whose account is suspended has under way: pending orders, and withdrawals that wait."""

from collections.abc import Collection, Iterable
from datetime import datetime

from billing import ledger, stopping
from billing.ledger import Wallet
from billing.models import Origin
from orders import lifecycle
from orders.lifecycle import Move
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.kernel.errors import Busy


def pending_orders(customer_id: int) -> list[Order]:
    """Lock the customer's pending orders: after withdrawals, before deposits."""
    return list(Order.objects.locked().filter(customer=customer_id, status=OrderStatus.PENDING))


def cancel(orders: Iterable[Order], *, note: str, at: datetime) -> None:
    """Cancel locked pending orders, in the caller's transaction; their money is on the balance at once."""
    moves = [
        Move(order.pk, OrderStatus.CANCELED, cause=Cause.STAFF_CANCELED, remains=order.quantity, note=note)
        for order in orders
    ]
    lifecycle.transition(moves, initiator=Initiator.SYSTEM, at=at)


def require_nothing_new(customer_id: int, *, origins: Collection[Origin] = stopping.ALL) -> Wallet:
    """Lock the accounts and raise Busy when something was placed or asked for while the rest was being stopped.

    Placing and withdrawing take the accounts' lock, which is held from here on, and look at the suspension after.
    """
    wallet = ledger.lock_wallets([customer_id])[customer_id]
    placed = Order.objects.filter(customer=customer_id, status=OrderStatus.PENDING).exists()
    if placed or stopping.waits(customer_id, origins=origins):
        raise Busy("This customer orders or withdraws at this very moment; it is tried again a moment later.")
    return wallet
