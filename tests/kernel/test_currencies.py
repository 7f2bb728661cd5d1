"""Currencies: how many decimals, the smallest amount, and rounding down to it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.kernel import currencies
from panel.kernel.currencies import UnknownCurrency


@pytest.mark.parametrize(
    ("code", "decimals", "unit"),
    [
        ("USD", 2, "0.010000"),
        ("EUR", 2, "0.010000"),
        ("JPY", 0, "1.000000"),
        ("ISK", 0, "1.000000"),
        ("KWD", 3, "0.001000"),
    ],
)
def test_knows_how_small_the_money_gets(code: str, decimals: int, unit: str) -> None:
    assert currencies.places(code) == decimals
    assert str(currencies.smallest_unit(code)) == unit
    assert currencies.known(code)


@pytest.mark.parametrize("code", ["usd", "USB", "", "US", "ZZZ", "U$D", "USD "])
def test_refuses_what_is_no_currency(code: str) -> None:
    assert not currencies.known(code)
    with pytest.raises(UnknownCurrency, match="is not a currency"):
        currencies.places(code)
    with pytest.raises(UnknownCurrency):
        currencies.smallest_unit(code)


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        ("12.345678", "0.01", "12.340000"),
        ("12.340000", "0.01", "12.340000"),
        ("0.009999", "0.01", "0.000000"),
        ("1999.99", "1", "1999.000000"),
        ("0", "0.01", "0.000000"),
        ("99999999999999.999999", "0.01", "99999999999999.990000"),
    ],
)
def test_rounds_down_to_whole_units(amount: str, unit: str, expected: str) -> None:
    assert str(currencies.round_down(Decimal(amount), unit=Decimal(unit))) == expected


@pytest.mark.parametrize(("amount", "unit"), [("-0.01", "0.01"), ("1", "0"), ("1", "-0.01")])
def test_does_not_round_what_has_no_meaning(amount: str, unit: str) -> None:
    with pytest.raises(ValueError, match="can't be rounded down"):
        currencies.round_down(Decimal(amount), unit=Decimal(unit))


@given(
    st.decimals(min_value=0, max_value=Decimal("99999999999999.999999"), places=6),
    st.sampled_from(["0.001", "0.01", "1"]),
)
def test_takes_away_less_than_one_unit_and_leaves_whole_ones(amount: Decimal, unit: str) -> None:
    rounded = currencies.round_down(amount, unit=Decimal(unit))

    assert 0 <= amount - rounded < Decimal(unit)
    assert rounded % Decimal(unit) == 0
