"""The arithmetic of bookings: a charge is in three parts that always add up, promotional money included."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds import bookings
from refunds.bookings import Booking, Books, Pot

UNIT = Decimal("0.000001")
IN_PROGRESS, REVENUE, AVAILABLE, PROMO = Pot.IN_PROGRESS, Pot.REVENUE, Pot.AVAILABLE, Pot.PROMO


def books(charge: str, *, promo: str = "0", refunded: str = "0", recognized: str = "0") -> Books:
    return Books(Decimal(charge), Decimal(promo), Decimal(refunded), Decimal(recognized))


@pytest.mark.parametrize(
    ("owed", "refunded", "due"),
    [("4", "0", "4"), ("4", "3", "1"), ("4", "4", "0"), ("3", "4", "0"), ("11", "0", "10"), ("11", "9", "1")],
)
def test_due_is_what_is_owed_less_what_was_credited_between_zero_and_the_charge(
    owed: str, refunded: str, due: str
) -> None:
    assert bookings.due(books("10", refunded=refunded), Decimal(owed)) == Decimal(due)


@pytest.mark.parametrize(
    ("before", "credit", "held_back", "booked"),
    [
        (books("10"), "0", "0", [(IN_PROGRESS, REVENUE, "10")]),
        (books("10"), "10", "0", [(IN_PROGRESS, AVAILABLE, "10")]),
        (books("10"), "4", "0", [(IN_PROGRESS, AVAILABLE, "4"), (IN_PROGRESS, REVENUE, "6")]),
        (books("10"), "0", "4", [(IN_PROGRESS, REVENUE, "6")]),
        (books("10", recognized="6"), "4", "0", [(IN_PROGRESS, AVAILABLE, "4")]),
        (books("10", recognized="10"), "4", "0", [(REVENUE, AVAILABLE, "4")]),
        (books("10", recognized="8"), "4", "0", [(IN_PROGRESS, AVAILABLE, "2"), (REVENUE, AVAILABLE, "2")]),
        (books("10", refunded="4", recognized="6"), "0", "0", []),
        (books("10", recognized="10"), "0", "4", []),
        (books("10", promo="10"), "10", "0", [(IN_PROGRESS, PROMO, "10")]),
        (
            books("10", promo="5"),
            "4",
            "0",
            [(IN_PROGRESS, PROMO, "2"), (IN_PROGRESS, AVAILABLE, "2"), (IN_PROGRESS, REVENUE, "6")],
        ),
    ],
)
def test_books(before: Books, credit: str, held_back: str, booked: list[tuple[Pot, Pot, str]]) -> None:
    found = bookings.settle(before, credit=Decimal(credit), held_back=Decimal(held_back))

    assert found == [Booking(source, target, Decimal(amount)) for source, target, amount in booked]


def amounts(top: Decimal) -> st.SearchStrategy[Decimal]:
    return st.integers(0, int(top / UNIT)).map(lambda units: units * UNIT)


@given(st.data())
def test_a_charge_is_never_lost_nor_made_however_it_is_given_back(data: st.DataObject) -> None:
    charge = data.draw(amounts(Decimal(100)).filter(lambda amount: amount > 0))
    promo = data.draw(amounts(charge))
    pots = {IN_PROGRESS: charge, REVENUE: Decimal(0), AVAILABLE: Decimal(0), PROMO: Decimal(0)}
    for _ in range(data.draw(st.integers(1, 6))):
        refunded = pots[AVAILABLE] + pots[PROMO]
        owed = data.draw(amounts(charge))
        now = Books(charge, promo, refunded, pots[REVENUE])
        credit = bookings.due(now, owed)
        held_back = data.draw(amounts(charge - refunded - credit))

        for booking in bookings.settle(now, credit=credit, held_back=held_back):
            assert booking.amount > 0
            pots[booking.source] -= booking.amount
            pots[booking.target] += booking.amount

        assert sum(pots.values()) == charge
        assert min(pots.values()) >= 0
        assert pots[AVAILABLE] + pots[PROMO] == refunded + credit
        assert pots[PROMO] <= promo
        assert pots[AVAILABLE] <= charge - promo + UNIT
    if pots[AVAILABLE] + pots[PROMO] == charge:
        assert pots[PROMO] == promo
