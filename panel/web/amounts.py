"""Amounts of money as people type them into forms."""

from decimal import Decimal

from panel.kernel import money
from panel.kernel.errors import Refused


class NotAnAmount(Refused):
    """The text of the amount field is no amount."""

    code = "not_an_amount"


def read(text: str) -> Decimal:
    """Read an amount at the money scale, 0 or more. Raises NotAnAmount for the field `amount`."""
    if not text.strip():
        raise NotAnAmount("Give the amount, such as 20.00.", field="amount")
    try:
        return money.parse(text)
    except money.NotMoney as error:
        message = (
            f"Write the amount in digits, with a point and at most {money.PLACES} decimals, such as 20.00,"
            " without sign, spaces or currency."
        )
        raise NotAnAmount(message, field="amount") from error
