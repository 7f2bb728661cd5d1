"""Money: one currency, six decimal places, no floats.

Every amount in the panel is a `Decimal` with exactly six places (`numeric(20,6)` in the database).
This module owns scale, rounding, parsing and formatting; nothing else quantizes.
"""

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Final

PLACES: Final = 6
MAX_DIGITS: Final = 20
QUANTUM: Final = Decimal(1).scaleb(-PLACES)
ZERO: Final = Decimal("0.000000")
MAXIMUM: Final = Decimal(10) ** (MAX_DIGITS - PLACES) - QUANTUM

# Wide enough for a charge (20 digits) times a quantity (19 digits) without losing a unit of the last place.
_CONTEXT: Final = Context(prec=60)
_PLAIN: Final = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,6})?", re.ASCII)


class NotMoney(ValueError):
    """The text or number is not an amount that the panel can keep."""


def parse(text: str) -> Decimal:
    """Read a non-negative amount written in plain ASCII digits, such as `12` or `0.27819`.

    Signs, exponents, `NaN`, thousands separators, digits of other scripts and more than six decimals are refused, so
    what a person typed and what is booked can't differ.

    Raises NotMoney.
    """
    candidate = text.strip()
    if not _PLAIN.fullmatch(candidate):
        message = f"{text[:40]!r} is not an amount: use digits and at most {PLACES} decimals, such as 12.50"
        raise NotMoney(message)
    return exact(Decimal(candidate))


def exact(value: Decimal) -> Decimal:
    """Return `value` at the panel's scale; refuse one that would have to be rounded or does not fit.

    Raises NotMoney.
    """
    if not value.is_finite() or not -MAXIMUM <= value <= MAXIMUM:
        message = f"{value} is not an amount the panel can keep"
        raise NotMoney(message)
    scaled = value.quantize(QUANTUM, context=_CONTEXT)
    if scaled != value:
        message = f"{value} has more than {PLACES} decimals"
        raise NotMoney(message)
    return scaled


def fits(value: Decimal) -> bool:
    """Whether the panel can keep `value` without rounding it."""
    try:
        exact(value)
    except NotMoney:
        return False
    return True


def round_half_up(value: Decimal) -> Decimal:
    """Round to the panel's scale, halves away from zero: how charges are rounded."""
    return value.quantize(QUANTUM, rounding=ROUND_HALF_UP, context=_CONTEXT)


def round_down(value: Decimal) -> Decimal:
    """Round to the panel's scale towards zero: how refunds are rounded."""
    return value.quantize(QUANTUM, rounding=ROUND_DOWN, context=_CONTEXT)


def price(rate: Decimal, units: int, *, per: int) -> Decimal:
    """Return `rate * units / per`, rounded half up: what `units` cost when `per` of them cost `rate`."""
    return round_half_up(_CONTEXT.divide(_CONTEXT.multiply(rate, Decimal(units)), Decimal(per)))


def share(amount: Decimal, part: Decimal | int, whole: Decimal | int) -> Decimal:
    """Return `amount * part / whole` rounded down; exactly `amount` when part equals whole.

    Raises ValueError when not `0 <= part <= whole` with a positive whole: a share is never more than the amount.
    """
    if whole <= 0 or not 0 <= part <= whole:
        message = f"{part} of {whole} is not a share"
        raise ValueError(message)
    if part == whole:
        return amount
    return round_down(_CONTEXT.divide(_CONTEXT.multiply(amount, Decimal(part)), Decimal(whole)))


def plain(amount: Decimal) -> str:
    """Format for machines: no exponent and no trailing zeros, at least two decimals: `0.27819`, `5.00`."""
    text = f"{amount:.{PLACES}f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:<02}"


def display(amount: Decimal, currency: str) -> str:
    """Format for people: thousands separated, all decimals that the amount has, then the currency: `1,234.50 USD`."""
    digits = plain(abs(amount))
    whole, _, decimals = digits.partition(".")
    sign = "\u2212" if amount < 0 else ""
    return f"{sign}{int(whole):,}.{decimals} {currency}"
