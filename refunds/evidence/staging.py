"""Stage evidence beside its dispute, where the gateway shows it and the bank does not see it yet.

Three steps: intend, upload and update, record. Staging twice is the same as once, so what is not known is tried anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from billing import disputes, gateways
from billing.gateways.base import GatewayError, Refused
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from panel.kernel.evidence import Document
from panel.locking import busy_when_locked
from refunds.evidence import access, handing
from refunds.evidence.handing import LONGEST_ERROR, Handing
from refunds.models import DisputeEvidence, EvidenceState

log = structlog.get_logger()

CLAIM_LASTS: Final = timedelta(minutes=10)  # longer than any call takes; a process that died is taken over after it
TRIED_AGAIN_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the calls: the references so far, and why they stopped, if they did."""

    references: Mapping[Document, str]
    error: GatewayError | None = None


def stage(*, evidence_id: int, at: datetime, staff: User | None = None) -> DisputeEvidence:
    """Stage evidence as it stands; `staff` is who asks for it, None for the sweep.

    A gateway that fails leaves it assembled, with the reason in its row, and it is tried again by itself unless the
    gateway refused it. Raises EvidenceNotFound, Forbidden, NotAnswerable, NotNow, Busy.
    """
    handed = _intend(evidence_id, staff, at)
    return _record(handed, _carry_out(handed), staff, at)


def stage_due(*, at: datetime) -> int:
    """Stage what is due; return how many that were."""
    states = (EvidenceState.ASSEMBLED, EvidenceState.STAGING)
    due = DisputeEvidence.objects.filter(due_at__lte=at, state__in=states).order_by("due_at", "pk")
    staged = 0
    for evidence_id in due.values_list("pk", flat=True):
        try:
            staged += stage(evidence_id=evidence_id, at=at).state == EvidenceState.STAGED
        except (access.NotAnswerable, access.Outdated) as error:
            _give_up(evidence_id, error, at)
        except PanelError as error:
            log.info("evidence_not_staged", evidence=evidence_id, error=error.message)
    return staged


def _intend(evidence_id: int, staff: User | None, at: datetime) -> Handing:
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute, evidence = access.locked(evidence_id)
        if staff is not None:
            access.require(staff, access.MAY_PREPARE, dispute)
        access.require_newest(dispute, evidence)
        access.require_answerable(dispute, at=at)
        is_left_over = evidence.state == EvidenceState.STAGING and evidence.is_due(at)
        if evidence.state != EvidenceState.ASSEMBLED and not is_left_over:
            raise access.NotNow(f"The evidence is {evidence.get_state_display().lower()} already.")
        evidence.state, evidence.due_at = EvidenceState.STAGING, at + CLAIM_LASTS
        evidence.attempt += 1
        evidence.save(update_fields=["state", "due_at", "attempt"])
        return handing.of(dispute, evidence)


def _carry_out(handed: Handing) -> _Outcome:
    references = dict(handed.references)
    gateway = gateways.get(handed.gateway)
    try:
        for document, upload in handed.pending.items():
            references[document] = gateway.upload_evidence(upload)
        gateway.stage_evidence(handed.evidence(references, verb="stage"))
    except GatewayError as error:
        log.warning("evidence_not_staged", evidence=handed.evidence_id, error=error.message)
        return _Outcome(references, error)
    return _Outcome(references)


def _record(handed: Handing, outcome: _Outcome, staff: User | None, at: datetime) -> DisputeEvidence:
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute, evidence = access.locked(handed.evidence_id)
        handing.keep(evidence.pk, outcome.references)
        if (evidence.state, evidence.attempt) != (EvidenceState.STAGING, handed.attempt):
            return evidence
        if outcome.error is None:
            evidence.state, evidence.staged_at = EvidenceState.STAGED, at
            evidence.due_at, evidence.error = None, ""
            disputes.note(dispute, f"Evidence {evidence.number} was staged; it is not submitted.", at=at, actor=staff)
        else:
            is_final = isinstance(outcome.error, Refused)
            evidence.state = EvidenceState.ASSEMBLED
            evidence.due_at = None if is_final else at + TRIED_AGAIN_AFTER
            evidence.error = outcome.error.message[:LONGEST_ERROR]
        evidence.save(update_fields=["state", "staged_at", "due_at", "error"])
    return evidence


def _give_up(evidence_id: int, error: PanelError, at: datetime) -> None:
    """Try no more by itself: the bank takes nothing now, or there is newer evidence."""
    with busy_when_locked(), transaction.atomic(durable=True):
        _, evidence = access.locked(evidence_id)
        if evidence.state in {EvidenceState.ASSEMBLED, EvidenceState.STAGING} and evidence.is_due(at):
            evidence.state, evidence.due_at = EvidenceState.ASSEMBLED, None
            evidence.error = error.message[:LONGEST_ERROR]
            evidence.save(update_fields=["state", "due_at", "error"])
