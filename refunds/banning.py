"""What a ban by a dispute blocks, and that its end lifts exactly that: in the transaction that records the dispute."""

from datetime import datetime

from billing import bans, disputes
from billing.models import Dispute
from panel.accounts import blocklist
from panel.accounts.models import User


def ban(dispute: Dispute, customer: User, *, at: datetime) -> None:
    """Block the e-mail address of the customer, who is locked, and the methods of all his paid deposits."""
    identities = bans.identities_of(customer)
    reason = f"Dispute {dispute.reference} was lost."
    blocklist.block(identities, customer=customer, reason=reason, dispute_ref=dispute.pk, at=at)
    methods = len(identities) - 1
    counted = f" and {methods} payment method{'' if methods == 1 else 's'}" if methods else ""
    disputes.note(dispute, f"Blocked from coming back: the e-mail address{counted}.", at=at)


def lift(dispute: Dispute, *, at: datetime, because: str = "", staff: User | None = None) -> None:
    """Lift what this dispute blocked; what another dispute or staff blocked stays so.

    `because` and `staff` say why and by whom when a person decided it; else the dispute did not end in a loss.
    """
    why = because or f"Dispute {dispute.reference} did not end in a loss."
    if blocklist.lift(dispute_ref=dispute.pk, because=why, staff=staff, at=at):
        disputes.note(dispute, "What it had blocked from coming back is lifted.", at=at, actor=staff)
