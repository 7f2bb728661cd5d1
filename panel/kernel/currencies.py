"""Currencies: which there are, and how small their money gets.

Outside of the panel, amounts come in whole minor units (cents); how many of them a unit has differs by currency.
"""

from decimal import Decimal
from typing import Final

from panel.kernel import money

# ISO 4217, the currencies in use; those that are not named otherwise have two decimals.
_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP"
        " CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR"
        " IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN"
        " NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP"
        " STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_PLACES: Final = {code: places for places, codes in _DECIMALS.items() for code in codes.split()}


class UnknownCurrency(ValueError):
    """The text is not the code of a currency in use."""


def known(code: str) -> bool:
    """Whether `code` is a currency's three capital letters."""
    return code in _PLACES


def places(code: str) -> int:
    """Return how many decimals amounts in this currency have: 2 for USD, 0 for JPY. Raises UnknownCurrency."""
    try:
        return _PLACES[code]
    except KeyError:
        message = f"{code[:10]!r} is not a currency: use the three capital letters of ISO 4217, such as USD"
        raise UnknownCurrency(message) from None


def smallest_unit(code: str) -> Decimal:
    """Return the smallest amount there is, at money scale: 0.01 for USD, 1 for JPY. Raises UnknownCurrency."""
    return money.exact(Decimal(1).scaleb(-places(code)))


def round_down(amount: Decimal, *, unit: Decimal) -> Decimal:
    """Return the largest multiple of `unit` that is not above `amount`, at money scale: what can be paid out of it.

    Raises ValueError for a negative amount or a unit that is not above zero.
    """
    if amount < 0 or unit <= 0:
        message = f"{amount} can't be rounded down to whole units of {unit}"
        raise ValueError(message)
    return money.exact(amount - amount % unit)
