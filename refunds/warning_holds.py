"""Holding an account because of a fraud warning, and letting it go: what staff or a dispute suspended stays so."""

from datetime import datetime

from billing import holding
from panel.accounts.models import SuspensionCause, User
from panel.notifications import suspending


def hold(customer: User, *, at: datetime) -> None:
    """Suspend a locked account that is not suspended."""
    if not customer.is_suspended:
        suspending.suspend_locked(customer, reason=holding.WARNED, cause=SuspensionCause.FRAUD_WARNING, at=at)


def release(customer: User, *, at: datetime) -> bool:
    """Lift the suspension of a locked account when no case holds it any more; return whether it was lifted."""
    if customer.suspension_cause != SuspensionCause.FRAUD_WARNING:
        return False
    return holding.settle(customer, at=at)
