"""What each answer of a gateway does to a leg, its money and its next step.

The answers are given here as a gateway gives them; test_sending_faults makes the calls that bring them about.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import withdrawals
from billing.gateways.base import (
    GatewayError,
    OutcomeUnknown,
    RefundReport,
    RefundStanding,
    Refusal,
    Refused,
    TryLater,
)
from billing.models import Deposit, House, WithdrawalEvent, WithdrawalLeg, WithdrawalState
from billing.sending import claims, outcomes
from billing.sending.calls import NotBegun, NotThere, Outcome
from billing.sending.claims import Claim, Step
from billing.withdrawal_moves import WrongState
from panel.accounts.models import User
from panel.notifications.models import Email
from tests.billing.money import balances, clearing, moved
from tests.factories import AT, HOUR, make_customer, receive_by_hand, withdraw

pytestmark = pytest.mark.django_db

SENT = AT + HOUR
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HELD = {"available": "30.00", "held": "20.00"}
GONE = {"available": "30.00"}
BACK = {"available": "50.00"}

Begun = tuple[User, Claim]


@pytest.fixture
def begun() -> Begun:
    """Ada has 50.00 and a withdrawal of 20.00 whose leg was claimed for sending at `SENT`."""
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdraw(ada, "20")
    (claim,) = claims.claim_due(limit=10, at=SENT)
    assert claim.step == Step.SEND
    return ada, claim


def report(claim: Claim, standing: RefundStanding, **changed: Any) -> RefundReport:
    said = RefundReport(
        reference="re_1",
        leg=claim.leg_id,
        attempt=claim.request.attempt,
        standing=standing,
        amount=claim.request.amount,
        currency="USD",
        payment_reference=claim.request.payment_reference,
        bank_reference="7423",
        status=standing.value,
    )
    return replace(said, **changed)


def record(claim: Claim, found: RefundReport | GatewayError, *, at: datetime = SENT) -> WithdrawalLeg:
    outcomes.record([Outcome(claim, found)], at=at)
    return leg_of(claim)


def leg_of(claim: Claim) -> WithdrawalLeg:
    return WithdrawalLeg.objects.select_related("withdrawal", "deposit").get(pk=claim.leg_id)


def again(at: datetime) -> Claim:
    (claim,) = claims.claim_due(limit=10, at=at)
    return claim


def letters() -> list[str]:
    return list(Email.objects.order_by("id").values_list("template", flat=True))[2:]


def test_a_claim_is_written_down_before_anything_is_called(begun: Begun) -> None:
    ada, claim = begun
    leg = leg_of(claim)

    assert (leg.state, leg.attempted_at, leg.due_at, leg.tries) == ("sending", SENT, SENT + 3 * MINUTE, 1)
    assert leg.withdrawal.state == WithdrawalState.SENDING
    assert claim.request.key == f"{leg.withdrawal.key.hex}-{leg.pk}-1"
    assert claims.claim_due(limit=10, at=SENT + 3 * MINUTE - timedelta(microseconds=1)) == []
    assert balances(ada) == HELD


def test_a_claim_whose_worker_died_is_looked_for_before_it_is_sent_again(begun: Begun) -> None:
    _, claim = begun

    taken_over = again(SENT + 3 * MINUTE)

    assert (taken_over.step, taken_over.request) == (Step.FIND, claim.request)
    assert not taken_over.key_may_be_forgotten


def test_paid_ends_it_with_the_banks_reference(begun: Begun) -> None:
    ada, claim = begun

    leg = record(claim, report(claim, RefundStanding.PAID))

    assert (leg.state, leg.reference, leg.bank_reference, leg.paid_at) == ("paid", "re_1", "7423", SENT)
    assert (leg.withdrawal.state, leg.withdrawal.ended_at) == (WithdrawalState.PAID, SENT)
    assert leg.deposit
    assert (leg.deposit.reserved, leg.deposit.refunded) == (0, 20)
    assert balances(ada) == GONE
    assert moved(ada) == [("deposit", "50.00"), ("withdrawal_opened", "20.00"), ("withdrawal_paid", "20.00")]
    assert letters() == ["withdrawal_paid"]


def test_a_paid_one_is_asked_about_for_forty_days_more(begun: Begun) -> None:
    _, claim = begun
    leg, asked = record(claim, report(claim, RefundStanding.PAID)), []

    while leg.due_at is not None:
        at, claim = leg.due_at, again(leg.due_at)
        asked.append((at - SENT).days)
        assert claim.step == Step.FETCH
        leg = record(claim, report(claim, RefundStanding.PAID), at=at)

    assert asked == [1, 3, 7, 14, 21, 31, 40]
    assert letters() == ["withdrawal_paid"]


def test_pending_is_asked_about_less_and_less_often(begun: Begun) -> None:
    ada, claim = begun
    leg, pauses = record(claim, report(claim, RefundStanding.PENDING)), []
    assert (leg.state, leg.withdrawal.state, leg.sent_at) == ("sent", WithdrawalState.SENT, SENT)

    at = SENT
    for _ in range(5):
        assert leg.due_at
        pauses.append(leg.due_at - at)
        at = leg.due_at
        leg = record(again(at), report(claim, RefundStanding.PENDING), at=at)

    assert pauses == [10 * MINUTE, HOUR, 6 * HOUR, DAY, DAY]
    assert balances(ada) == HELD
    assert record(again(at + DAY), report(claim, RefundStanding.PAID), at=at + DAY).state == "paid"


def test_to_do_stays_being_sent_and_is_asked_about(begun: Begun) -> None:
    ada, claim = begun

    leg = record(claim, report(claim, RefundStanding.TO_DO))

    assert (leg.state, leg.reference, leg.due_at) == ("sending", "re_1", SENT + 15 * MINUTE)
    assert again(SENT + 15 * MINUTE).step == Step.FETCH
    assert balances(ada) == HELD


def test_a_state_that_is_not_known_counts_as_under_way_and_is_kept(begun: Begun) -> None:
    ada, claim = begun

    leg = record(claim, report(claim, RefundStanding.UNRECOGNIZED, status="in_the_post"))

    assert (leg.state, leg.gateway_words) == ("sent", "in_the_post")
    assert balances(ada) == HELD


@pytest.mark.parametrize("standing", [RefundStanding.FAILED, RefundStanding.CANCELED])
def test_failed_puts_the_money_back_and_says_why(begun: Begun, standing: RefundStanding) -> None:
    ada, claim = begun

    leg = record(claim, report(claim, standing, refusal=Refusal.METHOD_GONE, failure="expired_or_canceled_card"))

    assert (leg.state, leg.failed_at, leg.due_at) == ("failed", SENT, None)
    assert leg.failure == "The card or account no longer takes money back."
    assert (leg.withdrawal.state, leg.withdrawal.due_at) == (WithdrawalState.FAILED, None)
    assert leg.deposit
    assert (leg.deposit.reserved, leg.deposit.refunded, leg.deposit.method_gone) == (0, 0, True)
    assert balances(ada) == BACK
    assert letters() == ["withdrawal_failed"]


def test_a_late_failure_brings_the_money_back_once(begun: Begun) -> None:
    ada, claim = begun
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
    assert letters() == ["withdrawal_paid", "withdrawal_failed"]


def test_nothing_moves_back_after_it_was_paid_or_failed(begun: Begun) -> None:
    ada, claim = begun
    record(claim, report(claim, RefundStanding.PAID))

    assert record(claim, report(claim, RefundStanding.PENDING), at=SENT + MINUTE).state == "paid"
    record(claim, report(claim, RefundStanding.FAILED), at=SENT + DAY)
    assert record(claim, report(claim, RefundStanding.PAID), at=SENT + 2 * DAY).state == "failed"

    assert balances(ada) == BACK


@pytest.mark.parametrize("changed", [{"amount": Decimal("20.01")}, {"currency": "EUR"}])
def test_an_answer_about_another_amount_is_nothing_to_act_on(begun: Begun, changed: dict[str, Any]) -> None:
    ada, claim = begun

    leg = record(claim, report(claim, RefundStanding.PAID, **changed))

    assert (leg.state, leg.reference, leg.withdrawal.state) == ("unknown", None, WithdrawalState.UNKNOWN)
    assert balances(ada) == HELD


def test_an_outcome_that_is_unknown_is_neither_failure_nor_success(begun: Begun) -> None:
    ada, claim = begun

    leg = record(claim, OutcomeUnknown("time-out"))

    assert (leg.state, leg.withdrawal.state, leg.failure) == ("unknown", WithdrawalState.UNKNOWN, "time-out")
    assert leg.due_at == SENT + MINUTE
    found = again(SENT + MINUTE)
    assert (found.step, found.request) == (Step.FIND, claim.request)
    with pytest.raises(WrongState):
        withdrawals.cancel(withdrawal_id=claim.withdrawal_id, customer=ada, at=SENT + MINUTE)
    assert (balances(ada), letters()) == (HELD, [])


@pytest.mark.parametrize("error", [TryLater("429"), NotBegun("no time left")])
def test_what_was_definitely_not_sent_can_be_canceled_again(begun: Begun, error: GatewayError) -> None:
    ada, claim = begun

    leg = record(claim, error)

    assert (leg.state, leg.attempt, leg.due_at) == ("planned", 1, SENT + MINUTE)
    assert leg.withdrawal.state == WithdrawalState.SCHEDULED
    withdrawals.cancel(withdrawal_id=claim.withdrawal_id, customer=ada, at=SENT)
    assert balances(ada) == BACK


@pytest.mark.parametrize("error", [TryLater("429"), NotBegun("no time left")])
def test_what_may_have_been_sent_before_stays_in_doubt_when_looking_fails(begun: Begun, error: GatewayError) -> None:
    ada, claim = begun
    record(claim, OutcomeUnknown("time-out"))

    leg = record(again(SENT + MINUTE), error, at=SENT + MINUTE)

    assert (leg.state, leg.due_at) == ("unknown", SENT + MINUTE + 2 * MINUTE)
    assert balances(ada) == HELD


def test_one_that_is_not_there_after_a_day_is_sent_under_a_new_key(begun: Begun) -> None:
    ada, claim = begun
    record(claim, OutcomeUnknown("time-out"))
    later = SENT + timedelta(hours=25)

    leg = record(again(later), NotThere("none"), at=later)

    assert (leg.state, leg.attempt, leg.attempted_at, leg.due_at) == ("planned", 2, None, later)
    new = again(later)
    assert (new.step, new.request.attempt, new.key_may_be_forgotten) == (Step.SEND, 2, False)
    assert new.request.key != claim.request.key
    assert balances(ada) == HELD


def test_a_short_balance_at_the_gateway_delays_it_and_fails_nobody(begun: Begun) -> None:
    ada, claim = begun

    leg = record(claim, Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS))

    assert (leg.state, leg.attempt, leg.due_at) == ("planned", 2, SENT + HOUR)
    assert (balances(ada), letters()) == (HELD, [])


@pytest.mark.parametrize("refusal", [Refusal.KEY_REUSED, Refusal.NOT_FOUND])
def test_a_bug_of_ours_is_not_told_to_customers_as_a_lost_payment(begun: Begun, refusal: Refusal) -> None:
    ada, claim = begun

    leg = record(claim, Refused("No such payment_intent", refusal=refusal))

    assert (leg.state, leg.withdrawal.state) == ("unknown", WithdrawalState.UNKNOWN)
    assert (balances(ada), letters()) == (HELD, [])


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal.ALREADY_REFUNDED, "The payment was given back already."),
        (Refusal.DISPUTED, "The payment is under dispute at the bank."),
        (Refusal.METHOD_GONE, "The card or account no longer takes money back."),
        (Refusal.NOT_OFFERED, "This method can't take money back."),
        (Refusal.OTHER, "Something of its own."),
    ],
)
def test_a_refusal_puts_the_money_back_and_says_why(begun: Begun, refusal: Refusal, words: str) -> None:
    ada, claim = begun

    leg = record(claim, Refused("Something of its own.", refusal=refusal))

    assert (leg.state, leg.failure, leg.withdrawal.state) == ("failed", words, WithdrawalState.FAILED)
    assert Deposit.objects.get().method_gone is (refusal is Refusal.METHOD_GONE)
    assert balances(ada) == BACK
    assert Email.objects.get(template="withdrawal_failed").context["reason"] == words


@pytest.mark.parametrize("error", [Refused("gone", refusal=Refusal.NOT_FOUND), OutcomeUnknown("500"), TryLater("429")])
def test_a_paid_one_that_can_not_be_read_stays_paid(begun: Begun, error: GatewayError) -> None:
    ada, claim = begun
    record(claim, report(claim, RefundStanding.PAID))
    fetch = again(SENT + DAY)

    leg = record(fetch, error, at=SENT + DAY)

    assert (leg.state, leg.withdrawal.state) == ("paid", WithdrawalState.PAID)
    assert leg.due_at == SENT + 3 * DAY
    assert balances(ada) == GONE


def test_an_answer_clears_what_was_said_of_the_failure_before(begun: Begun) -> None:
    _, claim = begun
    record(claim, OutcomeUnknown("time-out"))

    assert record(again(SENT + MINUTE), report(claim, RefundStanding.PAID), at=SENT + MINUTE).failure == ""


Late = Callable[[], GatewayError]


@pytest.mark.parametrize(
    "late",
    [
        lambda: TryLater("429"),
        lambda: Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS),
        lambda: Refused("disputed", refusal=Refusal.DISPUTED),
        lambda: NotBegun("no time left"),
    ],
)
def test_a_late_not_carried_out_says_nothing_about_the_call_of_another_worker(begun: Begun, late: Late) -> None:
    ada, claim = begun
    taken_over = again(SENT + 3 * MINUTE)

    stale = record(claim, late(), at=SENT + 4 * MINUTE)
    assert (stale.state, stale.attempt) == ("sending", 1)
    paid = record(taken_over, report(claim, RefundStanding.PAID), at=SENT + 5 * MINUTE)

    assert (paid.state, balances(ada)) == ("paid", GONE)


def test_a_late_success_counts_though_another_worker_has_taken_over(begun: Begun) -> None:
    ada, claim = begun
    taken_over = again(SENT + 3 * MINUTE)

    record(claim, report(claim, RefundStanding.PAID), at=SENT + 4 * MINUTE)
    leg = record(taken_over, report(claim, RefundStanding.PAID), at=SENT + 5 * MINUTE)

    assert (leg.state, leg.paid_at) == ("paid", SENT + 4 * MINUTE)
    assert moved(ada)[-1] == ("withdrawal_paid", "20.00")
    assert letters() == ["withdrawal_paid"]


def test_a_report_of_an_old_attempt_is_not_taken_for_the_new_one(begun: Begun) -> None:
    ada, claim = begun
    record(claim, Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS))
    assert again(SENT + HOUR).request.attempt == 2

    late = report(claim, RefundStanding.PAID)
    applied = outcomes.record_report(late, leg_id=claim.leg_id, withdrawal_id=claim.withdrawal_id, at=SENT + HOUR)

    assert applied is False
    leg = record(claim, late, at=SENT + HOUR)
    assert (leg.state, leg.attempt, leg.reference) == ("sending", 2, None)
    assert balances(ada) == HELD


def test_a_report_finds_its_leg_before_our_own_answer_does(begun: Begun) -> None:
    ada, claim = begun

    said = report(claim, RefundStanding.PAID)
    assert outcomes.record_report(said, leg_id=claim.leg_id, withdrawal_id=claim.withdrawal_id, at=SENT)
    leg = record(claim, OutcomeUnknown("time-out"), at=SENT + MINUTE)

    assert (leg.state, leg.reference) == ("paid", "re_1")
    assert balances(ada) == GONE


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


def test_every_step_is_in_the_history(begun: Begun) -> None:
    _, claim = begun
    record(claim, OutcomeUnknown("time-out"))
    record(again(SENT + MINUTE), report(claim, RefundStanding.PAID), at=SENT + MINUTE)

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


def test_the_books_say_what_is_at_the_gateway(begun: Begun) -> None:
    _, claim = begun
    assert clearing(House.MANUAL_CLEARING) == "50.00"

    record(claim, report(claim, RefundStanding.PAID))
    assert clearing(House.MANUAL_CLEARING) == "30.00"
