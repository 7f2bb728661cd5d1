"""Submit evidence to the bank: a person's decision, once and for good.

Three steps: intend, call, record. What is not known is found out by reading the dispute again: its count of submissions
tells. The whole pack goes with the call, so that what the bank sees is what the person read, whatever was staged.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from billing import disputes, gateways
from billing.gateways.base import GatewayError, OutcomeUnknown
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked
from refunds import chargebacks
from refunds.evidence import access, handing
from refunds.evidence.handing import LONGEST_ERROR, Handing
from refunds.models import DisputeEvidence, EvidenceState

log = structlog.get_logger()

SURE_AFTER: Final = timedelta(minutes=10)
"""After this long a call that left no trace at the gateway has not been carried out, and never will be."""


def submit(*, evidence_id: int, staff: User, revision: int, at: datetime) -> DisputeEvidence:
    """Submit the evidence at the revision that this person has read; return it, submitted or still being found out.

    Raises EvidenceNotFound, Forbidden, NotAnswerable, NotNow (not staged, changed meanwhile, not the newest), Busy, and
    GatewayError when the gateway could not be asked or refused: then nothing was submitted.
    """
    dispute = access.dispute_of(evidence_id)
    access.require(staff, access.MAY_SUBMIT, dispute)
    chargebacks.refresh(dispute.reference, gateway=dispute.gateway, at=at)
    handed = _intend(evidence_id, staff, revision, at)
    try:
        report = gateways.get(handed.gateway).submit_evidence(handed.evidence(handed.references, verb="submit"))
    except OutcomeUnknown as error:
        log.warning("evidence_submission_unknown", evidence=evidence_id, error=error.message)
        return _look(evidence_id, at, sure=False)
    except GatewayError as error:
        log.warning("evidence_not_submitted", evidence=evidence_id, error=error.message)
        _take_back(handed, error.message)
        raise
    evidence = _record(evidence_id, report.submissions, at, sure=False)
    try:
        chargebacks.refresh(dispute.reference, gateway=dispute.gateway, at=at)
    except PanelError as error:  # the webhook or the poller brings it
        log.info("dispute_not_read_again", dispute=dispute.pk, error=error.message)
    return evidence


def find_out_due(*, at: datetime) -> int:
    """Find out what became of submissions that nobody answered; return how many are known now."""
    waiting = DisputeEvidence.objects.filter(due_at__lte=at, state=EvidenceState.SUBMITTING).order_by("due_at", "pk")
    known = 0
    for evidence_id in waiting.values_list("pk", flat=True):
        try:
            known += _look(evidence_id, at, sure=True).state != EvidenceState.SUBMITTING
        except PanelError as error:
            log.warning("evidence_submission_unknown", evidence=evidence_id, error=error.message)
    return known


def _intend(evidence_id: int, staff: User, revision: int, at: datetime) -> Handing:
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute, evidence = access.locked(evidence_id)
        access.require_newest(dispute, evidence)
        access.require_answerable(dispute, at=at)
        if evidence.state != EvidenceState.STAGED:
            raise access.NotNow(
                f"Only staged evidence can be submitted; this is {evidence.get_state_display().lower()}."
            )
        if evidence.revision != revision:
            raise access.NotNow("Somebody else has changed the evidence meanwhile. Please read it again.")
        evidence.state, evidence.due_at = EvidenceState.SUBMITTING, at + SURE_AFTER
        evidence.submitted_by, evidence.submissions_before = staff, dispute.submissions
        evidence.attempt += 1
        evidence.error = ""
        evidence.save(update_fields=["state", "due_at", "submitted_by", "submissions_before", "attempt", "error"])
        return handing.of(dispute, evidence)


def _look(evidence_id: int, at: datetime, *, sure: bool) -> DisputeEvidence:
    """Read the dispute again and record what that says; `sure` when no trace means that nothing was carried out.

    A gateway that can't be asked is asked again later. Raises Busy.
    """
    dispute = access.dispute_of(evidence_id)
    try:
        dispute = chargebacks.refresh(dispute.reference, gateway=dispute.gateway, at=at)
    except GatewayError as error:
        log.warning("evidence_submission_unknown", evidence=evidence_id, error=error.message)
        return _ask_later(evidence_id, at)
    return _record(evidence_id, dispute.submissions, at, sure=sure)


def _record(evidence_id: int, submissions: int, at: datetime, *, sure: bool) -> DisputeEvidence:
    """Apply how often the gateway says that evidence was submitted; whoever learns of it first comes through here."""
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute, evidence = access.locked(evidence_id)
        if evidence.state != EvidenceState.SUBMITTING or evidence.submissions_before is None:
            return evidence
        if submissions > evidence.submissions_before:
            evidence.state, evidence.submitted_at, evidence.due_at = EvidenceState.SUBMITTED, at, None
            evidence.save(update_fields=["state", "submitted_at", "due_at"])
            words = f"Evidence {evidence.number} was submitted to the bank."
            disputes.note(dispute, words, at=at, actor=evidence.submitted_by)
        elif sure:
            _restore(evidence, "Nobody answered, and the gateway knows of no submission. Nothing was submitted.")
    return evidence


def _take_back(handed: Handing, why: str) -> None:
    """Let it be staged again after a definite failure."""
    with busy_when_locked(), transaction.atomic(durable=True):
        _, evidence = access.locked(handed.evidence_id)
        if (evidence.state, evidence.attempt) == (EvidenceState.SUBMITTING, handed.attempt):
            _restore(evidence, why)


def _restore(evidence: DisputeEvidence, why: str) -> None:
    evidence.state, evidence.due_at, evidence.error = EvidenceState.STAGED, None, why[:LONGEST_ERROR]
    evidence.submitted_by, evidence.submissions_before = None, None
    evidence.save(update_fields=["state", "due_at", "error", "submitted_by", "submissions_before"])


def _ask_later(evidence_id: int, at: datetime) -> DisputeEvidence:
    with busy_when_locked(), transaction.atomic(durable=True):
        _, evidence = access.locked(evidence_id)
        if evidence.state == EvidenceState.SUBMITTING:
            evidence.due_at = at + SURE_AFTER
            evidence.save(update_fields=["due_at"])
    return evidence
