"""Staff write their own words beside what was assembled, within the bank's limits."""

from collections.abc import Mapping

import pytest

from panel.kernel.errors import Forbidden
from panel.kernel.evidence import LONGEST_TEXT, Document, Text
from panel.kernel.texts import BadText
from panel.sandbox.payments import PaymentsSandbox
from refunds.evidence import access, editing, staging
from refunds.models import DisputeEvidence, EvidenceState
from tests.admin.pages import clerk
from tests.factories import make_staff
from tests.refunds.evidence import handed
from tests.refunds.evidence.handed import LATER
from tests.refunds.evidence.test_staging import reread

pytestmark = pytest.mark.django_db


def edit(
    evidence: DisputeEvidence, texts: Mapping[Text, str], *documents: Document, revision: int = 1
) -> DisputeEvidence:
    return editing.edit(
        evidence_id=evidence.pk,
        staff=make_staff(),
        texts=texts,
        documents=documents or list(Document),
        revision=revision,
        at=LATER,
    )


def test_keeps_what_was_assembled_beside_what_staff_wrote(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    assembled = evidence.texts[Text.PRODUCT_DESCRIPTION]

    changed = edit(evidence, {Text.PRODUCT_DESCRIPTION: "A newsletter spot.\r\nDelivered.", Text.SERVICE_DATE: ""})

    assert changed.texts[Text.PRODUCT_DESCRIPTION] == "A newsletter spot.\nDelivered."
    assert Text.SERVICE_DATE not in changed.texts
    assert changed.pack["texts"][Text.PRODUCT_DESCRIPTION] == assembled
    assert (changed.state, changed.revision) == (EvidenceState.ASSEMBLED, 2)


def test_what_was_taken_away_is_taken_away_at_the_gateway(payments: PaymentsSandbox) -> None:
    evidence = handed.staged(payments)
    edit(evidence, {Text.CUSTOMER_NAME: ""}, Document.RECEIPT)

    staging.stage(evidence_id=evidence.pk, staff=make_staff(), at=LATER)

    kept = handed.at_gateway(payments)["evidence"]
    assert (kept["customer_name"], kept[Document.SERVICE]) == (None, None)
    assert kept[Document.RECEIPT]


def test_writing_the_assembled_words_again_is_no_edit(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)
    edit(evidence, {Text.CUSTOMER_NAME: "Ada Lovelace"})

    assert edit(evidence, dict(evidence.texts), revision=2).edits == {}


def test_refuses_a_text_that_is_too_long(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(BadText) as refused:
        edit(evidence, {Text.OTHER: "a" * (LONGEST_TEXT + 1)})

    assert refused.value.field == "uncategorized_text"
    assert reread(evidence).revision == 1


def test_refuses_texts_that_are_too_long_together(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(editing.TooLong, match="these have 180,000"):
        edit(evidence, dict.fromkeys(Text, "a" * LONGEST_TEXT))

    assert reread(evidence).edits == {}


def test_refuses_over_somebody_elses_changes(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)
    edit(evidence, {Text.CUSTOMER_NAME: "Ada Lovelace"})

    with pytest.raises(access.NotNow, match="Somebody else"):
        edit(evidence, {Text.CUSTOMER_NAME: "Ada King"})

    assert reread(evidence).texts[Text.CUSTOMER_NAME] == "Ada Lovelace"


def test_refuses_what_is_on_its_way_and_what_was_submitted(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.staged(payments, grace)
    edit(evidence, {})
    staging._intend(evidence.pk, None, LATER)

    with pytest.raises(access.NotNow, match="being staged"):
        edit(evidence, {Text.CUSTOMER_NAME: "Ada King"}, revision=2)

    assert reread(evidence).edits == {}


def test_refuses_those_who_may_not(payments: PaymentsSandbox) -> None:
    evidence = handed.assembled(payments)

    with pytest.raises(Forbidden):
        editing.edit(
            evidence_id=evidence.pk,
            staff=clerk("refunds.view_disputeevidence"),
            texts={Text.OTHER: "More"},
            documents=(),
            revision=1,
            at=LATER,
        )

    assert reread(evidence).revision == 1
