"""Addresses of the pages that letters about refunds point to: paths under SITE_URL, fixed by the panel's addresses."""

from typing import Final

ORDERS: Final = "/orders/"


def order(number: int) -> str:
    """The page of one order."""
    return f"{ORDERS}{number}/"


def refund_request(number: int) -> str:
    """The page of one refund request."""
    return f"/refunds/{number}/"


REFUND_POLICY: Final = "/refund-policy/"


def policy_changes(version: int) -> str:
    """The page on which a version of the refund policy is compared with the one before it."""
    return f"{REFUND_POLICY}{version}/changes/"


def policy(version: int) -> str:
    """The page of one version of the refund policy."""
    return f"{REFUND_POLICY}{version}/"


def support(order_number: int) -> str:
    """The page on which a customer writes to support about a refund of an order."""
    return f"/support/new/?order={order_number}&kind=refund"
