"""Scheduled work of the billing room. Each may run twice, or at the same time as another of its kind."""

import structlog
from celery import shared_task
from django.utils import timezone

from billing import deposit_checks, dispute_checks, reconciliation
from billing.sending import work

log = structlog.get_logger()

# Reads a week of the gateways' books, a hundred lines a call (seconds).
_LONGEST_RECONCILIATION = 3 * 3600


@shared_task
def send_due_withdrawals() -> None:
    """Send, look for and follow up the withdrawals that are due."""
    work.send_due()


@shared_task
def check_due_deposits() -> None:
    """Ask the gateways about deposits that nobody has told us of yet."""
    deposit_checks.check_due(clock=timezone.now)


@shared_task
def check_due_disputes() -> None:
    """Ask the gateways about disputes that may have moved."""
    dispute_checks.check_due(clock=timezone.now)


@shared_task
def look_for_disputes() -> None:
    """Take in disputes that nobody has told us of."""
    dispute_checks.look_for_new(clock=timezone.now)


@shared_task(time_limit=_LONGEST_RECONCILIATION)
def reconcile_gateways() -> None:
    """Compare the last days with the gateways' books; what differs is listed for staff and logged."""
    for report in reconciliation.reconcile_all(at=timezone.now()):
        if report.unreached:
            log.error("reconciliation_not_finished", gateway=report.gateway, error=report.unreached)
        for found in report.found:
            log.error(
                "reconciliation_differs", gateway=report.gateway, problem=found.problem, reference=found.reference
            )
