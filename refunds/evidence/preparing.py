"""Assemble evidence: by itself where the policy says so, or when staff ask for it."""

import hashlib
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from billing import disputes
from billing.models import Dispute, Standing
from panel.accounts.models import User
from panel.kernel.errors import Conflict
from panel.kernel.evidence import Document
from panel.locking import busy_when_locked
from refunds import chargebacks
from refunds.evidence import access, records
from refunds.evidence.pack import assembling, pdf
from refunds.evidence.pack.assembling import Pack
from refunds.models import DisputeEvidence, EvidenceFile
from refunds.models.evidence import IN_FLIGHT
from refunds.policy.document import Contest

log = structlog.get_logger()


def assemble(*, dispute_id: int, staff: User, at: datetime) -> DisputeEvidence:
    """Make a new pack for a dispute, as staff ask for; earlier ones stay as they are, and are used no more.

    Raises EvidenceNotFound, Forbidden, NotAnswerable, NotNow (a pack is on its way to the gateway), Busy.
    """
    dispute = _found(dispute_id)
    access.require(staff, access.MAY_PREPARE, dispute)
    return _assemble(dispute, staff, at)


def assemble_due(*, at: datetime) -> int:
    """Assemble for the disputes that wait for a pack and that the policy contests by itself; return for how many.

    They are staged by the next sweep, never submitted.
    """
    has_one = DisputeEvidence.objects.filter(dispute=OuterRef("pk"), for_appeal=OuterRef("is_appeal"))
    waiting = Dispute.objects.filter(
        ~Exists(has_one), Q(respond_by__isnull=True) | Q(respond_by__gt=at), standing=Standing.NEEDS_RESPONSE
    )
    made = 0
    for dispute in waiting.select_related("deposit", "customer").order_by("respond_by", "pk"):
        if not contests(dispute):
            continue
        try:
            _assemble(dispute, None, at)
        except Conflict as error:
            log.info("evidence_not_assembled", dispute=dispute.pk, error=error.message)
        except Exception:  # one dispute whose records can't be read must not cost the others their deadline
            log.exception("evidence_not_assembled", dispute=dispute.pk)
        else:
            made += 1
    return made


def contests(dispute: Dispute) -> bool:
    """Whether the policy that counts for the payment has this dispute contested without anybody asking."""
    contest = chargebacks.policy_of(dispute.deposit).policy.chargebacks.contest
    if contest is Contest.WITHOUT_CONTACT:
        return dispute.contacted is False
    return contest is Contest.ALWAYS


def _found(dispute_id: int) -> Dispute:
    found: Dispute | None = Dispute.objects.select_related("deposit", "customer").filter(pk=dispute_id).first()
    if found is None:
        raise access.EvidenceNotFound("There is no such dispute.")
    return found


def _assemble(dispute: Dispute, staff: User | None, at: datetime) -> DisputeEvidence:
    """Read and set everything first, for that takes seconds, and lock only to insert."""
    access.require_answerable(dispute, at=at)
    pack = assembling.assemble(records.case_of(dispute, at=at))
    documents = pdf.documents(pack.papers)
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute = access.locked_dispute(dispute.pk)
        access.require_answerable(dispute, at=at)
        latest = access.newest(dispute)
        if latest is not None and latest.state in IN_FLIGHT:
            raise access.NotNow("A pack is on its way to the gateway right now; wait until it has arrived.")
        if staff is None and latest is not None and latest.for_appeal == dispute.is_appeal:
            raise access.NotNow("There is a pack already.")
        evidence = DisputeEvidence.objects.create(
            dispute=dispute,
            number=latest.number + 1 if latest else 1,
            for_appeal=dispute.is_appeal,
            pack=_document(pack),
            assembled_at=at,
            assembled_by=staff,
            due_at=at if staff is None else None,
        )
        EvidenceFile.objects.bulk_create(
            _file(evidence, document, pack.papers[document].name, content) for document, content in documents.items()
        )
        disputes.note(dispute, f"Evidence {evidence.number} was assembled from our records.", at=at, actor=staff)
    log.info("evidence_assembled", dispute=dispute.pk, evidence=evidence.pk, files=len(documents))
    return evidence


def _document(pack: Pack) -> dict[str, object]:
    return {
        "texts": {name.value: text for name, text in pack.texts.items()},
        "left_out": {name.value: number for name, number in pack.left_out.items()},
    }


def _file(evidence: DisputeEvidence, document: Document, name: str, content: bytes) -> EvidenceFile:
    digest = hashlib.sha256(content).hexdigest()
    return EvidenceFile(
        evidence=evidence, document=document.value, name=name, size=len(content), sha256=digest, content=content
    )
