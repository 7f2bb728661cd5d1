"""Suspending an account and lifting that, each with the letter that tells its owner: both are committed, or neither.

`panel.accounts.suspension` changes the row and knows nothing of letters; whoever suspends calls here.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from panel.accounts import suspension
from panel.accounts.models import SuspensionCause, User
from panel.kernel.errors import NotFound
from panel.notifications import account_letters, outbox
from panel.notifications.outbox import NewEmail

_PAGE: Final = "/balance/"


def suspend(*, customer_id: int, reason: str, at: datetime) -> None:
    """Suspend the account from `at` and say why; who is suspended already gets the new reason on the pages only.

    An inactive account gets no letter: nobody can sign in to it. Raises NotFound, Refused without a reason.
    """
    with transaction.atomic(durable=True):
        suspend_locked(locked(customer_id), reason=reason, cause=SuspensionCause.STAFF, at=at)


def lift(*, customer_id: int, at: datetime) -> None:
    """End the suspension and say so; for an account that is not suspended, nothing. Raises NotFound."""
    with transaction.atomic(durable=True):
        lift_locked(locked(customer_id), at=at)


def suspend_locked(customer: User, *, reason: str, cause: SuspensionCause, at: datetime) -> None:
    """Do the same in the caller's transaction, which holds the account's lock. Raises Refused without a reason."""
    suspension.suspend(user=customer, reason=reason, at=at, cause=cause)
    letter = account_letters.account_suspended(
        customer=customer, reason=customer.suspension_reason, at=customer.suspended_at or at, url=_PAGE
    )
    _tell(customer, letter, at)


def lift_locked(customer: User, *, at: datetime) -> None:
    """Do the same in the caller's transaction, which holds the account's lock."""
    since = customer.suspended_at
    if since is None:
        return
    suspension.lift(user=customer)
    _tell(customer, account_letters.suspension_lifted(customer=customer, suspended_at=since, url=_PAGE), at)


def locked(customer_id: int) -> User:
    """Read the account under lock: two people who suspend it at once suspend it one after the other."""
    customer: User | None = User.objects.select_for_update(no_key=True, of=("self",)).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound("There is no such account.")
    return customer


def _tell(customer: User, letter: NewEmail, at: datetime) -> None:
    if customer.is_active:
        outbox.put([letter], at=at)
