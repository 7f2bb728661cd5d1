"""Stripe's objects as the gateway's reports. Pure: no calls, no settings. Each function may raise OutcomeUnknown."""

import logging
from decimal import Decimal
from typing import Final

from billing.gateways.base import (
    DepositReport,
    DepositStanding,
    Method,
    Movement,
    MovementKind,
    OutcomeUnknown,
    RefundReport,
    RefundStanding,
)
from billing.gateways.stripe.answers import Answer
from billing.gateways.stripe.errors import refusal_of
from panel.kernel import money

logger = logging.getLogger(__name__)

_LONGEST_FAILURE: Final = 300
_LONGEST_STATUS: Final = 100
_LONGEST_NAME: Final = 40
_LONGEST_DIGITS: Final = 8
_LONGEST_FINGERPRINT: Final = 100

REFUND_STANDINGS: Final = {
    "pending": RefundStanding.PENDING,
    "requires_action": RefundStanding.PENDING,  # the customer has still to say where to; nothing was sent
    "succeeded": RefundStanding.PAID,
    "failed": RefundStanding.FAILED,
    "canceled": RefundStanding.CANCELED,
}

MOVEMENT_KINDS: Final = {
    "charge": MovementKind.PAYMENT,
    "payment": MovementKind.PAYMENT,
    "payment_failure_refund": MovementKind.PAYMENT,  # below zero: a bank debit that failed after it was reported paid
    "payment_reversal": MovementKind.PAYMENT,  # the same
    "refund": MovementKind.REFUND,
    "payment_refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND_FAILED,
}


def deposit_report(session: Answer, *, panel: str) -> DepositReport:
    """Read a Checkout Session whose `payment_intent.latest_charge` is expanded.

    Our number is taken from the metadata only where it also names this `panel`: two panels at one Stripe account both
    have a deposit 3.

    Only `payment_status` says whether money came, and only the PaymentIntent how much: a session may be complete and
    unpaid (delayed methods), and what was asked for is not always what arrives.
    """
    status, paid = session.text("status"), session.text("payment_status")
    intent = session.part_or_none("payment_intent")
    standing = _standing(session, status, paid, intent)
    received, currency = money.ZERO, session.text_or_empty("currency").upper()
    if standing is DepositStanding.PAID:
        arrived = session.part("payment_intent")
        currency = arrived.currency()
        received = arrived.positive_amount("amount_received", currency)
    return DepositReport(
        reference=session.text("id"),
        deposit=session.number_in_metadata("deposit") if session.metadata("panel") == panel else None,
        standing=standing,
        received=received,
        currency=currency,
        payment_reference=session.reference("payment_intent"),
        method=_method(intent),
        status=f"{status}, {paid}" + (f", {intent.text('status')}" if intent else ""),
        failure=_failure(intent) if standing is not DepositStanding.PAID else "",
    )


def _standing(session: Answer, status: str, paid: str, intent: Answer | None) -> DepositStanding:
    if paid == "paid":
        return DepositStanding.PAID
    if paid == "unpaid" and status == "open":
        return DepositStanding.OPEN
    if paid == "unpaid" and status == "expired":
        return DepositStanding.EXPIRED
    if paid == "unpaid" and status == "complete" and intent is not None:
        gone = intent.text("status") in {"requires_payment_method", "canceled"}
        return DepositStanding.FAILED if gone else DepositStanding.DELAYED
    message = f"Stripe's session {session.text('id')} makes no sense: {status}, {paid}"
    raise OutcomeUnknown(message)


def _method(intent: Answer | None) -> Method:
    """Read what was paid with: brand and last four of a card, bank and last four of a debit, and its fingerprint."""
    charge = intent.part_or_none("latest_charge") if intent else None
    details = charge.part_or_none("payment_method_details") if charge else None
    if details is None:
        return Method()
    kind = details.words("type", most=_LONGEST_NAME)
    own = details.part_or_none(kind)
    if own is None:
        return Method(kind=kind)
    names = (own.words(field, most=_LONGEST_NAME) for field in ("brand", "bank_name", "bank"))
    return Method(
        kind=kind,
        brand=next((name for name in names if name), ""),
        last4=own.words("last4", most=_LONGEST_DIGITS),
        fingerprint=own.words("fingerprint", most=_LONGEST_FINGERPRINT),
    )


def _failure(intent: Answer | None) -> str:
    error = intent.part_or_none("last_payment_error") if intent else None
    if error is None:
        return ""
    return error.words("message", most=_LONGEST_FAILURE) or error.words("code", most=_LONGEST_FAILURE)


def refund_report(refund: Answer) -> RefundReport:
    """Read a Refund. A status that we don't know is reported as UNRECOGNIZED, with Stripe's word for it."""
    status = refund.text_or_empty("status")
    standing = REFUND_STANDINGS.get(status, RefundStanding.UNRECOGNIZED)
    failed = standing in {RefundStanding.FAILED, RefundStanding.CANCELED}
    reason = refund.words("failure_reason", most=_LONGEST_FAILURE)
    leg, attempt = refund.number_in_metadata("leg"), refund.number_in_metadata("attempt")
    ours = leg is not None and attempt is not None
    currency = refund.currency()
    return RefundReport(
        reference=refund.text("id"),
        leg=leg if ours else None,
        attempt=attempt if ours else None,
        standing=standing,
        amount=refund.positive_amount("amount", currency),
        currency=currency,
        payment_reference=refund.reference("payment_intent"),
        bank_reference=_bank_reference(refund),
        status=refund.words("status", most=_LONGEST_STATUS),
        refusal=refusal_of(reason) if failed else None,
        failure=(reason or status) if failed else "",
    )


def _bank_reference(refund: Answer) -> str:
    """Read the acquirer reference number; it appears some days after the refund was sent, and not for all banks."""
    details = refund.part_or_none("destination_details")
    own = details.part_or_none(details.words("type", most=_LONGEST_NAME)) if details else None
    return own.words("reference", most=_LONGEST_STATUS) if own else ""


def movement(line: Answer) -> Movement:
    """Read a balance transaction whose `source` is expanded.

    `amount` is before fees. An account that settles in another currency than customers pay in books converted amounts;
    then the amount of the charge, refund or dispute itself is taken, since that is what the panel owes or is owed.
    """
    source = line.part_or_none("source")
    kind = _kind(line, source)
    currency = line.currency()
    amount = line.amount("amount", currency)
    if source and kind is not MovementKind.OTHER and source.currency() != currency:
        currency, sign = source.currency(), Decimal(1).copy_sign(amount)
        amount = sign * source.positive_amount("amount", currency)
    return Movement(
        reference=line.text("id"),
        kind=kind,
        source=line.reference("source"),
        payment_reference=source.reference("payment_intent") if source else "",
        amount=amount,
        currency=currency,
        at=line.instant("created"),
    )


def _kind(line: Answer, source: Answer | None) -> MovementKind:
    """Say what moved money. Disputes are booked as adjustments, so only their source tells them from other ones."""
    if source and source.text_or_empty("object") == "dispute":
        return MovementKind.DISPUTE
    return MOVEMENT_KINDS.get(line.text("type"), MovementKind.OTHER)
