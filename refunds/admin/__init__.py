"""Staff pages about orders, refunds and policies. Orders are here because their page shows what they refund."""

from refunds.admin import decisions, orders, policies, requests

__all__ = ["decisions", "orders", "policies", "requests"]
