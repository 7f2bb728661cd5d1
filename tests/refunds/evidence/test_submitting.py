"""Submitting: a person, once, and what nobody answered is found out."""

from datetime import timedelta

import pytest

from billing import gateways
from billing.gateways.base import GatewayError
from billing.models import Dispute, Standing
from panel.kernel.errors import Forbidden
from panel.kernel.evidence import Document, Text
from panel.sandbox.payments import PaymentsSandbox
from refunds.evidence import access, editing, preparing, staging, submitting
from refunds.models import DisputeEvidence, EvidenceState
from tests.admin.pages import clerk
from tests.factories import make_staff, move_dispute
from tests.refunds.evidence import handed
from tests.refunds.evidence.handed import LATER, MINUTE
from tests.refunds.evidence.test_staging import reread

pytestmark = pytest.mark.django_db


def test_submits_once_and_for_good(payments: PaymentsSandbox) -> None:
    grace = make_staff()

    evidence = handed.submit(handed.staged(payments), grace)

    assert (evidence.state, evidence.submitted_by, evidence.submitted_at) == ("submitted", grace, LATER)
    assert handed.submissions(payments) == 1
    dispute = Dispute.objects.get(pk=evidence.dispute_id)
    assert (dispute.standing, dispute.submissions, dispute.respond_by) == (Standing.UNDER_REVIEW, 1, None)
    assert dispute.events.filter(note="Evidence 1 was submitted to the bank.", actor=grace).count() == 1


def test_refuses_to_submit_again(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.submit(handed.staged(payments), grace)

    with pytest.raises(access.NotAnswerable):
        handed.submit(evidence, grace)
    with pytest.raises(access.NotAnswerable):
        preparing.assemble(dispute_id=evidence.dispute_id, staff=grace, at=LATER)

    assert handed.submissions(payments) == 1


def test_submits_what_the_person_has_read_whatever_is_staged(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    dispute = handed.at_gateway(payments)
    with payments.changing() as account:
        dispute["evidence"]["product_description"] = "Written by hand at the gateway"
        account.store.save(dispute)

    handed.submit(evidence, make_staff())

    kept = handed.at_gateway(payments)["evidence"]
    assert kept["product_description"] == evidence.texts[Text.PRODUCT_DESCRIPTION]
    assert kept[Document.SERVICE] == evidence.files.get(document=Document.SERVICE).reference


def test_an_answer_that_is_lost_is_found_out_at_once(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    payments.fault("drop_after", path="/v1/disputes", method="POST", times=1)

    evidence = handed.submit(evidence, make_staff())

    assert (evidence.state, handed.submissions(payments)) == (EvidenceState.SUBMITTED, 1)


def test_what_can_not_be_found_out_yet_is_found_out_later(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    grace = make_staff()
    payments.fault("drop_after", path="/v1/disputes", method="POST", times=1)
    _let_reads_fail(payments, after=1, times=1)

    evidence = handed.submit(evidence, grace)

    assert (evidence.state, evidence.due_at) == (EvidenceState.SUBMITTING, LATER + submitting.SURE_AFTER)
    assert submitting.find_out_due(at=LATER) == 0
    assert submitting.find_out_due(at=LATER + 10 * MINUTE) == 1
    assert reread(evidence).state == EvidenceState.SUBMITTED
    assert handed.submissions(payments) == 1


def test_a_call_that_never_arrived_is_taken_back_when_that_is_sure(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.staged(payments)
    payments.fault("drop_before", path="/v1/disputes", method="POST", times=1)

    waiting = handed.submit(evidence, grace)

    assert waiting.state == EvidenceState.SUBMITTING
    with pytest.raises(access.NotAnswerable):
        handed.submit(waiting, grace)
    assert submitting.find_out_due(at=LATER + 10 * MINUTE) == 1
    again = reread(evidence)
    assert (again.state, again.submitted_by) == (EvidenceState.STAGED, None)
    assert "Nothing was submitted" in again.error
    assert handed.submit(again, grace, at=LATER + 11 * MINUTE).state == EvidenceState.SUBMITTED
    assert handed.submissions(payments) == 1


def test_a_process_that_died_after_the_call_is_found_out(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    handing = submitting._intend(evidence.pk, make_staff(), evidence.revision, LATER)
    gateways.get("stripe").submit_evidence(handing.evidence(handing.references, verb="submit"))

    assert submitting.find_out_due(at=LATER + 10 * MINUTE) == 1

    assert reread(evidence).state == EvidenceState.SUBMITTED


def test_a_gateway_that_is_busy_submits_nothing(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    payments.fault("http_429", path="/v1/disputes", method="POST", times=1)

    with pytest.raises(GatewayError):
        handed.submit(evidence, make_staff())

    again = reread(evidence)
    assert (again.state, again.submitted_by) == (EvidenceState.STAGED, None)
    assert handed.submissions(payments) == 0


def test_refuses_what_is_not_staged(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(access.NotNow, match="Only staged evidence"):
        handed.submit(evidence, make_staff())

    assert handed.submissions(payments) == 0


def test_refuses_what_was_changed_since_it_was_read(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    read = handed.staged(payments, grace)
    editing.edit(
        evidence_id=read.pk,
        staff=grace,
        texts={Text.OTHER: "More"},
        documents=list(Document),
        revision=read.revision,
        at=LATER,
    )
    staging.stage(evidence_id=read.pk, staff=grace, at=LATER)

    with pytest.raises(access.NotNow, match="changed the evidence"):
        handed.submit(read, grace)

    assert handed.submissions(payments) == 0


def test_refuses_when_the_bank_has_decided_meanwhile(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    payments.move_dispute(evidence.dispute.reference, "lost")  # which nobody has told us

    with pytest.raises(access.NotAnswerable):
        handed.submit(evidence, make_staff())

    assert reread(evidence).state == EvidenceState.STAGED
    assert handed.submissions(payments) == 0


@pytest.mark.parametrize("permission", ["refunds.view_disputeevidence", "refunds.change_disputeevidence"])
def test_refuses_those_who_may_not(payments: PaymentsSandbox, permission: str) -> None:
    evidence = handed.staged(payments)

    with pytest.raises(Forbidden):
        handed.submit(evidence, clerk(permission))

    assert reread(evidence).state == EvidenceState.STAGED
    assert handed.submissions(payments) == 0


def test_refuses_after_the_deadline(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)

    with pytest.raises(access.NotAnswerable):
        handed.submit(evidence, make_staff(), at=LATER + timedelta(days=400))

    assert handed.submissions(payments) == 0


def test_an_appeal_is_answered_too(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    first = handed.submit(handed.staged(payments, grace), grace)
    move_dispute(payments, first.dispute, "appeal_needs_response")
    second = preparing.assemble(dispute_id=first.dispute_id, staff=grace, at=LATER)
    second = staging.stage(evidence_id=second.pk, staff=grace, at=LATER)

    handed.submit(second, grace)

    states = DisputeEvidence.objects.order_by("number").values_list("for_appeal", "state")
    assert [*states] == [(False, "submitted"), (True, "submitted")]
    assert handed.submissions(payments) == 2


def _let_reads_fail(payments: PaymentsSandbox, *, after: int, times: int) -> None:
    """Let the reads of disputes after the first `after` ones fail."""
    payments.fault("slow", path="/v1/disputes", method="GET", times=after, seconds=0.0)
    payments.fault("drop_before", path="/v1/disputes", method="GET", times=times)


def test_refuses_what_was_assembled_anew(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    older = handed.staged(payments, grace)
    newer = preparing.assemble(dispute_id=older.dispute_id, staff=grace, at=LATER)

    with pytest.raises(access.NotNow, match="assembled anew"):
        handed.submit(reread(older), grace)

    assert handed.submissions(payments) == 0
    staged = staging.stage(evidence_id=newer.pk, staff=grace, at=LATER)
    assert handed.submit(staged, grace).state == EvidenceState.SUBMITTED


def test_what_was_staged_before_an_appeal_does_not_answer_it(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.staged(payments, grace)
    move_dispute(payments, evidence.dispute, "appeal_needs_response")

    with pytest.raises(access.Outdated, match="another round"):
        handed.submit(reread(evidence), grace)

    assert handed.submissions(payments) == 0
