"""The demo's refills: one that went well, one that was rejected, and one that waits for staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orders import refill_handling, refills
from orders.models import Order, OrderStatus, Refill, RefillState
from panel.accounts.models import User

_TAKES: Final = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A refill that the customer asked for so long before now; without an end, it still waits."""

    before: timedelta
    end: RefillState | None = None
    note: str = ""


_WISHES: Final = (
    _Wish(timedelta(days=15), RefillState.COMPLETED, "The network replaced 1,400 impressions that it had taken back."),
    _Wish(timedelta(days=6), RefillState.REJECTED, "Their report and ours show that nothing was taken back."),
    _Wish(timedelta(hours=5)),
)


def load(users: Mapping[str, User], *, now: datetime) -> int:
    """Ask for the demo's refills and settle them, as far as that is not done yet; return how many are new."""
    customer, staff = users["customer"], users["second_staff"]
    there = list(Refill.objects.filter(order__customer=customer).order_by("pk"))
    for place, wish in enumerate(_WISHES):
        at = now - wish.before
        refill = there[place] if place < len(there) else _asked(customer, at)
        if refill is not None and refill.is_live and wish.end is not None:
            refill_handling.settle(refill_id=refill.pk, to=wish.end, note=wish.note, staff=staff, at=at + _TAKES)
    return Refill.objects.filter(order__customer=customer).count() - len(there)


def _asked(customer: User, at: datetime) -> Refill | None:
    """Ask for a refill of the latest order that had been delivered by then and that nothing else was said about."""
    orders = Order.objects.filter(
        customer=customer,
        status=OrderStatus.COMPLETED,
        allows_refill=True,
        final_at__lt=at - timedelta(days=2),
        refund_requests=None,
        refills=None,
    )
    order = orders.order_by("-pk").first()
    return None if order is None else refills.ask(customer=customer, order_id=order.pk, at=at)
