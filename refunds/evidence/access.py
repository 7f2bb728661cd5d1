"""Who may do what with evidence, the errors, and the locks: a dispute first, then its evidence."""

from datetime import datetime
from typing import Final

from billing.models import Dispute, Standing
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound
from refunds.models import DisputeEvidence
from refunds.models.evidence import GONE

MAY_SEE: Final = "refunds.view_disputeevidence"
MAY_PREPARE: Final = "refunds.change_disputeevidence"
MAY_SUBMIT: Final = "refunds.submit_disputeevidence"

ANSWERABLE: Final = (Standing.INQUIRY, Standing.NEEDS_RESPONSE)


class EvidenceNotFound(NotFound):
    """There is no such dispute, or no such evidence."""

    code = "evidence_not_found"


class NotAnswerable(Conflict):
    """The bank takes no evidence: the dispute is under review, over, or its deadline has passed."""

    code = "dispute_not_answerable"


class NotNow(Conflict):
    """The evidence is in a state, or at a revision, in which this can't be done."""

    code = "evidence_not_now"


class Outdated(NotNow):
    """The evidence was assembled anew since, or the dispute went on to an appeal; it is used no more."""

    code = "evidence_outdated"


def require(staff: User, permission: str, dispute: Dispute) -> None:
    """Raise Forbidden unless this member of staff has the permission and is not the customer himself."""
    if not (staff.is_staff and staff.is_active and staff.has_perm(permission)):
        raise Forbidden("Your account may not do this with evidence.")
    if dispute.customer_id == staff.pk:
        raise Forbidden("Nobody works on the evidence about an own account.")


def dispute_of(evidence_id: int) -> Dispute:
    """Return the dispute that evidence is for. Raises EvidenceNotFound."""
    found: Dispute | None = Dispute.objects.filter(evidence=evidence_id).select_related("deposit").first()
    if found is None:
        raise EvidenceNotFound("There is no such evidence.")
    return found


def locked_dispute(dispute_id: int) -> Dispute:
    """Lock a dispute in the caller's transaction. Raises EvidenceNotFound."""
    found: Dispute | None = Dispute.objects.locked().filter(pk=dispute_id).first()
    if found is None:
        raise EvidenceNotFound("There is no such dispute.")
    return found


def locked(evidence_id: int) -> tuple[Dispute, DisputeEvidence]:
    """Lock a dispute and one evidence of it in the caller's transaction. Raises EvidenceNotFound."""
    dispute = locked_dispute(dispute_of(evidence_id).pk)
    return dispute, DisputeEvidence.objects.locked().get(pk=evidence_id)


def newest(dispute: Dispute) -> DisputeEvidence | None:
    """Return the newest evidence of a dispute."""
    found: DisputeEvidence | None = DisputeEvidence.objects.filter(dispute=dispute).order_by("-number").first()
    return found


def require_newest(dispute: Dispute, evidence: DisputeEvidence) -> None:
    """Raise Outdated when the evidence was assembled anew since, or is for the round before an appeal."""
    latest = newest(dispute)
    if latest is not None and latest.pk != evidence.pk:
        raise Outdated("This evidence was assembled anew in the meantime: work on the newer one.")
    if evidence.for_appeal != dispute.is_appeal:
        raise Outdated("The dispute went on to another round: assemble the evidence anew.")


def require_answerable(dispute: Dispute, *, at: datetime) -> None:
    """Raise NotAnswerable unless the bank still takes evidence for this round of the dispute."""
    if dispute.standing not in ANSWERABLE:
        standing = Standing(dispute.standing).label.lower()
        raise NotAnswerable(f"The bank takes no evidence now: the dispute is {standing}.")
    if dispute.respond_by is not None and dispute.respond_by <= at:
        raise NotAnswerable("The bank takes no evidence any more: the deadline has passed.")
    gone = DisputeEvidence.objects.filter(dispute=dispute, for_appeal=dispute.is_appeal, state__in=GONE)
    if gone.exists():
        raise NotAnswerable("Evidence was submitted already, and the bank takes it once.")
