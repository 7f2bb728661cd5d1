"""Evidence in the staff pages: what is read there, and what people do from there."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from panel.kernel.evidence import Document, Text
from panel.sandbox.payments import PaymentsSandbox
from panel.staff_groups import AGENT, APPROVER, MANAGER
from refunds.admin import evidence_panels
from refunds.models import DisputeEvidence, EvidenceState
from tests.admin.pages import action, detail, listing, said, signed_in, submit, text_of
from tests.factories import disputed, make_customer, make_staff, pay_in
from tests.factories.orders import AT
from tests.refunds.evidence import handed
from tests.refunds.evidence.handed import LATER
from tests.refunds.evidence.test_staging import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_an_hour_later")]
MODEL = "refunds_disputeevidence"


@pytest.fixture
def _an_hour_later() -> object:
    with time_machine.travel(LATER, tick=False):
        yield


def of(dispute_id: int) -> str:
    return reverse("admin:refunds_disputeevidence_of", args=[dispute_id])


def buttons(client: Client, pack: DisputeEvidence) -> set[str]:
    page = text_of(client.get(detail(MODEL, pack.pk)))
    return {name for name in ("edit", "stage", "submit", "anew") if action(MODEL, name, pack.pk) in page}


def test_assembles_edits_stages_and_submits(payments: PaymentsSandbox) -> None:
    client = signed_in(make_staff(group=MANAGER))
    dispute = handed.dispute(payments)

    assert "is assembled" in said(client, submit(client, of(dispute.pk)))
    pack = DisputeEvidence.objects.get()
    assert buttons(client, pack) == {"edit", "stage", "anew"}
    texts = {name.value: pack.texts.get(name, "") for name in Text}
    given = {**texts, "uncategorized_text": "Our words", "documents": ["service_documentation"]}
    assert "Kept" in said(client, submit(client, action(MODEL, "edit", pack.pk), given))
    assert "Staged" in said(client, submit(client, action(MODEL, "stage", pack.pk)))
    assert buttons(client, pack) == {"edit", "submit", "anew"}
    assert "Submitted to the bank." in said(client, submit(client, action(MODEL, "submit", pack.pk)))

    assert reread(pack).state == EvidenceState.SUBMITTED
    kept = handed.at_gateway(payments)["evidence"]
    assert (kept["uncategorized_text"], kept["receipt"]) == ("Our words", None)
    assert kept["service_documentation"]
    assert buttons(client, pack) == set()


def test_leads_to_the_newest_pack(payments: PaymentsSandbox) -> None:
    pack = handed.assembled(payments)

    answer = signed_in(make_staff()).get(of(pack.dispute_id))

    assert answer["Location"] == detail(MODEL, pack.pk)


def test_hands_out_a_document_to_be_saved(payments: PaymentsSandbox) -> None:
    pack = handed.assembled(payments)
    address = reverse("admin:refunds_disputeevidence_document", args=[pack.pk, Document.SERVICE.value])

    answer = signed_in(make_staff()).get(address)

    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert signed_in(make_staff()).get(address.replace("service_documentation", "nonsense")).status_code == 404
    assert signed_in(make_customer()).get(address).status_code == 302


def test_says_so_when_a_submission_is_not_answered(payments: PaymentsSandbox) -> None:
    client = signed_in(make_staff())
    pack = handed.staged(payments)
    payments.fault("drop_before", path="/v1/disputes", method="POST", times=1)

    assert "did not answer" in said(client, submit(client, action(MODEL, "submit", pack.pk)))

    assert reread(pack).state == EvidenceState.SUBMITTING
    assert buttons(client, pack) == set()


def test_says_so_when_the_gateway_refuses(payments: PaymentsSandbox) -> None:
    client = signed_in(make_staff())
    pack = handed.assembled(payments)
    payments.move_dispute(pack.dispute.reference, "lost")

    assert "Not staged" in said(client, submit(client, action(MODEL, "stage", pack.pk)))


def test_refuses_a_submission_of_what_was_changed_since_it_was_read(payments: PaymentsSandbox) -> None:
    client = signed_in(make_staff())
    pack = handed.staged(payments)
    page = client.get(action(MODEL, "submit", pack.pk))
    DisputeEvidence.objects.filter(pk=pack.pk).update(revision=2)
    assert 'name="_revision" value="1"' in text_of(page)

    answer = client.post(action(MODEL, "submit", pack.pk), {"_asked": "1", "_revision": "1"})

    assert "Somebody else has changed the evidence" in text_of(answer)
    assert handed.submissions(payments) == 0


@pytest.mark.parametrize(
    ("group", "shown"), [(AGENT, set()), (APPROVER, {"edit", "anew"}), (MANAGER, {"edit", "submit", "anew"})]
)
def test_offers_what_each_group_may_do(payments: PaymentsSandbox, group: str, shown: set[str]) -> None:
    pack = handed.staged(payments)
    client = signed_in(make_staff(group=group))

    assert buttons(client, pack) == shown
    for name in {"edit", "submit", "anew"} - shown:
        assert client.get(action(MODEL, name, pack.pk)).status_code == 403


def test_an_agent_assembles_nothing(payments: PaymentsSandbox) -> None:
    dispute = handed.dispute(payments)

    assert signed_in(make_staff(group=AGENT)).get(of(dispute.pk)).status_code == 403
    assert signed_in(make_customer()).get(of(dispute.pk)).status_code == 302
    assert DisputeEvidence.objects.count() == 0


def test_lists_by_deadline(payments: PaymentsSandbox) -> None:
    early, late = handed.assembled(payments), handed.assembled(payments)
    type(late.dispute).objects.filter(pk=late.dispute_id).update(respond_by=LATER + timedelta(days=3))
    client = signed_in(make_staff())

    assert [*client.get(listing(MODEL)).context["cl"].result_list] == [late, early]


def test_a_disputes_page_gets_panels(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, at=AT - timedelta(days=200))
    dispute = disputed(payments, pay_in(ada, payments))
    dispute.respond_by = LATER + timedelta(hours=30)

    evidence, earlier = evidence_panels.of_dispute(dispute, at=LATER)

    assert (evidence.title, evidence.rows) == ("Evidence", [])
    assert "30 hours left" in evidence.note
    assert "a pack is assembled and staged by itself" in evidence.note
    assert [str(row[3]) for row in earlier.rows] == ["No: neither internet address nor device is the same"]
