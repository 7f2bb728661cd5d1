"""Disputes, opened and moved at the running sandbox and taken in."""

from billing.models import Deposit, Dispute
from panel.sandbox.payments import PaymentsSandbox
from refunds import chargebacks
from tests.factories.orders import AT

DISPUTED_AT = AT.replace(hour=AT.hour + 2)


def open_dispute(
    payments: PaymentsSandbox, deposit: Deposit, *, cents: int | None = None, status: str = "needs_response"
) -> str:
    """Dispute a deposit's payment at the gateway, all of it unless `cents` says how much; return its reference."""
    assert deposit.payment_reference
    return payments.open_dispute(deposit.payment_reference, amount=cents, status=status)


def take_in(reference: str) -> Dispute:
    """Ask the gateway about a dispute and take in what it says."""
    return chargebacks.refresh(reference, gateway="stripe", at=DISPUTED_AT)


def disputed(payments: PaymentsSandbox, deposit: Deposit, *, cents: int | None = None) -> Dispute:
    """Dispute a deposit's payment formally and take that in."""
    return take_in(open_dispute(payments, deposit, cents=cents))


def move_dispute(payments: PaymentsSandbox, dispute: Dispute, status: str) -> Dispute:
    """Give a dispute another status at the gateway and take that in."""
    payments.move_dispute(dispute.reference, status)
    return take_in(dispute.reference)
