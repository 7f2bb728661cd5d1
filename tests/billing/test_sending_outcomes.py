"""What each report of a gateway does to a leg, its money and its next step.

The reports are given here as a gateway gives them; test_sending_faults makes the calls that bring them about.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.gateways.base import OutcomeUnknown, RefundStanding, Refusal
from billing.models import House, WithdrawalEvent, WithdrawalState
from billing.sending import claims, outcomes
from billing.sending.claims import Step
from panel.notifications.models import Email
from tests.billing.money import balances, clearing, moved
from tests.factories import AT, HOUR, make_customer, receive_by_hand, withdraw
from tests.factories.answers import (
    BACK,
    GONE,
    HELD,
    SENT,
    begin_sending,
    claim_one,
    leg_of,
    letters_since,
    record,
    report,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def test_a_claim_is_written_down_before_anything_is_called() -> None:
    ada, claim = begin_sending()
    leg = leg_of(claim)

    assert (leg.state, leg.attempted_at, leg.due_at, leg.tries) == ("sending", SENT, SENT + 3 * MINUTE, 1)
    assert leg.withdrawal.state == WithdrawalState.SENDING
    assert claim.request.key == f"{leg.withdrawal.key.hex}-{leg.pk}-1"
    assert claims.claim_due(limit=10, at=SENT + 3 * MINUTE - timedelta(microseconds=1)) == []
    assert balances(ada) == HELD


def test_a_claim_whose_worker_died_is_looked_for_before_it_is_sent_again() -> None:
    _, claim = begin_sending()

    taken_over = claim_one(at=SENT + 3 * MINUTE)

    assert (taken_over.step, taken_over.request) == (Step.FIND, claim.request)
    assert not taken_over.key_may_be_forgotten


def test_paid_ends_it_with_the_banks_reference() -> None:
    ada, claim = begin_sending()

    leg = record(claim, report(claim, RefundStanding.PAID))

    assert (leg.state, leg.reference, leg.bank_reference, leg.paid_at) == ("paid", "re_1", "7423", SENT)
    assert (leg.withdrawal.state, leg.withdrawal.ended_at) == (WithdrawalState.PAID, SENT)
    assert leg.deposit
    assert (leg.deposit.reserved, leg.deposit.refunded) == (0, 20)
    assert balances(ada) == GONE
    assert moved(ada) == [("deposit", "50.00"), ("withdrawal_opened", "20.00"), ("withdrawal_paid", "20.00")]
    assert letters_since() == ["withdrawal_paid"]


def test_a_paid_one_is_asked_about_for_forty_days_more() -> None:
    _, claim = begin_sending()
    leg, asked = record(claim, report(claim, RefundStanding.PAID)), []

    while leg.due_at is not None:
        at, claim = leg.due_at, claim_one(at=leg.due_at)
        asked.append((at - SENT).days)
        assert claim.step == Step.FETCH
        leg = record(claim, report(claim, RefundStanding.PAID), at=at)

    assert asked == [1, 3, 7, 14, 21, 31, 40]
    assert letters_since() == ["withdrawal_paid"]


def test_pending_is_asked_about_less_and_less_often() -> None:
    ada, claim = begin_sending()
    leg, pauses = record(claim, report(claim, RefundStanding.PENDING)), []
    assert (leg.state, leg.withdrawal.state, leg.sent_at) == ("sent", WithdrawalState.SENT, SENT)

    at = SENT
    for _ in range(5):
        assert leg.due_at
        pauses.append(leg.due_at - at)
        at = leg.due_at
        leg = record(claim_one(at=at), report(claim, RefundStanding.PENDING), at=at)

    assert pauses == [10 * MINUTE, HOUR, 6 * HOUR, DAY, DAY]
    assert balances(ada) == HELD
    assert record(claim_one(at=at + DAY), report(claim, RefundStanding.PAID), at=at + DAY).state == "paid"


def test_to_do_stays_being_sent_and_is_asked_about() -> None:
    ada, claim = begin_sending()

    leg = record(claim, report(claim, RefundStanding.TO_DO))

    assert (leg.state, leg.reference, leg.due_at) == ("sending", "re_1", SENT + 15 * MINUTE)
    assert claim_one(at=SENT + 15 * MINUTE).step == Step.FETCH
    assert balances(ada) == HELD


def test_a_state_that_is_not_known_counts_as_under_way_and_is_kept() -> None:
    ada, claim = begin_sending()

    leg = record(claim, report(claim, RefundStanding.UNRECOGNIZED, status="in_the_post"))

    assert (leg.state, leg.gateway_words) == ("sent", "in_the_post")
    assert balances(ada) == HELD


@pytest.mark.parametrize("standing", [RefundStanding.FAILED, RefundStanding.CANCELED])
def test_failed_puts_the_money_back_and_says_why(standing: RefundStanding) -> None:
    ada, claim = begin_sending()

    leg = record(claim, report(claim, standing, refusal=Refusal.METHOD_GONE, failure="expired_or_canceled_card"))

    assert (leg.state, leg.failed_at, leg.due_at) == ("failed", SENT, None)
    assert leg.failure == "The card or account no longer takes money back."
    assert (leg.withdrawal.state, leg.withdrawal.due_at) == (WithdrawalState.FAILED, None)
    assert leg.deposit
    assert (leg.deposit.reserved, leg.deposit.refunded, leg.deposit.method_gone) == (0, 0, True)
    assert balances(ada) == BACK
    assert letters_since() == ["withdrawal_failed"]


def test_a_late_failure_brings_the_money_back_once() -> None:
    ada, claim = begin_sending()
    record(claim, report(claim, RefundStanding.PAID))
    failed = report(claim, RefundStanding.FAILED, refusal=Refusal.METHOD_GONE)

    for _ in range(3):
        assert outcomes.record_report(failed, leg_id=claim.leg_id, withdrawal_id=claim.withdrawal_id, at=SENT + DAY)

    leg = leg_of(claim)
    assert (leg.state, leg.is_late_failure, leg.withdrawal.state) == ("failed", True, WithdrawalState.FAILED)
    assert balances(ada) == BACK
    assert moved(ada)[-2:] == [("withdrawal_paid", "20.00"), ("withdrawal_reversed", "20.00")]
    assert leg.deposit
    assert (leg.deposit.reserved, leg.deposit.refunded) == (0, 0)
    assert letters_since() == ["withdrawal_paid", "withdrawal_failed"]


def test_nothing_moves_back_after_it_was_paid_or_failed() -> None:
    ada, claim = begin_sending()
    record(claim, report(claim, RefundStanding.PAID))

    assert record(claim, report(claim, RefundStanding.PENDING), at=SENT + MINUTE).state == "paid"
    record(claim, report(claim, RefundStanding.FAILED), at=SENT + DAY)
    assert record(claim, report(claim, RefundStanding.PAID), at=SENT + 2 * DAY).state == "failed"

    assert balances(ada) == BACK


@pytest.mark.parametrize("changed", [{"amount": Decimal("20.01")}, {"currency": "EUR"}])
def test_an_answer_about_another_amount_is_nothing_to_act_on(changed: dict[str, Any]) -> None:
    ada, claim = begin_sending()

    leg = record(claim, report(claim, RefundStanding.PAID, **changed))

    assert (leg.state, leg.reference, leg.withdrawal.state) == ("unknown", None, WithdrawalState.UNKNOWN)
    assert balances(ada) == HELD


def test_it_counts_as_paid_when_every_part_is_and_writes_once() -> None:
    ada = make_customer()
    receive_by_hand(ada, "20")
    receive_by_hand(ada, "20")
    withdrawal = withdraw(ada, "40")
    first, second = claims.claim_due(limit=10, at=SENT)

    record(first, report(first, RefundStanding.PAID))
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.SENDING
    record(second, report(second, RefundStanding.FAILED, reference="re_2"))

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.PAID
    assert balances(ada) == {"available": "20.00"}
    letter = Email.objects.get(template="withdrawal_paid")
    assert (letter.context["amount"], letter.context["returned"]) == ("20.00 USD", "20.00 USD")


def test_every_step_is_in_the_history() -> None:
    _, claim = begin_sending()
    record(claim, OutcomeUnknown("time-out"))
    record(claim_one(at=SENT + MINUTE), report(claim, RefundStanding.PAID), at=SENT + MINUTE)

    steps = WithdrawalEvent.objects.order_by("id").values_list("leg", "to_state", "at")

    assert list(steps) == [
        (None, "scheduled", AT),
        (claim.leg_id, "sending", SENT),
        (None, "sending", SENT),
        (claim.leg_id, "unknown", SENT),
        (None, "unknown", SENT),
        (claim.leg_id, "paid", SENT + MINUTE),
        (None, "paid", SENT + MINUTE),
    ]


def test_the_books_say_what_is_at_the_gateway() -> None:
    _, claim = begin_sending()
    assert clearing(House.MANUAL_CLEARING) == "50.00"

    record(claim, report(claim, RefundStanding.PAID))
    assert clearing(House.MANUAL_CLEARING) == "30.00"
