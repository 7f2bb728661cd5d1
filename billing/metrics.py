"""What billing tells the monitoring: what is under way, what is late, and what waits for a person.

Every query goes over a partial index, so that what is finished is never read.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone

from billing.models import (
    Deposit,
    Discrepancy,
    EventState,
    GatewayEvent,
    LegState,
    Payout,
    PayoutState,
    Withdrawal,
    WithdrawalLeg,
)
from billing.models.deposit import WAITING
from billing.models.withdrawal import PROMISED
from panel.kernel.metrics import Sample


def samples() -> Iterable[Sample]:
    """Return billing's numbers, in a fixed number of queries."""
    now = timezone.now()
    yield from _withdrawals(now)
    yield from _legs()
    yield from _waiting(now)


def _withdrawals(now: datetime) -> Iterator[Sample]:
    rows = (
        Withdrawal.objects.filter(state__in=PROMISED)
        .order_by()
        .values("state")
        .annotate(number=Count("pk"), late=Count("pk", filter=Withdrawal.overdue(now)), oldest=Min("overdue_at"))
    )
    found = {row["state"]: row for row in rows}
    for state in PROMISED:
        yield Sample(
            "makegood_withdrawals_open",
            "Withdrawals that are not sent yet, by state.",
            found[state]["number"] if state in found else 0,
            {"state": state.value},
        )
    yield Sample(
        "makegood_withdrawals_overdue",
        "Withdrawals that are not sent although the promised day has passed.",
        sum(row["late"] for row in found.values()),
    )
    yield Sample(
        "makegood_withdrawals_oldest_overdue_seconds",
        "For how long the withdrawal that is overdue longest has been so.",
        _age(min((row["oldest"] for row in found.values()), default=None), now),
    )


def _legs() -> Iterator[Sample]:
    """Count legs by way of their open withdrawals: one that waits for us is always part of such."""
    numbers = WithdrawalLeg.objects.filter(withdrawal__state__in=PROMISED).aggregate(
        unknown=Count("pk", filter=Q(state=LegState.UNKNOWN)), arranging=Count("pk", filter=Q(state=LegState.ARRANGING))
    )
    yield Sample(
        "makegood_withdrawal_legs_unknown",
        "Refunds of which nobody can say yet whether the gateway carried them out.",
        numbers["unknown"],
    )
    yield Sample(
        "makegood_arrangements_open",
        "Parts of withdrawals for which support and the customer have to agree on another way.",
        numbers["arranging"],
    )


def _waiting(now: datetime) -> Iterator[Sample]:
    payouts = Payout.objects.filter(state=PayoutState.WAITING).aggregate(number=Count("pk"), oldest=Min("created_at"))
    yield Sample("makegood_payouts_waiting", "Payouts that staff have to carry out by hand.", payouts["number"])
    yield Sample(
        "makegood_payouts_oldest_waiting_seconds",
        "For how long the oldest payout by hand has waited.",
        _age(payouts["oldest"], now),
    )
    deposits = Deposit.objects.filter(due_at__isnull=False, state__in=WAITING).order_by().values("state")
    by_state = {row["state"]: row["number"] for row in deposits.annotate(number=Count("pk"))}
    for state in WAITING:
        yield Sample(
            "makegood_deposits_waiting",
            "Deposits whose outcome is not known yet, by state.",
            by_state.get(state, 0),
            {"state": state.value},
        )
    events = GatewayEvent.objects.filter(due_at__isnull=False).aggregate(
        number=Count("pk"), oldest=Min("waiting_since")
    )
    yield Sample("makegood_gateway_events_waiting", "Webhooks that are not handled yet.", events["number"])
    yield Sample(
        "makegood_gateway_events_oldest_waiting_seconds",
        "For how long the oldest webhook has waited to be handled.",
        _age(events["oldest"], now),
    )
    yield Sample(
        "makegood_gateway_events_failed",
        "Webhooks that were given up; staff can replay them.",
        GatewayEvent.objects.filter(state=EventState.FAILED).count(),
    )
    yield Sample(
        "makegood_discrepancies_open",
        "Differences between the gateways' books and ours.",
        Discrepancy.objects.filter(resolved_at__isnull=True).count(),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
