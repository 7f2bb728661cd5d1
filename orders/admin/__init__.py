"""Staff pages about the catalog, providers, and what needs a person. Orders themselves: refunds.admin.orders."""

from orders.admin import attention, catalog, history, providers

__all__ = ["attention", "catalog", "history", "providers"]
