"""What a leg does when its gateway refuses, has no time or says nothing: failed, tried again, or in doubt."""

from datetime import timedelta

import pytest

from billing import withdrawals
from billing.gateways.base import GatewayError, OutcomeUnknown, RefundStanding, Refusal, Refused, TryLater
from billing.models import Deposit, WithdrawalState
from billing.sending.calls import NotBegun, NotThere
from billing.sending.claims import Step
from billing.withdrawal_moves import WrongState
from panel.notifications.models import Email
from tests.billing.money import balances
from tests.factories import HOUR
from tests.factories.answers import BACK, GONE, HELD, SENT, begin_sending, claim_one, letters_since, record, report

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def test_an_outcome_that_is_unknown_is_neither_failure_nor_success() -> None:
    ada, claim = begin_sending()

    leg = record(claim, OutcomeUnknown("time-out"))

    assert (leg.state, leg.withdrawal.state, leg.failure) == ("unknown", WithdrawalState.UNKNOWN, "time-out")
    assert leg.due_at == SENT + MINUTE
    found = claim_one(at=SENT + MINUTE)
    assert (found.step, found.request) == (Step.FIND, claim.request)
    with pytest.raises(WrongState):
        withdrawals.cancel(withdrawal_id=claim.withdrawal_id, customer=ada, at=SENT + MINUTE)
    assert (balances(ada), letters_since()) == (HELD, [])


@pytest.mark.parametrize("error", [TryLater("429"), NotBegun("no time left")])
def test_what_was_definitely_not_sent_can_be_canceled_again(error: GatewayError) -> None:
    ada, claim = begin_sending()

    leg = record(claim, error)

    assert (leg.state, leg.attempt, leg.due_at) == ("planned", 1, SENT + MINUTE)
    assert leg.withdrawal.state == WithdrawalState.SCHEDULED
    withdrawals.cancel(withdrawal_id=claim.withdrawal_id, customer=ada, at=SENT)
    assert balances(ada) == BACK


@pytest.mark.parametrize("error", [TryLater("429"), NotBegun("no time left")])
def test_what_may_have_been_sent_before_stays_in_doubt_when_looking_fails(error: GatewayError) -> None:
    ada, claim = begin_sending()
    record(claim, OutcomeUnknown("time-out"))

    leg = record(claim_one(at=SENT + MINUTE), error, at=SENT + MINUTE)

    assert (leg.state, leg.due_at) == ("unknown", SENT + MINUTE + 2 * MINUTE)
    assert balances(ada) == HELD


def test_one_that_is_not_there_after_a_day_is_sent_under_a_new_key() -> None:
    ada, claim = begin_sending()
    record(claim, OutcomeUnknown("time-out"))
    later = SENT + timedelta(hours=25)

    leg = record(claim_one(at=later), NotThere("none"), at=later)

    assert (leg.state, leg.attempt, leg.attempted_at, leg.due_at) == ("planned", 2, None, later)
    new = claim_one(at=later)
    assert (new.step, new.request.attempt, new.key_may_be_forgotten) == (Step.SEND, 2, False)
    assert new.request.key != claim.request.key
    assert balances(ada) == HELD


def test_a_short_balance_at_the_gateway_delays_it_and_fails_nobody() -> None:
    ada, claim = begin_sending()

    leg = record(claim, Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS))

    assert (leg.state, leg.attempt, leg.due_at) == ("planned", 2, SENT + HOUR)
    assert (balances(ada), letters_since()) == (HELD, [])


@pytest.mark.parametrize("refusal", [Refusal.KEY_REUSED, Refusal.NOT_FOUND])
def test_a_bug_of_ours_is_not_told_to_customers_as_a_lost_payment(refusal: Refusal) -> None:
    ada, claim = begin_sending()

    leg = record(claim, Refused("No such payment_intent", refusal=refusal))

    assert (leg.state, leg.withdrawal.state) == ("unknown", WithdrawalState.UNKNOWN)
    assert (balances(ada), letters_since()) == (HELD, [])


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
def test_a_refusal_puts_the_money_back_and_says_why(refusal: Refusal, words: str) -> None:
    ada, claim = begin_sending()

    leg = record(claim, Refused("Something of its own.", refusal=refusal))

    assert (leg.state, leg.failure, leg.withdrawal.state) == ("failed", words, WithdrawalState.FAILED)
    assert Deposit.objects.get().method_gone is (refusal is Refusal.METHOD_GONE)
    assert balances(ada) == BACK
    assert Email.objects.get(template="withdrawal_failed").context["reason"] == words


@pytest.mark.parametrize("error", [Refused("gone", refusal=Refusal.NOT_FOUND), OutcomeUnknown("500"), TryLater("429")])
def test_a_paid_one_that_can_not_be_read_stays_paid(error: GatewayError) -> None:
    ada, claim = begin_sending()
    record(claim, report(claim, RefundStanding.PAID))
    fetch = claim_one(at=SENT + DAY)

    leg = record(fetch, error, at=SENT + DAY)

    assert (leg.state, leg.withdrawal.state) == ("paid", WithdrawalState.PAID)
    assert leg.due_at == SENT + 3 * DAY
    assert balances(ada) == GONE


def test_an_answer_clears_what_was_said_of_the_failure_before() -> None:
    _, claim = begin_sending()
    record(claim, OutcomeUnknown("time-out"))

    assert record(claim_one(at=SENT + MINUTE), report(claim, RefundStanding.PAID), at=SENT + MINUTE).failure == ""
