"""Compare lines of a gateway's books with our deposits and legs, both ways.

What is merely late is no difference: a line that we don't know is asked about and taken in, as a webhook would have
been, and a row of ours without a line is looked up at the gateway. Only what remains is found to differ.

Every function here makes outside calls, so no transaction is open; each may raise GatewayError and Busy.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings

from billing.gateways.base import Movement, MovementKind
from billing.models import Deposit, LegState, Problem, WithdrawalLeg
from billing.reconciliation import disputing, examining
from billing.reconciliation.progress import Comparison, Sum
from panel.kernel import money

_CARRIED_OUT: Final = frozenset({LegState.SENT, LegState.PAID})
_PAYMENTS: Final = frozenset({MovementKind.PAYMENT})
_REFUNDS: Final = frozenset({MovementKind.REFUND, MovementKind.REFUND_FAILED})


def lines(comparison: Comparison, movements: Sequence[Movement]) -> None:
    """Compare these lines with our rows, in a fixed number of queries as far as they agree."""
    of_payments = [line for line in movements if line.kind in _PAYMENTS]
    of_refunds = [line for line in movements if line.kind in _REFUNDS]
    of_disputes = [line for line in movements if line.kind is MovementKind.DISPUTE]
    comparison.others += len(movements) - len(of_payments) - len(of_refunds) - len(of_disputes)
    disputing.note(comparison, of_disputes)
    _payments(comparison, of_payments)
    _refunds(comparison, of_refunds)


def payments_without_line(comparison: Comparison, *, since: datetime, until: datetime, seen: set[str]) -> None:
    """Look up each deposit that was paid in `[since, until)` and whose payment is not among those seen."""
    paid = Deposit.objects.filter(gateway=comparison.slug, paid_at__gte=since, paid_at__lt=until)
    rows = paid.order_by("paid_at").values_list("pk", "payment_reference").iterator(chunk_size=5_000)
    for pk in [pk for pk, reference in rows if reference not in seen]:
        examining.payment(comparison, Deposit.objects.get(pk=pk))


def refunds_without_line(comparison: Comparison, *, since: datetime, until: datetime, seen: set[str]) -> None:
    """Look up each leg that counts as paid since `[since, until)` and whose refund is not among those seen."""
    paid = WithdrawalLeg.objects.filter(
        gateway=comparison.slug, state=LegState.PAID, paid_at__gte=since, paid_at__lt=until
    )
    rows = paid.order_by("paid_at").values_list("pk", "reference").iterator(chunk_size=5_000)
    for pk in [pk for pk, reference in rows if reference not in seen]:
        examining.refund(comparison, WithdrawalLeg.objects.get(pk=pk))


def _payments(comparison: Comparison, movements: Sequence[Movement]) -> None:
    known = examining.known_payments(comparison, {line.payment_reference for line in movements})
    for line in movements:
        _count(comparison.gateway_payments, line, line.amount)
        theirs = money.display(abs(line.amount), line.currency.upper())
        deposit = known.get(line.payment_reference)
        if line.amount < 0:
            of = f"deposit {deposit.pk}" if deposit else "a payment that we don't know"
            words = f"The gateway took back {theirs} of {of}: the bank did not pay after all."
            comparison.find(Problem.AMOUNT_DIFFERS, line.reference, words, line.amount)
            continue
        deposit = deposit or examining.unknown_payment(comparison, line.payment_reference)
        if deposit is None:
            words = f"A payment of {theirs} that belongs to no deposit of this panel."
            comparison.find(
                Problem.UNKNOWN_PAYMENT, line.payment_reference or line.source or line.reference, words, line.amount
            )
            continue
        comparison.our_payments.add(deposit.amount)
        if (line.amount, line.currency.upper()) != (deposit.amount, deposit.currency):
            ours = money.display(deposit.amount, deposit.currency)
            words = f"Deposit {deposit.pk} was credited with {ours}; the gateway's books say {theirs}."
            comparison.find(Problem.AMOUNT_DIFFERS, line.payment_reference, words, line.amount - deposit.amount)


def _refunds(comparison: Comparison, movements: Sequence[Movement]) -> None:
    known = examining.known_refunds(comparison, {line.source for line in movements})
    failed = {line.source for line in movements if line.kind is MovementKind.REFUND_FAILED}
    for line in movements:
        _count(comparison.gateway_refunds, line, -line.amount)
        leg = known.get(line.source) or examining.unknown_refund(comparison, line.source, line.amount)
        if leg is None:
            continue
        if (abs(line.amount), line.currency.upper()) != (leg.amount, settings.PANEL_CURRENCY):
            ours = money.display(leg.amount, settings.PANEL_CURRENCY)
            theirs = money.display(abs(line.amount), line.currency.upper())
            words = f"{ours} of withdrawal {leg.withdrawal_id}; the gateway's books say {theirs}."
            comparison.find(Problem.AMOUNT_DIFFERS, line.source, words, abs(line.amount) - leg.amount)
        elif line.source in failed:
            if leg.state != LegState.FAILED:
                examining.refund(comparison, leg)
        elif leg.state not in _CARRIED_OUT:
            examining.refund(comparison, leg)
        if (Problem.STATE_DIFFERS, line.source) in comparison.found:
            continue
        if line.kind is MovementKind.REFUND:
            comparison.our_refunds.add(leg.amount)
        elif leg.state == LegState.FAILED:
            comparison.our_refunds.add(-leg.amount)


def _count(total: Sum, line: Movement, amount: Decimal) -> None:
    if line.currency.upper() == settings.PANEL_CURRENCY:
        total.add(amount)
