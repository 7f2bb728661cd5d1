"""Amounts with caps and fees."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.kernel import money
from refunds.policy import engine, owing
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.facts import Amounts, Cause, Delivery, Facts, Initiator, Refill, Status
from refunds.policy.matching import Condition
from tests.refunds.policy.widened import CREATORS, NEWSLETTER, WIDENED

CHARGES = st.decimals(0, Decimal("99999999999999.999999"), places=6)
SUMS = st.decimals(money.QUANTUM, Decimal(1000), places=6)
PORTIONS = st.none() | st.builds(Portion, st.integers(1, 9999)) | st.builds(lambda amount: Portion(sum=amount), SUMS)


def clause(refund: Refund, cap: Portion | None = None, fee: Portion | None = None) -> Clause:
    words = ("one", "Group", Condition())
    return Clause(*words, refund, Approval.AUTOMATIC, "Text.", "so it is", "our own", cap, fee)


def percent(points: str) -> Portion:
    return Portion(basis_points=int(Decimal(points) * 100))


def fixed(amount: str) -> Portion:
    return Portion(sum=Decimal(amount))


CLAUSES = st.builds(clause, st.sampled_from(Refund), PORTIONS, PORTIONS)


@st.composite
def any_amounts(draw: st.DrawFn) -> Amounts:
    quantity = draw(st.integers(1, 10**12))
    return Amounts(draw(CHARGES), quantity, draw(st.integers(0, quantity)))


@pytest.mark.parametrize(
    ("refund", "cap", "fee", "owed"),
    [
        (Refund.FULL, None, None, "10.00"),
        (Refund.UNDELIVERED, None, None, "4.00"),
        (Refund.FULL, percent("50"), None, "5.00"),
        (Refund.UNDELIVERED, percent("50"), None, "4.00"),
        (Refund.UNDELIVERED, fixed("3.00"), None, "3.00"),
        (Refund.FULL, fixed("25.00"), None, "10.00"),
        (Refund.FULL, None, percent("2.5"), "9.75"),
        (Refund.UNDELIVERED, None, percent("2.5"), "3.90"),
        (Refund.UNDELIVERED, None, fixed("0.50"), "3.50"),
        (Refund.UNDELIVERED, None, fixed("4.00"), "0"),
        (Refund.UNDELIVERED, None, fixed("4.01"), "0"),
        (Refund.FULL, percent("50"), fixed("0.50"), "4.50"),
        (Refund.UNDELIVERED, fixed("3.00"), percent("2.5"), "2.925"),
        (Refund.NONE, percent("50"), fixed("0.50"), "0"),
    ],
)
def test_a_cap_limits_what_is_owed_and_then_a_fee_is_kept(
    refund: Refund, cap: Portion | None, fee: Portion | None, owed: str
) -> None:
    assert owing.owed(clause(refund, cap, fee), Amounts(Decimal("10.00"), 1000, 400)) == Decimal(owed)


@pytest.mark.parametrize(
    ("charge", "cap", "fee", "owed"),
    [
        ("0.333333", percent("33.33"), None, "0.111099"),  # 0.1110998889 of the charge, rounded down
        ("0.333333", None, percent("33.33"), "0.222234"),  # the fee is rounded down, for the customer
        ("0.000001", percent("99.99"), None, "0"),
        ("0.000001", None, percent("99.99"), "0.000001"),
        ("99999999999999.999999", percent("0.01"), None, "9999999999.999999"),
    ],
)
def test_percentages_are_rounded_down_to_six_places(
    charge: str, cap: Portion | None, fee: Portion | None, owed: str
) -> None:
    assert owing.owed(clause(Refund.FULL, cap, fee), Amounts(Decimal(charge), 3, 3)) == Decimal(owed)


@given(CLAUSES, any_amounts())
def test_no_cap_or_fee_owes_less_than_nothing_or_more_than_the_charge(one: Clause, amounts: Amounts) -> None:
    owed = owing.owed(one, amounts)

    assert 0 <= owed <= amounts.charge
    assert owed <= owing.share(one.refund, amounts)
    assert owed.as_tuple().exponent == -money.PLACES


@given(CLAUSES, any_amounts(), st.data())
def test_more_undelivered_units_never_owe_less(one: Clause, amounts: Amounts, data: st.DataObject) -> None:
    more = Amounts(amounts.charge, amounts.quantity, data.draw(st.integers(amounts.remains, amounts.quantity)))

    assert owing.owed(one, more) >= owing.owed(one, amounts)


@given(any_amounts(), SUMS)
def test_a_fixed_cap_and_fee_hold_to_the_last_place(amounts: Amounts, figure: Decimal) -> None:
    share = owing.share(Refund.UNDELIVERED, amounts)

    assert owing.owed(clause(Refund.UNDELIVERED, cap=Portion(sum=figure)), amounts) == min(share, figure)
    assert owing.owed(clause(Refund.UNDELIVERED, fee=Portion(sum=figure)), amounts) == max(share - figure, Decimal(0))


def test_the_engine_takes_the_cap_and_the_fee_of_the_clause_that_decides() -> None:
    claim = Facts(
        Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER, hours_since_final=72, category=CREATORS
    )
    partial = Facts(
        Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER, hours_since_final=0, category=CREATORS
    )
    sold_out = Facts(
        Status.CANCELED, Delivery.NONE, Cause.NOT_STARTED, Initiator.SYSTEM, hours_since_final=0, service=NEWSLETTER
    )

    first = engine.decide(WIDENED, claim, Amounts(Decimal("10.00"), 1000, 0))
    second = engine.decide(WIDENED, partial, Amounts(Decimal("10.00"), 900, 600))
    third = engine.decide(WIDENED, sold_out, Amounts(Decimal("49.00"), 5000, 5000))

    assert (first.clause_id, first.owed, first.approval) == ("taken-down", Decimal("4.50"), Approval.REVIEW)
    assert (second.clause_id, second.owed) == ("creators-partly", Decimal("6.333333"))  # 6.666666 less 0.333333
    assert (third.clause_id, third.owed) == ("sold-out", Decimal("10.00"))


@given(
    st.builds(
        Facts,
        st.sampled_from(Status),
        st.sampled_from(Delivery),
        st.sampled_from(Cause),
        st.sampled_from(Initiator),
        hours_since_final=st.none() | st.integers(0, 1000),
        refill=st.sampled_from(Refill),
        service=st.sampled_from([0, NEWSLETTER]),
        category=st.sampled_from([0, CREATORS]),
    ),
    any_amounts(),
    st.data(),
)
def test_every_decision_of_a_policy_with_caps_and_fees_is_within_the_charge_and_rises_with_what_remains(
    facts: Facts, amounts: Amounts, data: st.DataObject
) -> None:
    more = Amounts(amounts.charge, amounts.quantity, data.draw(st.integers(amounts.remains, amounts.quantity)))

    verdict = engine.decide(WIDENED, facts, amounts)

    assert 0 <= verdict.owed <= amounts.charge
    assert engine.decide(WIDENED, facts, more).owed >= verdict.owed
    assert engine.decide(WIDENED, facts, amounts) == verdict
