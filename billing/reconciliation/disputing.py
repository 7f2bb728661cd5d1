"""Compare what the gateway's books say of disputes with our rows; what is merely late is taken in.

Every function here but `note` makes outside calls, so no transaction is open; each may raise GatewayError and Busy.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings

from billing import disputes, ports
from billing.gateways.base import Movement, Refusal, Refused
from billing.models import Discrepancy, Dispute, Problem
from billing.reconciliation.progress import Comparison
from panel.kernel import money

PROBLEMS: Final = frozenset({Problem.UNKNOWN_DISPUTE, Problem.DISPUTE_DIFFERS})


def note(comparison: Comparison, movements: Iterable[Movement]) -> None:
    """Add lines of disputes to what each has taken (above zero) or given back in the period."""
    for line in movements:
        if line.currency.upper() == settings.PANEL_CURRENCY:
            taken = comparison.taken_by_disputes.get(line.source, money.ZERO)
            comparison.taken_by_disputes[line.source] = taken - line.amount


def compare(comparison: Comparison, *, since: datetime) -> None:
    """Compare each noted dispute with its row. Of one opened before `since` the books show a part only."""
    rows = {row.reference: row for row in _rows(comparison, comparison.taken_by_disputes)}
    for reference, taken in comparison.taken_by_disputes.items():
        comparison.gateway_disputes.add(taken)
        row = rows.get(reference)
        if row is None or (row.opened_at >= since and row.withdrawn != taken):
            row = _take_in(comparison, reference, row, taken)
        if row is None:
            continue
        is_partial = row.opened_at < since
        comparison.our_disputes.add(taken if is_partial else row.withdrawn)
        if not is_partial and row.withdrawn != taken:
            _differs(comparison, row, taken)


def look_again(comparison: Comparison, listed: Discrepancy) -> None:
    """Ask about a dispute that an earlier run listed and this one has no line of."""
    reference = listed.reference
    row = next(iter(_rows(comparison, [reference])), None) or _take_in(comparison, reference, None, listed.amount)
    if row is None:
        return
    try:
        report = comparison.gateway.fetch_dispute(reference)
    except Refused as error:
        if error.refusal != Refusal.NOT_FOUND:
            raise
        return
    if row.withdrawn != report.withdrawn:
        _differs(comparison, row, report.withdrawn)


def _rows(comparison: Comparison, references: Iterable[str]) -> Iterable[Dispute]:
    found: Iterable[Dispute] = Dispute.objects.filter(gateway=comparison.slug, reference__in=list(references))
    return found


def _take_in(comparison: Comparison, reference: str, row: Dispute | None, taken: Decimal) -> Dispute | None:
    """Have the dispute read anew; None, and found to differ, when it belongs to no deposit of ours."""
    try:
        ports.learn_of_dispute(reference, gateway=comparison.slug, at=comparison.at)
    except (disputes.NotKnown, Refused) as error:
        if row is None:
            theirs = money.display(abs(taken), settings.PANEL_CURRENCY)
            words = f"The gateway took {theirs} for a dispute that we don't know: {error.message}"
            comparison.find(Problem.UNKNOWN_DISPUTE, reference, words, taken)
        return row
    found: Dispute = Dispute.objects.get(gateway=comparison.slug, reference=reference)
    if row is None or row.withdrawn != found.withdrawn:
        comparison.repaired.append(reference)
    return found


def _differs(comparison: Comparison, row: Dispute, taken: Decimal) -> None:
    ours, theirs = (money.display(amount, settings.PANEL_CURRENCY) for amount in (row.withdrawn, taken))
    words = f"Dispute {row.pk} has taken {ours} by our books; the gateway's say {theirs}."
    comparison.find(Problem.DISPUTE_DIFFERS, row.reference, words, taken - row.withdrawn)
