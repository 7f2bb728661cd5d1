"""Evidence at the running sandbox, which holds Stripe's limits."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from billing.gateways import manual
from billing.gateways.base import DisputeStanding, OutcomeUnknown, Refusal, Refused
from billing.gateways.evidence import Evidence, Upload
from billing.gateways.stripe import Stripe
from panel.kernel.evidence import LARGEST_DOCUMENTS, Document, Text
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways.sandboxed import paid
from tests.billing.gateways.scripted import Scripted

PDF = Upload(key="evidence-1-service", name="timeline.pdf", content=b"%PDF-1.4 a timeline %%EOF")


@pytest.fixture
def dispute(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> str:
    return sandbox.open_dispute(paid(at_sandbox, sandbox))


def evidence(dispute: str, file: str = "", *, key: str = "evidence-1-stage-1") -> Evidence:
    return Evidence(
        key=key,
        dispute=dispute,
        texts={Text.PRODUCT_DESCRIPTION: "Newsletter spots, café"},
        documents={Document.SERVICE: file} if file else {},
    )


def test_stages_texts_and_a_document(at_sandbox: Stripe, sandbox: PaymentsSandbox, dispute: str) -> None:
    report = at_sandbox.stage_evidence(evidence(dispute, at_sandbox.upload_evidence(PDF)))

    assert (report.standing, report.has_evidence, report.submissions) == (DisputeStanding.NEEDS_RESPONSE, True, 0)
    kept = sandbox.disputes()[0]["evidence"]
    assert kept["product_description"] == "Newsletter spots, café"
    assert kept["service_documentation"].startswith("file_")


def test_submits(at_sandbox: Stripe, dispute: str) -> None:
    report = at_sandbox.submit_evidence(evidence(dispute))

    assert (report.standing, report.submissions) == (DisputeStanding.UNDER_REVIEW, 1)


def test_uploads_once_for_one_key(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    sandbox.fault("drop_after", path="/v1/files", times=1)
    with pytest.raises(OutcomeUnknown):
        at_sandbox.upload_evidence(PDF)

    assert at_sandbox.upload_evidence(PDF) == at_sandbox.upload_evidence(PDF)


def test_an_unanswered_submission_has_an_unknown_outcome(
    at_sandbox: Stripe, sandbox: PaymentsSandbox, dispute: str
) -> None:
    sandbox.fault("drop_after", path="/v1/disputes", method="POST", times=1)

    with pytest.raises(OutcomeUnknown):
        at_sandbox.submit_evidence(evidence(dispute))

    assert at_sandbox.fetch_dispute(dispute).submissions == 1


def test_refuses_after_the_submission(at_sandbox: Stripe, dispute: str) -> None:
    at_sandbox.submit_evidence(evidence(dispute))

    with pytest.raises(Refused) as refused:
        at_sandbox.stage_evidence(evidence(dispute, key="evidence-1-stage-2"))

    assert refused.value.refusal == Refusal.OTHER
    assert at_sandbox.fetch_dispute(dispute).submissions == 1


def test_refuses_documents_that_are_too_large_together(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    dispute = sandbox.open_dispute(paid(at_sandbox, sandbox))
    half = b"%PDF-" + b"a" * (LARGEST_DOCUMENTS // 2)
    files = [
        at_sandbox.upload_evidence(Upload(key=f"half-{number}", name="half.pdf", content=half)) for number in range(2)
    ]

    with pytest.raises(Refused):
        at_sandbox.stage_evidence(
            replace(
                evidence(dispute),
                documents=dict(zip((Document.SERVICE, Document.COMMUNICATION), files, strict=True)),
            )
        )

    assert at_sandbox.fetch_dispute(dispute).has_evidence is False


def test_an_empty_text_takes_away_what_was_staged(at_sandbox: Stripe, sandbox: PaymentsSandbox, dispute: str) -> None:
    at_sandbox.stage_evidence(evidence(dispute))

    at_sandbox.stage_evidence(
        Evidence(key="evidence-1-stage-2", dispute=dispute, texts={Text.PRODUCT_DESCRIPTION: ""}, documents={})
    )

    assert sandbox.disputes()[0]["evidence"]["product_description"] is None


def test_an_answer_about_another_dispute_is_none(server: Scripted, stripe: Stripe) -> None:
    server.say({"id": "du_2", "object": "dispute"})

    with pytest.raises(OutcomeUnknown):
        stripe.stage_evidence(evidence("du_1"))


def test_a_file_that_lost_bytes_is_none(server: Scripted, make_stripe: Callable[..., Stripe]) -> None:
    server.say({"id": "file_1", "object": "file", "size": 1})

    with pytest.raises(OutcomeUnknown):
        make_stripe(server.url).upload_evidence(PDF)


def test_payments_by_hand_have_no_disputes() -> None:
    gateway = manual.gateway()

    for call in (
        lambda: gateway.upload_evidence(PDF),
        lambda: gateway.stage_evidence(evidence("du_1")),
        lambda: gateway.submit_evidence(evidence("du_1")),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.refusal == Refusal.NOT_OFFERED
