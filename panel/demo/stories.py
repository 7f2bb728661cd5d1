"""What became of the demo's past orders: which ends there are, how many of each, and what the orders were."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from orders.lines import Line
from orders.models import Service, ServiceType

HISTORY_DAYS: Final = 59
ORDERS_A_SESSION: Final = 2
_SEED: Final = "makegood"


class End(Enum):
    """How an order of the demo came out."""

    DELIVERED = "delivered"
    CUT_SHORT = "cut short by the provider"
    PROVIDER_CANCELED = "canceled by the provider before the start"
    PROVIDER_STOPPED = "canceled by the provider on the way"
    CUSTOMER_CANCELED = "canceled by the customer while pending"
    STAFF_CANCELED = "canceled by staff"
    TARGET_GONE = "ended by staff: the target could no longer be reached"
    CORRECTED_DOWN = "completed, then found to be short"
    CORRECTED_UP = "partial, then found to be complete"
    REVIEW_WAITING = "canceled for a wrong link, refund not reviewed yet"
    REVIEW_APPROVED = "canceled for a wrong link, refund approved"
    REVIEW_DECLINED = "canceled for a wrong link, refund declined"
    IN_PROGRESS = "being carried out by staff"
    PROCESSING = "taken on by staff"
    PENDING_STAFF = "waiting for staff"
    PENDING_PROVIDER = "waiting to be sent to the provider"


PAST: Final = {
    End.DELIVERED: 46,
    End.CUT_SHORT: 12,
    End.PROVIDER_CANCELED: 6,
    End.PROVIDER_STOPPED: 4,
    End.CUSTOMER_CANCELED: 7,
    End.STAFF_CANCELED: 4,
    End.TARGET_GONE: 4,
    End.CORRECTED_DOWN: 2,
    End.CORRECTED_UP: 1,
    End.REVIEW_APPROVED: 1,
    End.REVIEW_DECLINED: 1,
}
# The review that waits was asked for nine hours after placing: twenty hours ago, inside of the time that the policies
# promise. Open orders with a provider are only those that the worker will really send: the provider knows no others.
RECENT: Final = (
    (timedelta(hours=29), (End.REVIEW_WAITING,)),
    (timedelta(hours=20), (End.IN_PROGRESS, End.IN_PROGRESS, End.IN_PROGRESS)),
    (timedelta(hours=5), (End.PROCESSING, End.PROCESSING, End.PROCESSING)),
    (timedelta(minutes=40), (End.PENDING_STAFF, End.PENDING_STAFF)),
    (timedelta(seconds=30), (End.PENDING_PROVIDER,) * 4),
)
_BY_STAFF: Final = {End.TARGET_GONE, End.IN_PROGRESS, End.PROCESSING, End.PENDING_STAFF}
_BY_PROVIDER: Final = {End.CUT_SHORT, End.PROVIDER_CANCELED, End.PROVIDER_STOPPED, End.PENDING_PROVIDER}
_IN_UNITS: Final = {
    End.CUT_SHORT,
    End.PROVIDER_STOPPED,
    End.TARGET_GONE,
    End.CORRECTED_DOWN,
    End.CORRECTED_UP,
    End.REVIEW_WAITING,
    End.REVIEW_APPROVED,
    End.REVIEW_DECLINED,
}
_PAGES: Final = ("launch", "spring-collection", "webinar", "interview", "open-day", "guide", "case-study", "tour")


@dataclass(frozen=True, slots=True)
class Session:
    """One visit: a customer (by role) places these lines at once, and each comes to its end."""

    name: str
    role: str
    at: datetime
    lines: tuple[Line, ...]
    ends: tuple[End, ...]
    undelivered: tuple[Decimal, ...]


def sessions(services: Sequence[Service], *, now: datetime) -> list[Session]:
    """Return every session in the order of time; the same for the same catalog and moment."""
    shuffler = random.Random(_SEED)  # noqa: S311 - repeatable on purpose, nothing secret hangs on it
    past = [end for end, number in PAST.items() for _ in range(number)]
    shuffler.shuffle(past)
    groups = [tuple(past[i : i + ORDERS_A_SESSION]) for i in range(0, len(past), ORDERS_A_SESSION)]
    apart = timedelta(days=HISTORY_DAYS - 2) / len(groups)
    begun = now - timedelta(days=HISTORY_DAYS)
    roles = ("customer", "customer", "customer", "second_customer", "suspended_customer")
    dated = [(begun + apart * i, roles[i % len(roles)], ends) for i, ends in enumerate(groups)]
    dated += [(now - before, "customer", ends) for before, ends in RECENT]
    return [_session(i, role, at, ends, services) for i, (at, role, ends) in enumerate(dated)]


def _session(number: int, role: str, at: datetime, ends: tuple[End, ...], services: Sequence[Service]) -> Session:
    draw = random.Random(f"{_SEED}:{number}")  # noqa: S311 - as above
    lines = tuple(_line(end, services, draw, f"{number}-{position}") for position, end in enumerate(ends))
    undelivered = tuple(Decimal(draw.randint(8, 85)) / 100 for _ in ends)
    return Session(f"demo-{number}", role, at, lines, ends, undelivered)


def _line(end: End, services: Sequence[Service], draw: random.Random, suffix: str) -> Line:
    fitting = [
        service
        for service in services
        if not (end in _BY_STAFF and service.provider_id)
        and not (end in _BY_PROVIDER and not service.provider_id)
        and not (end in _IN_UNITS and service.type == ServiceType.PACKAGE)
        and not (end in _IN_UNITS and not service.refund_after_start)
    ]
    service = draw.choice(fitting)
    link = f"https://{draw.choice(_PAGES)}.example.com/{suffix}"
    if service.type == ServiceType.PACKAGE:
        return Line(service.pk, link)
    worth = Decimal(draw.randint(8, 60))
    units = int(worth / service.rate * 10) * 100
    return Line(service.pk, link, min(max(units, service.min_quantity), service.max_quantity))
