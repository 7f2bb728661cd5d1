"""Staging: texts and documents beside the dispute, not before the bank, whatever the connection does."""

from datetime import timedelta

import pytest

from panel.kernel.errors import Forbidden
from panel.kernel.evidence import Document, Text
from panel.sandbox.payments import PaymentsSandbox
from refunds.evidence import access, preparing, staging
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState
from tests.admin.pages import clerk
from tests.factories import make_staff, move_dispute
from tests.refunds.evidence import handed
from tests.refunds.evidence.handed import LATER, MINUTE

pytestmark = pytest.mark.django_db


def reread(evidence: DisputeEvidence) -> DisputeEvidence:
    found: DisputeEvidence = DisputeEvidence.objects.get(pk=evidence.pk)
    return found


def test_stages_what_was_assembled_and_submits_nothing(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)

    assert (evidence.state, evidence.staged_at, evidence.due_at) == (EvidenceState.STAGED, LATER, None)
    kept = handed.at_gateway(payments)
    assert kept["evidence"][Text.PRODUCT_DESCRIPTION] == evidence.texts[Text.PRODUCT_DESCRIPTION]
    assert kept["evidence"][Document.SERVICE] == evidence.files.get(document=Document.SERVICE).reference != ""
    assert (kept["status"], handed.submissions(payments)) == ("needs_response", 0)


def test_the_sweep_stages_what_was_assembled_by_itself(payments: PaymentsSandbox) -> None:
    handed.dispute(payments)
    preparing.assemble_due(at=LATER)

    assert staging.stage_due(at=LATER) == 1
    assert staging.stage_due(at=LATER) == 0

    assert handed.at_gateway(payments)["evidence_details"]["has_evidence"] is True
    assert handed.submissions(payments) == 0


def test_the_sweep_leaves_alone_what_staff_asked_for(payments: PaymentsSandbox) -> None:
    handed.assembled(payments)

    assert staging.stage_due(at=LATER) == 0
    assert handed.at_gateway(payments)["evidence_details"]["has_evidence"] is False


@pytest.mark.parametrize("path", ["/v1/files", "/v1/disputes"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error_500_after", "http_429"])
def test_what_is_not_known_is_tried_again(payments: PaymentsSandbox, path: str, kind: str) -> None:
    grace = make_staff()
    evidence = handed.assembled(payments, grace)
    payments.fault(kind, path=path, method="POST", times=1)

    failed = staging.stage(evidence_id=evidence.pk, staff=grace, at=LATER)

    assert (failed.state, failed.due_at) == (EvidenceState.ASSEMBLED, LATER + staging.TRIED_AGAIN_AFTER)
    assert failed.error
    assert staging.stage_due(at=LATER + 11 * MINUTE) == 1
    again = reread(evidence)
    assert (again.state, again.error) == (EvidenceState.STAGED, "")
    assert handed.submissions(payments) == 0


def test_a_document_that_the_gateway_has_is_not_uploaded_again(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.assembled(payments, grace)
    payments.fault("drop_before", path="/v1/disputes", method="POST", times=1)
    staging.stage(evidence_id=evidence.pk, staff=grace, at=LATER)
    before = {file.document: file.reference for file in evidence.files.all()}

    staging.stage(evidence_id=evidence.pk, staff=grace, at=LATER)

    assert {file.document: file.reference for file in evidence.files.all()} == before
    assert all(before.values())


def test_a_process_that_died_is_taken_over(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)
    staging._intend(evidence.pk, None, LATER)

    assert staging.stage_due(at=LATER + 9 * MINUTE) == 0
    assert staging.stage_due(at=LATER + 10 * MINUTE) == 1


def test_who_comes_back_late_records_nothing(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)
    late = staging._intend(evidence.pk, None, LATER)
    staging.stage_due(at=LATER + 10 * MINUTE)

    staging._record(late, staging._Outcome(late.references), None, LATER + 20 * MINUTE)

    assert reread(evidence).staged_at == LATER + 10 * MINUTE


def test_a_refusal_is_not_tried_again(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.assembled(payments, grace)
    payments.move_dispute(evidence.dispute.reference, "lost")  # which nobody has told us

    failed = staging.stage(evidence_id=evidence.pk, staff=grace, at=LATER)

    assert (failed.state, failed.due_at) == (EvidenceState.ASSEMBLED, None)
    assert "can't be submitted" in failed.error


def test_the_sweep_gives_up_when_the_dispute_is_over(payments: PaymentsSandbox) -> None:
    dispute = handed.dispute(payments)
    preparing.assemble_due(at=LATER)
    move_dispute(payments, dispute, "won")

    assert staging.stage_due(at=LATER) == 0

    evidence = DisputeEvidence.objects.get()
    assert (evidence.state, evidence.due_at) == (EvidenceState.ASSEMBLED, None)
    assert evidence.error == "The bank takes no evidence now: the dispute is won."
    assert not EvidenceFile.objects.exclude(reference="").exists()


def test_refuses_what_was_assembled_anew(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    old = handed.assembled(payments, grace)
    preparing.assemble(dispute_id=old.dispute_id, staff=grace, at=LATER)

    with pytest.raises(access.NotNow, match="assembled anew"):
        staging.stage(evidence_id=old.pk, staff=grace, at=LATER)

    assert handed.at_gateway(payments)["evidence_details"]["has_evidence"] is False


def test_the_sweep_leaves_what_was_assembled_anew_for_good(payments: PaymentsSandbox) -> None:
    handed.dispute(payments)
    preparing.assemble_due(at=LATER)
    old = DisputeEvidence.objects.get()
    preparing.assemble(dispute_id=old.dispute_id, staff=make_staff(), at=LATER)

    assert staging.stage_due(at=LATER) == 0

    assert reread(old).due_at is None
    assert "assembled anew" in reread(old).error


def test_refuses_what_is_being_staged(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)
    staging._intend(evidence.pk, None, LATER)

    with pytest.raises(access.NotNow, match="being staged already"):
        staging.stage(evidence_id=evidence.pk, staff=make_staff(), at=LATER)


def test_refuses_those_who_may_not(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(Forbidden):
        staging.stage(evidence_id=evidence.pk, staff=clerk("refunds.view_disputeevidence"), at=LATER)

    assert reread(evidence).state == EvidenceState.ASSEMBLED


def test_refuses_after_the_deadline(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(access.NotAnswerable, match="deadline"):
        staging.stage(evidence_id=evidence.pk, staff=make_staff(), at=LATER + timedelta(days=400))
