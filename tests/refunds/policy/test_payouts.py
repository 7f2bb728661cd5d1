"""Comparing two clauses exactly finds an order whenever one of many tried by hand shows it."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refunds.policy import owing, payouts
from refunds.policy.clauses import Clause, Portion, Refund
from refunds.policy.facts import Amounts, Delivery
from refunds.policy.payouts import Case
from tests.refunds.policy import force
from tests.refunds.policy.random_policies import BASE, clauses

ANY = clauses("any", BASE.default.when)
ALL = replace(BASE.default, refund=Refund.FULL)
MIDDLING = replace(ALL, cap=Portion(sum=Decimal(10)), fee=Portion(sum=Decimal(5)))
PART = replace(BASE.default, refund=Refund.UNDELIVERED)


def assert_possible(case: Case, delivery: Delivery) -> None:
    assert case.charge > 0
    assert 0 <= case.undelivered <= case.charge
    if delivery is Delivery.NONE:
        assert case.undelivered == case.charge
    if delivery is Delivery.ALL:
        assert case.undelivered == 0


@settings(max_examples=200, deadline=None)
@given(first=ANY, second=ANY, delivery=st.sampled_from(Delivery))
def test_finds_an_order_exactly_when_some_order_shows_it(first: Clause, second: Clause, delivery: Delivery) -> None:
    tried = [owing.owed(first, one) - owing.owed(second, one) > force.NOISE for one in force.orders(delivery)]

    case = payouts.exceeds(first, second, delivery)

    assert (case is not None) or not any(tried)
    if case is not None:
        assert_possible(case, delivery)
        high, low = payouts.payout(first), payouts.payout(second)
        assert high(case.charge, case.undelivered) > low(case.charge, case.undelivered)


@settings(max_examples=200, deadline=None)
@given(clause=ANY, delivery=st.sampled_from(Delivery))
def test_pays_keeps_and_stays_within_the_charge_as_orders_show(clause: Clause, delivery: Delivery) -> None:
    orders = list(force.orders(delivery))

    assert payouts.pays(clause, delivery) or all(owing.owed(clause, one) <= force.NOISE for one in orders)
    assert payouts.falls_short(clause, delivery) or all(
        owing.share(Refund.UNDELIVERED, one) - owing.owed(clause, one) <= force.NOISE for one in orders
    )
    assert payouts.exceeds_charge(clause) is None
    assert all(owing.owed(clause, one) <= one.charge for one in orders)


@settings(max_examples=200, deadline=None)
@given(clause=ANY, charge=st.decimals(Decimal("0.01"), 10_000, places=6), remains=st.integers(0, 1000))
def test_the_exact_payout_is_what_is_owed_but_for_rounding(clause: Clause, charge: Decimal, remains: int) -> None:
    amounts = Amounts(charge, 1000, remains)

    exact = payouts.payout(clause)(Fraction(charge), Fraction(charge) * remains / 1000)

    assert abs(exact - Fraction(owing.owed(clause, amounts))) <= Fraction(force.NOISE)


@pytest.mark.parametrize(
    ("first", "second", "delivery", "expected"),
    [
        (ALL, PART, Delivery.NONE, None),
        (ALL, PART, Delivery.SOME, True),
        (PART, ALL, Delivery.SOME, None),
        (PART, replace(PART, cap=Portion(basis_points=5000)), Delivery.ALL, None),
        (PART, replace(PART, cap=Portion(basis_points=5000)), Delivery.SOME, True),
        # Only between 5.56 and 50: neither for the smallest orders nor for the largest.
        (MIDDLING, replace(ALL, cap=Portion(basis_points=1000)), Delivery.ALL, True),
        # A cap in money binds only above it, a fee in money eats all below it.
        (ALL, replace(ALL, cap=Portion(sum=Decimal(99_999_999))), Delivery.ALL, True),
        (replace(ALL, cap=Portion(basis_points=1)), replace(ALL, fee=Portion(sum=Decimal(5))), Delivery.ALL, True),
        (replace(ALL, fee=Portion(sum=Decimal(5))), replace(ALL, fee=Portion(basis_points=9999)), Delivery.ALL, True),
    ],
)
def test_knows_when_one_clause_pays_more(
    first: Clause,
    second: Clause,
    delivery: Delivery,
    expected: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    assert (payouts.exceeds(first, second, delivery) is not None) is bool(expected)


def test_finds_a_fall_where_one_delivery_passes_into_the_next() -> None:
    assert payouts.falls_as_less_is_delivered(ALL, Delivery.ALL, PART) is not None
    assert payouts.falls_as_less_is_delivered(ALL, Delivery.SOME, PART) is None
    assert payouts.falls_as_less_is_delivered(PART, Delivery.ALL, ALL) is None
    assert payouts.falls_as_less_is_delivered(PART, Delivery.SOME, replace(PART, fee=Portion(basis_points=1)))
