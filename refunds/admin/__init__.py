"""Staff pages about orders, decisions and policies. Orders are here because their page shows what they refund."""

from refunds.admin import decisions, orders, policies

__all__ = ["decisions", "orders", "policies"]
