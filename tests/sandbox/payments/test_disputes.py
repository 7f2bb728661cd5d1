import io
from typing import Any

import pytest
import stripe

from panel.sandbox.payments import PaymentsSandbox
from tests.sandbox.payments.conftest import Paying

PDF = b"%PDF-1.7 our terms"


def types_of(sandbox: PaymentsSandbox) -> list[str]:
    return [event["type"].removeprefix("charge.dispute.") for event in sandbox.events()][4:]


def moved(api: stripe.StripeClient) -> list[tuple[str, int, int]]:
    found = api.v1.balance_transactions.list({"type": "adjustment"}).data
    return [(each.reporting_category, each.amount, each.fee) for each in reversed(found)]


def upload(api: stripe.StripeClient, content: bytes, name: str = "terms.pdf") -> stripe.File:
    file = io.BytesIO(content)
    file.name = name
    return api.v1.files.create({"purpose": "dispute_evidence", "file": file})


def test_a_formal_dispute_takes_the_money_and_stops_refunds(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent, opening = pay(), sandbox.balance()

    number = sandbox.open_dispute(intent, amount=3000, reason="product_not_received")

    dispute = api.v1.disputes.retrieve(number, {"expand": ["charge"]})
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 3000, "product_not_received")
    assert isinstance(dispute.charge, stripe.Charge)
    assert dispute.charge.disputed
    assert dispute.evidence_details.due_by == dispute.created + 7 * 86400
    assert not dispute.is_charge_refundable
    assert dispute.balance_transactions[0].net == -4500
    assert sandbox.balance() == opening - 4500
    assert types_of(sandbox) == ["created", "funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert refusal.value.code == "charge_disputed"


def test_a_won_dispute_gives_the_money_back_and_frees_refunds(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    number = sandbox.open_dispute(intent)

    sandbox.move_dispute(number, "won")

    assert moved(api) == [("dispute", -5000, 1500), ("dispute_reversal", 5000, 0)]
    assert types_of(sandbox) == ["created", "funds_withdrawn", "funds_reinstated", "closed"]
    assert api.v1.refunds.create({"payment_intent": intent}).amount == 5000


def test_a_lost_dispute_may_turn_out_won(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()
    number = sandbox.open_dispute(intent)

    sandbox.move_dispute(number, "lost")
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as refusal:
        api.v1.refunds.create({"payment_intent": intent})
    sandbox.move_dispute(number, "won")

    assert refusal.value.code == "charge_disputed"
    assert moved(api) == [("dispute", -5000, 1500), ("dispute_reversal", 5000, 0)]
    assert types_of(sandbox) == ["created", "funds_withdrawn", "closed", "funds_reinstated", "updated"]


def test_what_a_lost_partial_dispute_leaves_can_be_refunded(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    sandbox.move_dispute(sandbox.open_dispute(intent, amount=2000), "lost")

    with pytest.raises(stripe.InvalidRequestError, match=r"\(\$30\.01\) is greater .* \(\$30\.00\)"):
        api.v1.refunds.create({"payment_intent": intent, "amount": 3001})
    assert api.v1.refunds.create({"payment_intent": intent}).amount == 3000


def test_a_payment_may_be_disputed_more_than_once(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    first = sandbox.open_dispute(intent, amount=1000)
    second = sandbox.open_dispute(intent, amount=9000, status="lost")

    assert [each.id for each in api.v1.disputes.list({"payment_intent": intent}).data] == [second, first]
    assert moved(api) == [("dispute", -1000, 1500), ("dispute", -9000, 1500)]


def test_an_inquiry_takes_nothing_and_ends_with_a_full_refund(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    number = sandbox.open_dispute(intent, status="warning_needs_response")

    api.v1.refunds.create({"payment_intent": intent, "amount": 2000})
    after_a_part = api.v1.disputes.retrieve(number)
    api.v1.refunds.create({"payment_intent": intent})

    assert (after_a_part.status, after_a_part.is_charge_refundable) == ("warning_needs_response", True)
    assert api.v1.disputes.retrieve(number).status == "warning_closed"
    assert moved(api) == []


def test_an_inquiry_may_become_formal(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    number = sandbox.open_dispute(pay(), status="warning_needs_response")

    sandbox.move_dispute(number, "needs_response")

    assert moved(api) == [("dispute", -5000, 1500)]
    assert types_of(sandbox) == ["created", "funds_withdrawn", "updated"]


@pytest.mark.parametrize("status", ["prevented", "appeal_under_review", "on_the_moon"])
def test_any_status_is_reported(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, status: str) -> None:
    number = sandbox.open_dispute(pay())

    sandbox.move_dispute(number, status)

    assert api.v1.disputes.retrieve(number).status == status


def test_evidence_is_staged_and_then_submitted_once(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    number = sandbox.open_dispute(pay())
    file = upload(api, PDF)

    staged = api.v1.disputes.update(
        number, {"evidence": {"refund_policy": file.id, "customer_purchase_ip": "192.0.2.7"}, "submit": False}
    )
    submitted = api.v1.disputes.update(number, {"submit": True})

    assert (staged.status, staged.evidence_details.has_evidence, staged.evidence_details.submission_count) == (
        "needs_response",
        True,
        0,
    )
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    assert (submitted.evidence.refund_policy, submitted.evidence.customer_purchase_ip) == (file.id, "192.0.2.7")
    with pytest.raises(stripe.InvalidRequestError, match="submitted"):
        api.v1.disputes.update(number, {"evidence": {"uncategorized_text": "late"}})


def test_evidence_without_a_word_about_submitting_is_submitted(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    number = sandbox.open_dispute(pay())

    assert api.v1.disputes.update(number, {"evidence": {"service_date": "1 May"}}).status == "under_review"


def test_evidence_has_a_deadline(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    number = sandbox.open_dispute(pay())

    sandbox.advance(7 * 86400 + 60)

    assert api.v1.disputes.retrieve(number).evidence_details.past_due
    with pytest.raises(stripe.InvalidRequestError, match="past due"):
        api.v1.disputes.update(number, {"evidence": {"uncategorized_text": "late"}, "submit": False})


@pytest.mark.parametrize(
    ("evidence", "param"),
    [
        ({"uncategorized_text": "x" * 20_001}, "evidence[uncategorized_text]"),
        ({"receipt": "file_none"}, "evidence[receipt]"),
        ({"receit": "x"}, "evidence[receit]"),
    ],
)
def test_refuses_evidence_that_stripe_would_refuse(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, evidence: Any, param: str
) -> None:
    number = sandbox.open_dispute(pay())

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.disputes.update(number, {"evidence": evidence, "submit": False})

    assert refusal.value.param == param
    assert not api.v1.disputes.retrieve(number).evidence_details.has_evidence


def test_all_texts_together_have_a_limit(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    number = sandbox.open_dispute(pay())
    names = ["access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_name"]
    names += ["duplicate_charge_explanation", "product_description", "refund_policy_disclosure", "uncategorized_text"]
    evidence: Any = dict.fromkeys(names, "x" * 18_751)

    with pytest.raises(stripe.InvalidRequestError, match="150,000"):
        api.v1.disputes.update(number, {"evidence": evidence, "submit": False})
    evidence["customer_name"] = "x" * 18_743
    assert api.v1.disputes.update(number, {"evidence": evidence, "submit": False}).evidence_details.has_evidence


def test_all_files_together_have_a_limit(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    number = sandbox.open_dispute(pay())
    large, small = upload(api, PDF.ljust(4_499_000, b"\0")), upload(api, PDF.ljust(1001, b"\0"))

    with pytest.raises(stripe.InvalidRequestError, match=r"4\.5 MB"):
        api.v1.disputes.update(number, {"evidence": {"receipt": large.id, "refund_policy": small.id}, "submit": False})
    assert api.v1.disputes.update(number, {"evidence": {"receipt": large.id}, "submit": False})


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "PDF, JPEG or PNG"), (b"plain words", "PDF, JPEG or PNG"), (PDF.ljust(4_500_001, b"\0"), "larger than")],
)
def test_refuses_files_that_are_no_evidence(api: stripe.StripeClient, content: bytes, why: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=why):
        upload(api, content)

    assert api.v1.files.list().data == []


def test_a_file_is_kept_by_name_size_and_type(api: stripe.StripeClient) -> None:
    file = upload(api, PDF, name="/home/rosa/terms.pdf")

    found = api.v1.files.retrieve(file.id)

    assert (found.filename, found.size, found.type, found.purpose) == ("terms.pdf", 18, "pdf", "dispute_evidence")


def test_a_dispute_can_be_accepted_as_lost(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    number = sandbox.open_dispute(pay())

    assert api.v1.disputes.close(number).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        api.v1.disputes.close(number)


def test_a_fraud_warning_comes_as_an_event_and_can_be_read(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()

    number = sandbox.warn_of_fraud(intent)

    warning = api.v1.radar.early_fraud_warnings.retrieve(number)
    assert (warning.actionable, warning.payment_intent) == (True, intent)
    assert warning.fraud_type == "made_with_stolen_card"
    assert [each.id for each in api.v1.radar.early_fraud_warnings.list({"payment_intent": intent}).data] == [number]
    assert sandbox.events()[-1]["type"] == "radar.early_fraud_warning.created"


def test_a_fraud_warning_is_not_actionable_once_the_payment_was_refunded(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    number = sandbox.warn_of_fraud(intent, fraud_type="misc")
    half = sandbox.payments()[0]["amount"] // 2

    sandbox.refund_by_hand(intent, half)
    assert api.v1.radar.early_fraud_warnings.retrieve(number).actionable

    sandbox.refund_by_hand(intent)
    assert not api.v1.radar.early_fraud_warnings.retrieve(number).actionable
    updated = [event["data"] for event in sandbox.events() if event["type"] == "radar.early_fraud_warning.updated"]
    assert [data["previous_attributes"] for data in updated] == [{"actionable": True}]


def test_a_fraud_warning_is_not_actionable_once_the_payment_is_disputed(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    before = sandbox.warn_of_fraud(intent)

    sandbox.open_dispute(intent)
    after = sandbox.warn_of_fraud(intent)

    listed = api.v1.radar.early_fraud_warnings.list({"created": {"gte": int(sandbox.now()) - 60}}).data
    assert [(each.id, each.actionable) for each in listed] == [(after, False), (before, False)]
