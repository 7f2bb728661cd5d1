"""Scheduled work of the refunds room."""

import structlog
from celery import shared_task

from refunds import audit

log = structlog.get_logger()


@shared_task
def audit_books() -> None:
    """Recompute the books and log every broken invariant as an error."""
    for finding in audit.findings():
        log.error("ledger_invariant_broken", invariant=finding.invariant, rows=finding.count, examples=finding.examples)
