"""Staff pages about orders, refunds and policies. Orders are here because their page shows what they refund."""

from refunds.admin import backtests, decisions, disputes, drafts, evidence, fraud_warnings, orders, policies, requests

__all__ = [
    "backtests",
    "decisions",
    "disputes",
    "drafts",
    "evidence",
    "fraud_warnings",
    "orders",
    "policies",
    "requests",
]
