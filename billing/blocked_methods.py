"""Money from a blocked payment method: it is credited, because it was received, and nothing can be done with it."""

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from billing.models import Deposit
from panel.accounts import blocklist
from panel.accounts.models import SuspensionCause
from panel.kernel import money
from panel.notifications import suspending

log = structlog.get_logger()

# These end by themselves when a dispute or a warning does. Money from somebody else's blocked method is for a person.
_END_BY_THEMSELVES: Final = frozenset({SuspensionCause.DISPUTE.value, SuspensionCause.FRAUD_WARNING.value})


def look_at(deposit: Deposit, *, at: datetime) -> bool:
    """Suspend the payer, in the transaction that credits the deposit, if the method is blocked; return whether it is.

    Staff find the account by the badge in their sidebar. Call it before the customer's accounts are locked: people
    are locked before accounts.
    """
    if not deposit.method_fingerprint:
        return False
    # A ban of the same customer holds this lock, so it blocks this method too, or is seen here.
    customer = suspending.locked(deposit.customer_id)
    if not blocklist.is_blocked_method(deposit.method_fingerprint):
        return False
    log.warning("deposit_from_blocked_method", deposit=deposit.pk, customer=customer.pk)
    is_others = blocklist.is_blocked_method_of_others(deposit.method_fingerprint, customer=customer)
    if not customer.is_suspended or (is_others and customer.suspension_cause in _END_BY_THEMSELVES):
        paid = money.display(deposit.amount, settings.PANEL_CURRENCY)
        reason = f"Your payment of {paid} came from a payment method that can't be used here."
        suspending.suspend_locked(customer, reason=reason, cause=SuspensionCause.BLOCKED_METHOD, at=at)
    return True
