"""Early fraud warnings as the gateway reports them."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.gateways.base import FraudWarningReport, OutcomeUnknown, Refusal, Refused
from billing.gateways.manual import gateway as manual
from billing.gateways.stripe import Stripe
from billing.gateways.stripe.answers import Answer
from billing.gateways.stripe.fraud_reports import fraud_warning_report
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways.sandboxed import paid

WARNING = {
    "id": "issfr_1",
    "object": "radar.early_fraud_warning",
    "actionable": True,
    "charge": "ch_1",
    "created": 1_800_000_000,
    "fraud_type": "made_with_lost_card",
    "livemode": False,
    "payment_intent": "pi_1",
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_reads_a_warning(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    reference = sandbox.warn_of_fraud(payment, fraud_type="made_with_lost_card")

    report = at_sandbox.fetch_fraud_warning(reference)

    assert report == FraudWarningReport(
        reference=reference,
        payment_reference=payment,
        fraud_type="made_with_lost_card",
        actionable=True,
        warned_at=datetime.fromtimestamp(int(sandbox.now()), tz=UTC),
    )


def test_lists_the_warnings_since_then(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    sandbox.warn_of_fraud(payment)
    sandbox.advance(7200)
    late = sandbox.warn_of_fraud(payment)

    since = datetime.fromtimestamp(sandbox.now(), tz=UTC) - timedelta(hours=1)

    assert [report.reference for report in at_sandbox.fraud_warnings(since)] == [late]
    assert len(list(at_sandbox.fraud_warnings(LONG_AGO))) == 2


def test_says_that_there_is_none(at_sandbox: Stripe) -> None:
    with pytest.raises(Refused) as refusal:
        at_sandbox.fetch_fraud_warning("issfr_unknown")

    assert refusal.value.refusal is Refusal.NOT_FOUND


@pytest.mark.parametrize("actionable", [None, "true", 1])
def test_what_does_not_say_that_it_is_actionable_is_not(actionable: object) -> None:
    report = fraud_warning_report(Answer("early fraud warning", WARNING | {"actionable": actionable}))

    assert not report.actionable


def test_a_warning_of_a_charge_without_payment_names_none() -> None:
    assert fraud_warning_report(Answer("warning", WARNING | {"payment_intent": None})).payment_reference == ""


@pytest.mark.parametrize("field", ["id", "created"])
def test_refuses_what_makes_no_sense(field: str) -> None:
    with pytest.raises(OutcomeUnknown):
        fraud_warning_report(Answer("early fraud warning", WARNING | {field: None}))


def test_nobody_warns_of_payments_by_hand() -> None:
    assert list(manual().fraud_warnings(LONG_AGO)) == []
    with pytest.raises(Refused) as refusal:
        manual().fetch_fraud_warning("receipt-1")
    assert refusal.value.refusal is Refusal.NOT_FOUND
