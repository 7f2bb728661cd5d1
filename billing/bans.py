"""Bans: a customer is suspended, and what he is recognized by is blocked, so that he does not come back anew.

Disputes ban through refunds.banning; here is what both need, and what staff do by hand.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from billing import holding
from billing.models import Deposit, DepositState
from panel.accounts import blocklist
from panel.accounts.blocklist import Identity
from panel.accounts.models import SuspensionCause, User
from panel.kernel.errors import Forbidden
from panel.locking import busy_when_locked
from panel.notifications import suspending

# What a person may end here. A dispute's suspension ends with the dispute.
_ENDED_BY_STAFF: Final = frozenset({SuspensionCause.STAFF.value, SuspensionCause.BLOCKED_METHOD.value, ""})


@dataclass(frozen=True, slots=True)
class Lifted:
    """What came of lifting a ban: how many identities are blocked no more by staff, and whether the account is open."""

    identities: int
    is_open: bool


def identities_of(customer: User) -> list[Identity]:
    """Return what a customer is recognized by: his e-mail address and the methods of all his paid deposits."""
    paid = Deposit.objects.filter(customer=customer, state=DepositState.PAID).exclude(method_fingerprint="")
    fingerprints = paid.order_by("method_fingerprint").values_list("method_fingerprint", flat=True).distinct()
    return [blocklist.of_email(customer.email), *map(blocklist.of_method, fingerprints)]


def ban(*, customer_id: int, reason: str, staff: User, at: datetime) -> int:
    """Suspend an account by hand and block what its owner is recognized by; return how many identities were new.

    The customer reads the reason. Raises Forbidden (not allowed, or one's own account), Refused without a reason,
    NotFound, Busy.
    """
    _require_allowed(staff, blocklist.MAY_BLOCK, customer_id)
    blocklist.require_reason(reason)
    with busy_when_locked(), transaction.atomic(durable=True):
        customer = suspending.locked(customer_id)
        suspending.suspend_locked(customer, reason=reason, cause=SuspensionCause.STAFF, at=at)
        return blocklist.block(identities_of(customer), customer=customer, reason=reason, author=staff, at=at)


def lift(*, customer_id: int, reason: str, staff: User, at: datetime) -> Lifted:
    """Take back what staff blocked, and the suspension unless a dispute or a warning keeps it.

    What disputes blocked stays: the list of blocked identities has an action for each. Raises Forbidden, Refused
    without a reason, NotFound, blocklist.NotBlocked when staff blocked nothing, Busy.
    """
    _require_allowed(staff, blocklist.MAY_LIFT, customer_id)
    blocklist.require_reason(reason)
    with busy_when_locked(), transaction.atomic(durable=True):
        customer = suspending.locked(customer_id)
        lifted = blocklist.lift_of_staff(customer=customer, because=reason, staff=staff, at=at)
        if not lifted:
            raise blocklist.NotBlocked("Staff have blocked nothing of this customer.")
        if customer.suspension_cause in _ENDED_BY_STAFF:
            holding.end(customer, at=at)
        return Lifted(lifted, not customer.is_suspended)


def end_suspension(*, customer_id: int, at: datetime) -> str:
    """End a suspension by hand; return why the account is still held, empty when it is open. Raises NotFound, Busy.

    What staff suspended passes to the dispute or warning that holds the account too. One that is held by those alone is
    opened all the same: a person may know better.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        customer = suspending.locked(customer_id)
        if customer.suspension_cause in _ENDED_BY_STAFF:
            holding.end(customer, at=at)
        else:
            suspending.lift_locked(customer, at=at)
        return customer.suspension_reason


def _require_allowed(staff: User, permission: str, customer_id: int) -> None:
    blocklist.require_allowed(staff, permission)
    if staff.pk == customer_id:
        raise Forbidden("Nobody bans an own account, or lifts that.")
