"""What keeps a customer's account suspended beside staff: disputes first, then fraud warnings. The account is locked.

Whoever ends one hold hands the account over to the next, so that lifting one never opens what another keeps shut.
"""

from datetime import datetime
from typing import Final

from django.conf import settings

from billing.models import Dispute, FraudWarning
from panel.accounts.models import SuspensionCause, User
from panel.kernel import money
from panel.notifications import suspending

# The customer reads this, and he may be the one whose card was stolen or the one who stole it.
WARNED: Final = "We are checking a payment that was made on this account."
_OURS: Final = frozenset({SuspensionCause.DISPUTE.value, SuspensionCause.FRAUD_WARNING.value})


def disputed_reason(amount: str) -> str:
    """Return what the customer reads while his payment of this amount is disputed."""
    return f"Your payment of {amount} is disputed at your bank."


def why(customer: User) -> tuple[SuspensionCause, str] | None:
    """Return what keeps the account suspended, and in which words; None when nothing does."""
    dispute: Dispute | None = (
        Dispute.suspending().filter(customer=customer).select_related("deposit").order_by("-bans", "pk").first()
    )
    if dispute is not None:
        paid = money.display(dispute.deposit.amount, settings.PANEL_CURRENCY)
        if dispute.bans:
            lost = "was disputed at your bank and the dispute was lost, so this account is closed."
            return SuspensionCause.DISPUTE, f"Your payment of {paid} {lost}"
        return SuspensionCause.DISPUTE, disputed_reason(paid)
    if FraudWarning.objects.filter(customer=customer, holds=True).exists():
        return SuspensionCause.FRAUD_WARNING, WARNED
    return None


def settle(customer: User, *, at: datetime) -> bool:
    """Bring a suspension that is no person's to what holds the account now; return whether that opened it.

    What staff suspended stays so, and an account that is open stays open: what holds it anew suspends it there.
    """
    if not customer.is_suspended or customer.suspension_cause not in _OURS:
        return False
    return end(customer, at=at)


def end(customer: User, *, at: datetime) -> bool:
    """End a suspension, whosever, unless something else holds the account; return whether it is open now."""
    held = why(customer)
    if held is None:
        suspending.lift_locked(customer, at=at)
        return True
    cause, reason = held
    if (customer.suspension_cause, customer.suspension_reason) != (cause, reason):
        suspending.suspend_locked(customer, reason=reason, cause=cause, at=at)
    return False
