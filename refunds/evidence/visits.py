"""Where a customer came from: his sign-ins, the payment pages that he opened, the orders that he placed.

The one module that reads these records of addresses for evidence.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final

from billing.models import Deposit
from orders.models import Order, PlacedThrough
from panel.accounts.models import SignIn, SignInWay
from refunds.evidence.pack.case import Visit

MOST_READ: Final = 2_000
"""Of each kind: far more than any text of the evidence has room for."""

_SAME_VISIT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Log:
    """The newest visits, oldest first, and how many there are before them."""

    visits: tuple[Visit, ...]
    older: int


@dataclass(frozen=True, slots=True)
class PaidFrom:
    """Where a payment came from: address, what the browser called itself, method; empty where it is not known."""

    address: str = ""
    device: str = ""
    method: str = ""


def log(customer_id: int, *, until: datetime) -> Log:
    """Return what the customer did on the site up to `until`."""
    signed_in = SignIn.objects.filter(user_id=customer_id, at__lte=until)
    opened = Deposit.objects.filter(customer_id=customer_id, recorded_by__isnull=True, created_at__lte=until)
    placed = Order.objects.filter(customer_id=customer_id, placed_at__lte=until)
    found = [
        *(_signed_in(row) for row in signed_in.order_by("-id")[:MOST_READ]),
        *(
            Visit(at=row.created_at, what=f"opened the page of payment {row.pk}", address=row.opened_from or "")
            for row in opened.order_by("-id")[:MOST_READ]
        ),
        *(
            Visit(at=row.placed_at, what=_placed(row), address=row.placed_from or "")
            for row in placed.order_by("-id")[:MOST_READ]
        ),
    ]
    found.sort(key=lambda visit: (visit.at, visit.what))
    shown = found[-MOST_READ:]
    total = signed_in.count() + opened.count() + placed.count()
    return Log(tuple(shown), total - len(shown))


def through(order: Order) -> str:
    """Say which way an order was placed, in words within a sentence; empty when it is not known."""
    return _THROUGH.get(order.placed_through, "")


def paid_from(deposits: Collection[Deposit]) -> Mapping[int, PaidFrom]:
    """Return for deposits of one customer, by number, where they were opened from; the device by the last sign-in."""
    if not deposits:
        return {}
    customers = {deposit.customer_id for deposit in deposits}
    rows = SignIn.objects.filter(user__in=customers).exclude(user_agent="").values_list("at", "user_agent")
    signed_in = sorted(rows.iterator())
    return {
        deposit.pk: PaidFrom(
            deposit.opened_from or "", _device(signed_in, deposit.created_at), deposit.method_fingerprint
        )
        for deposit in deposits
    }


_THROUGH: Final = {PlacedThrough.WEB.value: "the website", PlacedThrough.API_V2.value: "the API"}


def _signed_in(row: SignIn) -> Visit:
    what = "signed up" if row.way == SignInWay.SIGN_UP else "signed in"
    how = f" ({SignInWay(row.way).label.lower()})" if row.way and row.way != SignInWay.SIGN_UP else ""
    return Visit(at=row.at, what=what + how, address=row.address or "", device=row.user_agent)


def _placed(order: Order) -> str:
    way = through(order)
    return f"placed order {order.pk}" + (f" through {way}" if way else "")


def _device(signed_in: Sequence[tuple[datetime, str]], at: datetime) -> str:
    """Return the device of the last sign-in before, if it was not long before; `signed_in` is in order of time."""
    before = bisect_right(signed_in, at, key=itemgetter(0))
    when, device = signed_in[before - 1] if before else (None, "")
    return device if when is not None and when >= at - _SAME_VISIT else ""
