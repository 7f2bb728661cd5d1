"""Looking a withdrawal up: reads and records, and never sends, not even beside a sweep."""

from datetime import timedelta

import pytest

from billing.models import LegState
from billing.sending import calls, checking, claims, outcomes
from billing.sending.checking import Check
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import AT, HOUR, make_customer, only_leg, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db

LATER = AT + HOUR


def test_nothing_is_asked_about_what_was_not_begun(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")

    assert checking.check_now(withdrawal_id=withdrawal.pk, at=LATER) == []

    assert only_leg(withdrawal).state == LegState.PLANNED
    assert payments.refunds() == []


def test_a_look_while_a_worker_is_about_to_send_leaves_the_sending_to_it(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    claimed = claims.claim_due(limit=10, at=LATER)
    leg = only_leg(withdrawal)

    found = checking.check_now(withdrawal_id=withdrawal.pk, at=LATER)

    assert found == [
        Check(leg.pk, LegState.SENDING, LegState.SENDING, "The gateway has no such refund so far."),
    ]
    assert payments.refunds() == []
    assert only_leg(withdrawal).due_at == leg.due_at
    outcomes.record(calls.carry_out(claimed), at=LATER)
    assert len(payments.refunds()) == 1
    assert only_leg(withdrawal).state == LegState.PAID


def test_a_look_between_the_call_and_its_record_is_recorded_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments)
    withdrawal = withdraw(ada, "20")
    made = calls.carry_out(claims.claim_due(limit=10, at=LATER))
    leg = only_leg(withdrawal)

    assert checking.check_now(withdrawal_id=withdrawal.pk, at=LATER) == [
        Check(leg.pk, LegState.SENDING, LegState.PAID),
    ]
    outcomes.record(made, at=LATER)

    assert only_leg(withdrawal).state == LegState.PAID
    assert len(payments.refunds()) == 1


def test_a_refund_that_failed_late_is_found_before_its_next_check(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, card="closed_card")
    withdrawal = withdraw(ada, "20")
    send_due()
    leg = only_leg(withdrawal)
    assert leg.state == LegState.PAID
    payments.advance(7200)

    found = checking.check_now(withdrawal_id=withdrawal.pk, at=LATER + timedelta(minutes=1))

    assert found == [Check(leg.pk, LegState.PAID, LegState.FAILED)]
    assert only_leg(withdrawal).is_late_failure
