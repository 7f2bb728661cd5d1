"""Ask the gateway about one payment or refund that does not agree, and take in what is merely late.

Every function here makes an outside call, so no transaction is open; each may raise GatewayError and Busy.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from django.conf import settings

from billing import deposits, gateway_refunds
from billing.gateways.base import DepositStanding, RefundStanding, Refusal, Refused
from billing.models import Deposit, DepositState, LegState, Problem, WithdrawalLeg
from billing.reconciliation.progress import Comparison
from panel.kernel import money

# The states that a leg may be in while the gateway says this of its refund. One that counts as paid stays so while the
# gateway still processes it.
_AGREES: Final = {
    RefundStanding.TO_DO: frozenset({LegState.SENDING}),
    RefundStanding.PENDING: frozenset({LegState.SENT, LegState.PAID}),
    RefundStanding.UNRECOGNIZED: frozenset({LegState.SENT, LegState.PAID}),
    RefundStanding.PAID: frozenset({LegState.PAID}),
    RefundStanding.FAILED: frozenset({LegState.FAILED}),
    RefundStanding.CANCELED: frozenset({LegState.FAILED}),
}


def known_payments(comparison: Comparison, references: Iterable[str]) -> dict[str, Deposit]:
    """Return the paid deposits of these payments, by the payment's reference."""
    rows = Deposit.objects.filter(
        gateway=comparison.slug, state=DepositState.PAID, payment_reference__in=list(references)
    )
    return {row.payment_reference: row for row in rows if row.payment_reference}


def known_refunds(comparison: Comparison, references: Iterable[str]) -> dict[str, WithdrawalLeg]:
    """Return the legs that have these references at the gateway, by reference."""
    rows = WithdrawalLeg.objects.filter(gateway=comparison.slug, reference__in=list(references))
    return {row.reference: row for row in rows if row.reference}


def payment(comparison: Comparison, deposit: Deposit) -> None:
    """Ask the gateway about a deposit that we credited."""
    reference, ours = deposit.payment_reference or "", money.display(deposit.amount, deposit.currency)
    try:
        report = comparison.gateway.fetch_deposit(deposit.reference or "")
    except Refused as error:
        _require_not_found(error)
        words = f"Deposit {deposit.pk} was credited with {ours}; the gateway does not know it."
        comparison.find(Problem.MISSING_PAYMENT, reference, words, deposit.amount)
        return
    theirs = money.display(report.received, report.currency.upper())
    if report.standing != DepositStanding.PAID or report.payment_reference != reference:
        words = f"Deposit {deposit.pk} was credited with {ours}; the gateway says: {report.status}."
        comparison.find(Problem.MISSING_PAYMENT, reference, words, deposit.amount)
    elif (report.received, report.currency.upper()) != (deposit.amount, deposit.currency):
        words = f"Deposit {deposit.pk} was credited with {ours}; the gateway received {theirs}."
        comparison.find(Problem.AMOUNT_DIFFERS, reference, words, report.received - deposit.amount)


def refund(comparison: Comparison, leg: WithdrawalLeg) -> None:
    """Ask the gateway about a leg's refund, take in what it says, and see whether they agree now."""
    reference = leg.reference or ""
    if reference in comparison.examined:
        return
    comparison.examined.add(reference)
    ours = money.display(leg.amount, settings.PANEL_CURRENCY)
    part = f"{ours} of withdrawal {leg.withdrawal_id}"
    try:
        report = comparison.gateway.fetch_refund(reference)
    except Refused as error:
        _require_not_found(error)
        words = f"{part} counts as {leg.get_state_display().lower()}; the gateway does not know it."
        comparison.find(Problem.MISSING_REFUND, reference, words, leg.amount)
        return
    if (report.amount, report.currency.upper()) != (leg.amount, settings.PANEL_CURRENCY):
        theirs = money.display(report.amount, report.currency.upper())
        words = f"{part}; the gateway paid back {theirs}."
        comparison.find(Problem.AMOUNT_DIFFERS, reference, words, report.amount - leg.amount)
        return
    before = leg.state
    gateway_refunds.take_in(report, gateway=comparison.slug, at=comparison.at)
    leg.refresh_from_db(fields=["state"])
    if leg.state != before:
        comparison.repaired.append(reference)
    if leg.state not in _AGREES[report.standing]:
        words = f"{part} counts as {leg.get_state_display().lower()}; the gateway says: {report.status}."
        comparison.find(Problem.STATE_DIFFERS, reference, words, leg.amount)


def unknown_refund(comparison: Comparison, reference: str, amount: Decimal) -> WithdrawalLeg | None:
    """Ask about a refund that no leg has, and book it: made by hand at the gateway, or ours that we lost sight of.

    None when it has failed before we knew of it, so that there is nothing to book, and when it is found to differ.
    """
    if reference in comparison.examined:
        return known_refunds(comparison, [reference]).get(reference)
    comparison.examined.add(reference)
    try:
        report = comparison.gateway.fetch_refund(reference)
        gateway_refunds.take_in(report, gateway=comparison.slug, at=comparison.at)
    except Refused as error:
        _require_not_found(error)
        words = "The gateway's books have this refund, and the gateway does not know it."
        comparison.find(Problem.UNKNOWN_REFUND, reference, words, amount)
        return None
    except (gateway_refunds.NotKnown, gateway_refunds.NotClear, gateway_refunds.NoRoomYet) as error:
        comparison.find(Problem.UNKNOWN_REFUND, reference, error.message, amount)
        return None
    leg = known_refunds(comparison, [reference]).get(reference)
    if leg is not None:
        comparison.repaired.append(reference)
    elif report.standing not in {RefundStanding.FAILED, RefundStanding.CANCELED}:
        theirs = money.display(report.amount, report.currency.upper())
        words = f"The refund of {theirs} says that it is of leg {report.leg}, which is of another amount."
        comparison.find(Problem.UNKNOWN_REFUND, reference, words, amount)
    return leg


def unknown_payment(comparison: Comparison, reference: str) -> Deposit | None:
    """Ask about a payment that we did not credit, and credit it if it is a deposit of ours. None if it is not."""
    if not reference:  # a payment that no page of ours could have made
        return None
    try:
        report = comparison.gateway.find_deposit(reference)
    except Refused as error:
        _require_not_found(error)
        return None
    if report is None:
        return None
    try:
        deposits.record(report, gateway=comparison.slug, at=comparison.at)
    except deposits.NotKnown:
        return None
    deposit = known_payments(comparison, [reference]).get(reference)
    if deposit is not None:
        comparison.repaired.append(reference)
    return deposit


def _require_not_found(error: Refused) -> None:
    """Raise what says nothing about the object, such as keys that the gateway does not accept."""
    if error.refusal != Refusal.NOT_FOUND:
        raise error
