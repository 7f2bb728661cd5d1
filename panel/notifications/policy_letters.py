"""The letter about a new refund policy."""

from datetime import datetime

from panel.accounts.models import User
from panel.notifications import writing
from panel.notifications.outbox import NewEmail


def policy_changes(
    *,
    customer: User,
    version_number: int,
    title: str,
    summary: str,
    effective_from: datetime,
    page_url: str,
    changes_url: str,
) -> NewEmail:
    """A policy counts for orders placed from `effective_from` on. Each customer is told once of each version."""
    context = {
        "title": title,
        "summary": summary,
        "effective_from": writing.moment(effective_from, reader=customer),
        "url": writing.link(page_url),
        "changes_url": writing.link(changes_url),
    }
    return writing.letter(customer, f"policy:{version_number}:{customer.pk}", "policy_changes", context)
