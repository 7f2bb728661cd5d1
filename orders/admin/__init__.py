"""Staff pages about catalog, providers, refills, and what needs a person. Orders themselves: refunds.admin.orders."""

from orders.admin import attention, catalog, history, providers, refills

__all__ = ["attention", "catalog", "history", "providers", "refills"]
