"""Addresses of the pages that letters about money point to: paths under SITE_URL, fixed by the panel's addresses."""

from typing import Final

BALANCE: Final = "/balance/"
ADD_FUNDS: Final = "/balance/add/"
WITHDRAW: Final = "/balance/withdraw/"


def withdrawal(number: int) -> str:
    """The page of one withdrawal."""
    return f"/balance/withdrawals/{number}/"
