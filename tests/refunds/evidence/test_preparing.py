"""Evidence is assembled by itself where the policy says so, and whenever staff ask for it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.utils import IntegrityError, InternalError

from billing.models import Dispute
from panel.accounts.models import User
from panel.kernel.errors import Forbidden
from panel.kernel.evidence import Document, Text
from panel.sandbox.payments import PaymentsSandbox
from panel.support.models import TicketKind
from refunds.evidence import access, preparing
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState
from tests.admin.pages import clerk
from tests.factories import (
    AT,
    HOUR,
    desk,
    disputed,
    make_customer,
    make_staff,
    move_dispute,
    open_dispute,
    pay_in,
    take_in,
)
from tests.refunds.evidence import handed
from tests.refunds.evidence.handed import LATER
from tests.support import asking

pytestmark = pytest.mark.django_db


def publish(contest: str) -> None:
    desk.publish_variant('contest = "without_contact"', f'contest = "{contest}"')


def contacted(payments: PaymentsSandbox) -> Dispute:
    """A dispute of a customer who had written to us about the payment."""
    ada = make_customer()
    deposit = pay_in(ada, payments)
    asking.ask(ada, kind=TicketKind.PAYMENT, at=AT + HOUR)
    dispute = disputed(payments, deposit)
    assert dispute.contacted is True
    return dispute


def test_assembles_for_a_dispute_without_contact(payments: PaymentsSandbox) -> None:
    dispute = handed.dispute(payments)

    assert preparing.assemble_due(at=LATER) == 1

    evidence = DisputeEvidence.objects.get(dispute=dispute)
    assert (evidence.number, evidence.state, evidence.due_at, evidence.assembled_by) == (1, "assembled", LATER, None)
    assert Text.PRODUCT_DESCRIPTION in evidence.texts
    files = {file.document: file for file in evidence.files.all()}
    assert {Document.SERVICE, Document.POLICY, Document.RECEIPT} <= set(files)
    assert all(bytes(file.content).startswith(b"%PDF-") for file in files.values())
    assert dispute.events.filter(note="Evidence 1 was assembled from our records.").count() == 1


def test_assembles_once(payments: PaymentsSandbox) -> None:
    handed.dispute(payments)
    preparing.assemble_due(at=LATER)

    assert preparing.assemble_due(at=LATER) == 0
    assert DisputeEvidence.objects.count() == 1


@pytest.mark.parametrize(("contest", "made"), [("always", 1), ("staff_decides", 0), ("never", 0)])
def test_the_policy_decides(payments: PaymentsSandbox, contest: str, made: int) -> None:
    publish(contest)
    ada = make_customer()
    deposit = pay_in(ada, payments)
    type(deposit).objects.filter(pk=deposit.pk).update(policy_version=None)
    disputed(payments, deposit)

    assert preparing.assemble_due(at=LATER) == made


def test_not_by_itself_when_the_customer_had_written(payments: PaymentsSandbox) -> None:
    contacted(payments)

    assert preparing.assemble_due(at=LATER) == 0
    assert DisputeEvidence.objects.count() == 0


def test_not_by_itself_for_an_inquiry_nor_after_the_deadline(payments: PaymentsSandbox) -> None:
    take_in(open_dispute(payments, pay_in(make_customer(), payments), status="warning_needs_response"))
    handed.dispute(payments)

    assert preparing.assemble_due(at=LATER + timedelta(days=365)) == 0
    assert preparing.assemble_due(at=LATER) == 1


def test_staff_can_always_ask_for_one(payments: PaymentsSandbox) -> None:
    grace = make_staff()

    evidence = preparing.assemble(dispute_id=contacted(payments).pk, staff=grace, at=LATER)

    assert (evidence.assembled_by, evidence.due_at) == (grace, None)


def test_assembling_anew_makes_another_pack(payments: PaymentsSandbox) -> None:
    first = handed.assembled(payments)

    second = preparing.assemble(dispute_id=first.dispute_id, staff=make_staff(), at=LATER)

    assert (first.number, second.number) == (1, 2)
    assert preparing.assemble_due(at=LATER) == 0


def test_an_appeal_gets_a_pack_of_its_own(payments: PaymentsSandbox) -> None:
    dispute = handed.dispute(payments)
    preparing.assemble_due(at=LATER)
    move_dispute(payments, dispute, "appeal_needs_response")

    assert preparing.assemble_due(at=LATER) == 1

    assert [*DisputeEvidence.objects.order_by("number").values_list("number", "for_appeal")] == [(1, False), (2, True)]


def test_refuses_when_the_dispute_is_over(payments: PaymentsSandbox) -> None:
    dispute = move_dispute(payments, handed.dispute(payments), "lost")

    with pytest.raises(access.NotAnswerable):
        preparing.assemble(dispute_id=dispute.pk, staff=make_staff(), at=LATER)

    assert DisputeEvidence.objects.count() == 0


@pytest.mark.parametrize("permissions", [(), ("refunds.view_disputeevidence",)])
def test_refuses_those_who_may_not(payments: PaymentsSandbox, permissions: tuple[str, ...]) -> None:
    dispute = handed.dispute(payments)

    with pytest.raises(Forbidden):
        preparing.assemble(dispute_id=dispute.pk, staff=clerk(*permissions), at=LATER)

    assert DisputeEvidence.objects.count() == 0


def test_refuses_the_customer_himself(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    dispute = handed.dispute(payments, ada)
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)

    with pytest.raises(Forbidden):
        preparing.assemble(dispute_id=dispute.pk, staff=User.objects.get(pk=ada.pk), at=LATER)

    assert DisputeEvidence.objects.count() == 0


def test_refuses_a_dispute_that_there_is_none_of() -> None:
    with pytest.raises(access.EvidenceNotFound):
        preparing.assemble(dispute_id=1, staff=make_staff(), at=LATER)


@pytest.mark.parametrize("change", [{"pack": {"texts": {}, "left_out": {}}}, {"number": 7}])
def test_a_pack_can_not_be_changed(payments: PaymentsSandbox, change: dict[str, object]) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(InternalError), transaction.atomic():
        DisputeEvidence.objects.filter(pk=evidence.pk).update(**change)


def test_neither_can_a_document(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(InternalError), transaction.atomic():
        EvidenceFile.objects.filter(evidence=evidence).update(content=b"another")


def test_nothing_is_submitted_without_a_person(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)

    with pytest.raises(IntegrityError, match="evidence_submitted_by_a_person"), transaction.atomic():
        DisputeEvidence.objects.filter(pk=evidence.pk).update(state=EvidenceState.SUBMITTING, due_at=LATER)
