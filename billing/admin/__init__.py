"""Staff pages about customers' money. Customers are here because their page shows and moves balances."""

from billing.admin import (
    arrangements,
    customers,
    deposits,
    discrepancies,
    gateway_events,
    payouts,
    receipts,
    transfers,
    withdrawals,
)

__all__ = [
    "arrangements",
    "customers",
    "deposits",
    "discrepancies",
    "gateway_events",
    "payouts",
    "receipts",
    "transfers",
    "withdrawals",
]
