"""Which transfers turn what is owed into what is booked. Pure arithmetic over one order's money.

An order's charge is in three parts: refunded to the customer, recognized as revenue, and still in progress.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from panel.kernel import money


class Pot(Enum):
    """Where a part of an order's charge can be."""

    IN_PROGRESS = "in_progress"
    REVENUE = "revenue"
    AVAILABLE = "available"
    PROMO = "promo"


@dataclass(frozen=True, slots=True)
class Books:
    """An order's money: the charge, the promotional part of it, and what became of it. Money scale."""

    charge: Decimal
    charge_promo: Decimal
    refunded: Decimal
    recognized: Decimal


@dataclass(frozen=True, slots=True)
class Booking:
    """One amount above zero to move from one pot to another."""

    source: Pot
    target: Pot
    amount: Decimal


def due(books: Books, owed: Decimal) -> Decimal:
    """Return what is to be credited now: what is owed in total less what was credited, never below zero.

    `owed` is capped at the charge, so no sequence of decisions gives back more than was paid.
    """
    return max(min(owed, books.charge) - books.refunded, money.ZERO)


def settle(books: Books, *, credit: Decimal, held_back: Decimal) -> list[Booking]:
    """Return the bookings that credit `credit` and recognize the rest as revenue, except `held_back` (under review).

    Credits come from what is in progress and, on a late correction, from revenue. The promotional share goes back to
    the promotional balance; the shares of all credits add up to exactly the promotional part at a full refund.
    """
    return list(_bookings(books, credit, held_back))


def _bookings(books: Books, credit: Decimal, held_back: Decimal) -> Iterator[Booking]:
    in_progress = books.charge - books.refunded - books.recognized
    after = books.refunded + credit
    promo = _promo_share(books, after) - _promo_share(books, books.refunded) if books.charge_promo else money.ZERO
    for target, amount in ((Pot.PROMO, promo), (Pot.AVAILABLE, credit - promo)):
        from_progress = min(amount, in_progress)
        in_progress -= from_progress
        if from_progress:
            yield Booking(Pot.IN_PROGRESS, target, from_progress)
        if amount > from_progress:
            yield Booking(Pot.REVENUE, target, amount - from_progress)
    earned = in_progress - held_back
    if earned > 0:
        yield Booking(Pot.IN_PROGRESS, Pot.REVENUE, earned)


def _promo_share(books: Books, refunded: Decimal) -> Decimal:
    """Return how much of the refunded total is promotional money: its share of the charge, rounded down."""
    return money.share(books.charge_promo, refunded, books.charge)
