"""Stripe's books in the sandbox, and ours compared with them."""

from datetime import UTC, datetime, timedelta

from billing import reconciliation
from billing.models import Discrepancy, GatewaySlug, LegState, Problem, WithdrawalLeg
from billing.reconciliation import Report
from panel.sandbox.payments import PaymentsSandbox
from tests.factories.payments import HOUR, only_leg, pay_in, send_due, withdraw
from tests.factories.people import make_customer

DAY = timedelta(days=1)
STRIPE = GatewaySlug.STRIPE


def now(payments: PaymentsSandbox) -> datetime:
    """Return the sandbox's time as a moment just after everything that happened there."""
    return datetime.fromtimestamp(payments.now(), tz=UTC) + timedelta(seconds=1)


def paid_leg(payments: PaymentsSandbox, amount: str = "20", *, card: str = "visa") -> WithdrawalLeg:
    """Ada paid 50.00 in and has a part of it back; everybody knows."""
    at = now(payments)
    ada = make_customer()
    pay_in(ada, payments, "50", card=card, at=at)
    withdrawal = withdraw(ada, amount, at=at)
    assert send_due(at + HOUR) == 1
    leg = only_leg(withdrawal)
    assert leg.state == LegState.PAID
    return leg


def compare(payments: PaymentsSandbox, *, after: timedelta = timedelta()) -> Report:
    """Reconcile a week of Stripe's books, as a run would `after` this moment."""
    at = now(payments) + after
    return reconciliation.reconcile(STRIPE, since=at - 7 * DAY, until=at, at=at)


def problems(report: Report) -> list[tuple[Problem, str]]:
    """Return what a run found, as problem and reference."""
    return [(found.problem, found.reference) for found in report.found]


def listed() -> list[tuple[str, str]]:
    """Return what is listed and not resolved yet, oldest first."""
    rows = Discrepancy.objects.filter(resolved_at__isnull=True).order_by("pk")
    return [(row.problem, row.reference) for row in rows]
