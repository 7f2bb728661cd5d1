"""Addresses of the pages that letters about refunds point to: paths under SITE_URL, fixed by the panel's addresses."""

from typing import Final

ORDERS: Final = "/orders/"


def order(number: int) -> str:
    """The page of one order."""
    return f"{ORDERS}{number}/"
