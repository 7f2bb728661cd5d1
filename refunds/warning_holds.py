"""Holding an account because of a fraud warning, and letting it go: what staff or a dispute suspended stays so."""

from datetime import datetime
from typing import Final

from billing.models import FraudWarning
from panel.accounts.models import SuspensionCause, User
from panel.notifications import suspending

# The customer reads this, and he may be the one whose card was stolen or the one who stole it.
REASON: Final = "We are checking a payment that was made on this account."


def hold(customer: User, *, at: datetime) -> None:
    """Suspend a locked account that is not suspended."""
    if not customer.is_suspended:
        suspending.suspend_locked(customer, reason=REASON, cause=SuspensionCause.FRAUD_WARNING, at=at)


def release(customer: User, *, at: datetime) -> bool:
    """Lift the suspension of a locked account when no case holds it any more; return whether it was lifted."""
    if customer.suspension_cause != SuspensionCause.FRAUD_WARNING or _is_held(customer):
        return False
    suspending.lift_locked(customer, at=at)
    return True


def take_over(customer: User, *, at: datetime) -> bool:
    """Keep a locked account suspended for a warning whose dispute no longer does; return whether one does."""
    if not _is_held(customer):
        return False
    suspending.suspend_locked(customer, reason=REASON, cause=SuspensionCause.FRAUD_WARNING, at=at)
    return True


def _is_held(customer: User) -> bool:
    return bool(FraudWarning.objects.filter(customer=customer, holds=True).exists())
