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
    return writing.letter(customer, key(version_number, customer.pk), "policy_changes", context)


def policy_withdrawn(*, customer: User, version_number: int, title: str, page_url: str) -> NewEmail:
    """A policy that was announced is withdrawn and never counts. Each who was told of it is told once of this."""
    context = {"title": title, "url": writing.link(page_url)}
    return writing.letter(customer, f"{key(version_number, customer.pk)}:withdrawn", "policy_withdrawn", context)


def key(version_number: int, customer_id: int) -> str:
    """Return the key of the letter that told a customer of a version."""
    return f"policy:{version_number}:{customer_id}"
