"""Suspension: a suspended account can sign in and read, and neither order nor use its API keys."""

from datetime import datetime

from django.conf import settings

from panel.accounts.models import SuspensionCause, User
from panel.kernel.errors import Forbidden, Refused


class AccountSuspended(Forbidden):
    """The account is suspended: orders, withdrawals and API keys are refused."""

    code = "account_suspended"


def require_active(user: User) -> None:
    """Raise AccountSuspended when the account is suspended."""
    if user.is_suspended:
        message = f"Your account is suspended: {user.suspension_reason} Write to {settings.SUPPORT_EMAIL}."
        raise AccountSuspended(message)


def require_active_now(user_id: int) -> None:
    """Read the account anew and raise AccountSuspended when it is suspended."""
    fresh = "SELECT id, suspended_at, suspension_reason FROM accounts_user WHERE id = %s"
    for user in User.objects.raw(fresh, [user_id]):
        require_active(user)


def suspend(*, user: User, reason: str, at: datetime, cause: SuspensionCause = SuspensionCause.STAFF) -> None:
    """Suspend the account from `at`; a second suspension keeps the first time and replaces reason and cause.

    Raises Refused without a reason.
    """
    if not reason.strip():
        raise Refused("Say why the account is suspended: the customer will read it.", field="reason")
    user.suspended_at = user.suspended_at or at
    user.suspension_reason = reason.strip()[:300]
    user.suspension_cause = cause
    user.save(update_fields=["suspended_at", "suspension_reason", "suspension_cause"])


def lift(*, user: User) -> None:
    """End the suspension."""
    user.suspended_at = None
    user.suspension_reason = ""
    user.suspension_cause = ""
    user.save(update_fields=["suspended_at", "suspension_reason", "suspension_cause"])
