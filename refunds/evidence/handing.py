"""What is handed to the gateway, as it stands in the rows: everything that is in it, and nothing that is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from billing.gateways.evidence import Evidence, Upload
from billing.models import Dispute
from panel.kernel.evidence import Document, Text
from refunds.models import DisputeEvidence, EvidenceFile

LONGEST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class Handing:
    """One attempt to hand evidence over. `pending` has no reference yet; `references` is what the gateway has."""

    evidence_id: int
    dispute_reference: str
    gateway: str
    attempt: int
    texts: Mapping[Text, str]
    references: Mapping[Document, str]
    pending: Mapping[Document, Upload] = field(repr=False)

    def evidence(self, references: Mapping[Document, str], *, verb: str) -> Evidence:
        """Return what is staged or submitted: names without a text or a document are emptied at the gateway."""
        return Evidence(
            key=f"evidence-{self.evidence_id}-{verb}-{self.attempt}",
            dispute=self.dispute_reference,
            texts={name: self.texts.get(name, "") for name in Text},
            documents={document: references.get(document, "") for document in Document},
        )


def of(dispute: Dispute, evidence: DisputeEvidence) -> Handing:
    """Read what is to be handed over, in the transaction that has locked it."""
    files = list(EvidenceFile.objects.filter(evidence=evidence, is_included=True).order_by("pk"))
    return Handing(
        evidence_id=evidence.pk,
        dispute_reference=dispute.reference,
        gateway=dispute.gateway,
        attempt=evidence.attempt,
        texts=evidence.texts,
        references={Document(file.document): file.reference for file in files if file.reference},
        pending={
            Document(file.document): Upload(
                key=f"evidence-{evidence.pk}-{file.document}-{evidence.attempt}",
                name=file.name,
                content=bytes(file.content),
            )
            for file in files
            if not file.reference
        },
    )


def keep(evidence_id: int, references: Mapping[Document, str]) -> None:
    """Note which references documents got, in the caller's transaction, so that they are uploaded once."""
    for document, reference in references.items():
        files = EvidenceFile.objects.filter(evidence=evidence_id, document=document.value, reference="")
        files.update(reference=reference)
