"""What staff decide about an account after a dispute, where the policy leaves it to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from billing import disputes, holding
from billing.models import Dispute, Standing
from panel.accounts.models import SuspensionCause, User
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from panel.locking import busy_when_locked
from panel.notifications import suspending
from refunds import banning

MAY_DECIDE = "billing.change_dispute"


class NothingToDecide(Conflict):
    """The account is not suspended because of this dispute, or the dispute is still open."""

    code = "nothing_to_decide"


def open_account(*, dispute_id: int, staff: User, reason: str, at: datetime) -> Dispute:
    """Let a dispute keep the account suspended no longer; it opens unless something else keeps it so.

    Raises NotFound, Forbidden, Refused (no reason), NothingToDecide, Busy.
    """
    with _decided(dispute_id, staff, reason) as (dispute, customer):
        if not (dispute.suspends or dispute.bans):
            raise NothingToDecide("This dispute does not keep the account suspended.")
        if Standing(dispute.standing).is_open:
            raise NothingToDecide("The dispute is still open; the account is opened again when it has ended.")
        dispute.suspends = dispute.bans = False
        dispute.attention = ""
        dispute.save(update_fields=["suspends", "bans", "attention"])
        disputes.note(dispute, f"Staff let the account be opened again: {reason.strip()}", at=at, actor=staff)
        banning.lift(dispute, because=reason, staff=staff, at=at)
        holding.settle(customer, at=at)
        return dispute


def close_account(*, dispute_id: int, staff: User, reason: str, at: datetime) -> Dispute:
    """Close the account for good because of a lost dispute, and block its owner from coming back.

    Raises NotFound, Forbidden, Refused (no reason), NothingToDecide, Busy.
    """
    with _decided(dispute_id, staff, reason) as (dispute, customer):
        if dispute.standing != Standing.LOST:
            raise NothingToDecide("Only a lost dispute closes an account.")
        if dispute.bans:
            raise NothingToDecide("The account is closed because of this dispute already.")
        dispute.suspends = dispute.bans = True
        dispute.attention = ""
        dispute.save(update_fields=["suspends", "bans", "attention"])
        disputes.note(dispute, f"Staff closed the account: {reason.strip()}", at=at, actor=staff)
        banning.ban(dispute, customer, at=at)
        if customer.is_suspended:
            holding.settle(customer, at=at)
        else:
            cause, words = holding.why(customer) or (SuspensionCause.DISPUTE, reason)
            suspending.suspend_locked(customer, reason=words, cause=cause, at=at)
        return dispute


@contextmanager
def _decided(dispute_id: int, staff: User, reason: str) -> Iterator[tuple[Dispute, User]]:
    """Open the transaction of a decision with the dispute and then its customer locked."""
    if not (staff.is_staff and staff.has_perm(MAY_DECIDE)):
        raise Forbidden("You may not decide about disputes.")
    if not reason.strip():
        raise Refused("Say why: whoever looks at this dispute next will read it.", field="reason")
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute: Dispute | None = Dispute.objects.locked().filter(pk=dispute_id).first()
        if dispute is None:
            raise NotFound("There is no such dispute.")
        if dispute.customer_id == staff.pk:
            raise Forbidden("Nobody decides about a dispute of their own.")
        yield dispute, suspending.locked(dispute.customer_id)
