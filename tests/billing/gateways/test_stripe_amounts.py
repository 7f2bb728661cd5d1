"""Amounts in Stripe's minor units, its exceptions from ISO 4217 included."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways.stripe import amounts
from panel.kernel.currencies import UnknownCurrency
from panel.kernel.money import NotMoney


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("20.00", "USD", 2000),
        ("0.01", "EUR", 1),
        ("500", "JPY", 500),
        ("5", "MGA", 5),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("1.23", "KWD", 1230),
    ],
)
def test_writes_and_reads_amounts_as_stripe_does(amount: str, currency: str, units: int) -> None:
    assert amounts.to_wire(Decimal(amount), currency) == units
    assert amounts.from_wire(units, currency) == Decimal(amount)
    assert str(amounts.from_wire(units, currency)).partition(".")[2] in {"000000", "010000", "230000"}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "USD"),
        ("-5", "USD"),
        ("0.001", "USD"),
        ("4.999999", "USD"),
        ("0.5", "JPY"),
        ("0.5", "ISK"),
        ("0.5", "MGA"),
        ("1.234", "KWD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
    ],
)
def test_rounds_nothing_on_the_way_out(amount: str, currency: str) -> None:
    with pytest.raises(NotMoney, match="is not an amount that Stripe can move"):
        amounts.to_wire(Decimal(amount), currency)


@pytest.mark.parametrize("currency", ["usd", "ZZZ", ""])
def test_refuses_what_is_no_currency(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        amounts.to_wire(Decimal(1), currency)
    with pytest.raises(UnknownCurrency):
        amounts.from_wire(100, currency)


@given(st.integers(min_value=1, max_value=99_999_999), st.sampled_from(["USD", "JPY", "MGA"]))
def test_reads_back_what_it_wrote(units: int, currency: str) -> None:
    assert amounts.to_wire(amounts.from_wire(units, currency), currency) == units
