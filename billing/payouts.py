"""Payouts by hand: staff confirm that they sent the money, or say that it could not be sent or came back."""

from datetime import datetime

from django.db import transaction

from billing import gateway_refunds
from billing.models import GatewaySlug, Payout, PayoutState, Withdrawal
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from panel.locking import busy_when_locked


class PayoutDecided(Conflict):
    """Somebody confirmed it before, or it failed before."""

    code = "payout_decided"


def confirm(*, payout_id: int, bank_reference: str, staff: User, at: datetime) -> Payout:
    """Record that the money was sent, with the bank's or network's reference; the customer is told.

    Raises Refused (no reference), PayoutDecided, Forbidden (not staff, or one's own), NotFound, Busy.
    """
    if not bank_reference.strip():
        raise Refused("Give the reference that the customer finds the payment by.", field="bank_reference")
    with busy_when_locked(), transaction.atomic(durable=True):
        payout = _load(payout_id, staff)
        if payout.state == PayoutState.CONFIRMED and payout.bank_reference == bank_reference.strip()[:100]:
            return payout
        if payout.state != PayoutState.WAITING:
            raise PayoutDecided(f"This payout is {payout.get_state_display().lower()} already.")
        payout.state = PayoutState.CONFIRMED
        payout.bank_reference = bank_reference.strip()[:100]
        _decide(payout, staff, at)
    gateway_refunds.refresh(f"payout-{payout.pk}", gateway=GatewaySlug.MANUAL, at=at)
    return payout


def fail(*, payout_id: int, reason: str, staff: User, at: datetime) -> Payout:
    """Record that the money could not be sent, or came back after it was; it returns to the customer's balance.

    Raises Refused (no reason), PayoutDecided, Forbidden (not staff, or one's own), NotFound, Busy.
    """
    if not reason.strip():
        raise Refused("Say what went wrong: the customer will read it.", field="reason")
    with busy_when_locked(), transaction.atomic(durable=True):
        payout = _load(payout_id, staff)
        if payout.state == PayoutState.FAILED:
            raise PayoutDecided("This payout failed already.")
        payout.state = PayoutState.FAILED
        payout.failure = reason.strip()[:300]
        _decide(payout, staff, at)
    gateway_refunds.refresh(f"payout-{payout.pk}", gateway=GatewaySlug.MANUAL, at=at)
    return payout


def _load(payout_id: int, staff: User) -> Payout:
    payout: Payout | None = Payout.objects.locked().filter(pk=payout_id).first()
    if payout is None:
        raise NotFound("There is no such payout.")
    owner = Withdrawal.objects.filter(legs__pk=payout.leg).values_list("customer_id", flat=True).first()
    if not staff.is_staff or staff.pk == owner:
        raise Forbidden("Payouts are carried out by staff, and never one's own.")
    return payout


def _decide(payout: Payout, staff: User, at: datetime) -> None:
    payout.decided_by = staff
    payout.decided_at = at
    payout.save(update_fields=["state", "bank_reference", "failure", "decided_by", "decided_at"])
