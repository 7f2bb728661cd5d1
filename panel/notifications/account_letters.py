"""Letters about an account itself: it was suspended, and that is over."""

from datetime import UTC, datetime

from panel.accounts.models import User
from panel.notifications import writing
from panel.notifications.outbox import NewEmail


def account_suspended(*, customer: User, reason: str, at: datetime, url: str) -> NewEmail:
    """The account is suspended since `at`; one suspension is told once. `reason` is a sentence."""
    context = {"reason": reason, "at": writing.moment(at, reader=customer), "url": writing.link(url)}
    return writing.letter(customer, _key(customer, at), "account_suspended", context)


def suspension_lifted(*, customer: User, suspended_at: datetime, url: str) -> NewEmail:
    """The suspension that began at `suspended_at` is over."""
    context = {"suspended_at": writing.moment(suspended_at, reader=customer), "url": writing.link(url)}
    return writing.letter(customer, f"{_key(customer, suspended_at)}:lifted", "suspension_lifted", context)


def _key(customer: User, suspended_at: datetime) -> str:
    return f"suspension:{customer.pk}:{suspended_at.astimezone(UTC).isoformat()}"
