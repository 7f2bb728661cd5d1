"""Staff put the assembled texts into their own words, and say which documents are handed over."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from panel.accounts.models import User
from panel.kernel import texts as writing
from panel.kernel.errors import Refused
from panel.kernel.evidence import LONGEST_TEXT, LONGEST_TEXTS, Document, Text
from panel.locking import busy_when_locked
from refunds.evidence import access
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState


class TooLong(Refused):
    """The texts together are longer than a bank takes."""

    code = "evidence_too_long"


def edit(
    *,
    evidence_id: int,
    staff: User,
    texts: Mapping[Text, str],
    documents: Collection[Document],
    revision: int,
    at: datetime,
) -> DisputeEvidence:
    """Put these texts in the place of those that stand, and hand over these documents alone; what was staged is not.

    An empty text is left away. `revision` is the one that was read. The pack as it was assembled stays beside it.

    Raises EvidenceNotFound, Forbidden, NotAnswerable, NotNow (changed meanwhile, on its way, or not the newest),
    BadText, TooLong, Busy.
    """
    written = {name: _checked(name, text) for name, text in texts.items()}
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute, evidence = access.locked(evidence_id)
        access.require(staff, access.MAY_PREPARE, dispute)
        access.require_newest(dispute, evidence)
        access.require_answerable(dispute, at=at)
        if evidence.state not in {EvidenceState.ASSEMBLED, EvidenceState.STAGED}:
            raise access.NotNow(f"The evidence is {evidence.get_state_display().lower()}; try again in some minutes.")
        if evidence.revision != revision:
            raise access.NotNow("Somebody else has changed the evidence meanwhile. Please read it again.")
        after = {**evidence.texts, **written}
        if (length := sum(map(len, after.values()))) > LONGEST_TEXTS:
            raise TooLong(f"All texts together may have {LONGEST_TEXTS:,} characters; these have {length:,}.")
        assembled = evidence.pack["texts"]
        evidence.edits = {name: after.get(name, "") for name in Text if after.get(name, "") != assembled.get(name, "")}
        evidence.state, evidence.due_at, evidence.error = EvidenceState.ASSEMBLED, None, ""
        evidence.revision += 1
        evidence.edited_at, evidence.edited_by = at, staff
        evidence.save(
            update_fields=["edits", "state", "due_at", "error", "revision", "edited_at", "edited_by"],
        )
        wanted = [document.value for document in documents]
        files = EvidenceFile.objects.filter(evidence=evidence)
        files.exclude(document__in=wanted).update(is_included=False)
        files.filter(document__in=wanted).update(is_included=True)
    return evidence


def _checked(name: Text, text: str) -> str:
    return writing.text(text, longest=LONGEST_TEXT, field=name.value) if text.strip() else ""
