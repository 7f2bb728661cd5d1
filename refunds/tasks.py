"""Scheduled work of the refunds room."""

import time
from typing import Final

import structlog
from celery import shared_task
from django.utils import timezone

from refunds import announcing, audit, fraud_warnings, taking_back
from refunds.backtesting import runs
from refunds.evidence import deadlines, preparing, staging, submitting

log = structlog.get_logger()

ANNOUNCES_WITHIN: Final = 60.0  # seconds


@shared_task
def audit_books() -> None:
    """Recompute the books and log every broken invariant as an error."""
    for finding in audit.findings():
        log.error("ledger_invariant_broken", invariant=finding.invariant, rows=finding.count, examples=finding.examples)


@shared_task(time_limit=3 * 3600)
def carry_out_backtests() -> None:
    """Carry out the backtests that wait, one after the other."""
    while runs.carry_out_next(at=timezone.now()):
        pass


@shared_task
def announce_policies() -> None:
    """Write the next letters about policies that are announced, and about those that were and are withdrawn.

    What is left after a minute is the next sweep's.
    """
    begun = time.monotonic()
    for write in (taking_back.carry_on, announcing.carry_on):
        while time.monotonic() - begun < ANNOUNCES_WITHIN and write(at=timezone.now()):
            pass


@shared_task
def find_fraud_warnings() -> None:
    """Take in the fraud warnings that no webhook told us of."""
    fraud_warnings.sweep(at=timezone.now())


@shared_task
def prepare_evidence() -> None:
    """Assemble evidence for disputes that are contested, stage it, and find out what unanswered submissions did."""
    at = timezone.now()
    submitting.find_out_due(at=at)
    preparing.assemble_due(at=at)
    staging.stage_due(at=at)


@shared_task
def warn_of_deadlines() -> None:
    """Tell staff which disputes have to be answered soon; each deadline is told once."""
    deadlines.warn_due(at=timezone.now())
