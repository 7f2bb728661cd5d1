"""An outcome that is recorded after somebody else has told how the refund ended."""

import pytest

from billing import gateway_refunds
from billing.models import GatewaySlug, LegState
from billing.sending import calls, claims, outcomes
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import AT, HOUR, make_customer, only_leg, pay_in, withdraw

pytestmark = pytest.mark.django_db


def test_an_unknown_outcome_says_nothing_of_a_leg_that_has_failed_since(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50", card="closed_card")
    withdrawal = withdraw(ada, "20")
    payments.fault("drop_after", path="/v1/refunds", method="POST", times=1)
    late = calls.carry_out(claims.claim_due(limit=5, at=AT + HOUR))
    payments.advance(HOUR.total_seconds())
    refund = payments.refunds()[0]
    gateway_refunds.refresh(refund["id"], gateway=GatewaySlug.STRIPE, at=AT + HOUR)

    outcomes.record(late, at=AT + HOUR)

    leg = only_leg(withdrawal)
    assert (leg.state, leg.due_at) == (LegState.FAILED, None)
    assert leg.failure == "The card or account no longer takes money back."
    assert only_leg(withdrawal).withdrawal.due_at is None
