"""Amounts as Stripe writes them: whole numbers of minor units, with its own exceptions from ISO 4217.

Source of the exceptions: Stripe's page on currencies, "Minor units in API amounts" and "Special cases".
"""

from decimal import Decimal
from typing import Final

from panel.kernel import currencies, money
from panel.kernel.money import NotMoney

_WITHOUT_DECIMALS: Final = frozenset({"MGA"})  # ISO has two, Stripe none
_WHOLE_IN_HUNDREDTHS: Final = frozenset({"ISK", "UGX"})  # written with two decimals that must be 00
_THREE_PLACES: Final = 3


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest amount that Stripe moves, at money scale. Raises currencies.UnknownCurrency."""
    if currency in _WITHOUT_DECIMALS | _WHOLE_IN_HUNDREDTHS:
        return money.exact(Decimal(1))
    if currencies.places(currency) == _THREE_PLACES:
        return money.exact(Decimal("0.01"))  # the last of the three digits must be 0
    return currencies.smallest_unit(currency)


def to_wire(amount: Decimal, currency: str) -> int:
    """Return an amount in Stripe's minor units.

    Raises NotMoney unless it is above zero and a multiple of `smallest_unit`: nothing is rounded on the way out.
    """
    if not amount.is_finite() or amount <= 0 or amount % smallest_unit(currency):
        message = f"{amount} {currency} is not an amount that Stripe can move"
        raise NotMoney(message)
    return int(amount.scaleb(_wire_places(currency)))


def from_wire(units: int, currency: str) -> Decimal:
    """Return Stripe's minor units as an amount at money scale. Raises currencies.UnknownCurrency, NotMoney."""
    return money.exact(Decimal(units).scaleb(-_wire_places(currency)))


def _wire_places(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 2 if currency in _WHOLE_IN_HUNDREDTHS else currencies.places(currency)
