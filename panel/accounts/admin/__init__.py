"""Staff pages about people, and what all staff pages are made of."""

from panel.accounts.admin import api_keys, blocked_identities, customer_groups, groups

__all__ = ["api_keys", "blocked_identities", "customer_groups", "groups"]
