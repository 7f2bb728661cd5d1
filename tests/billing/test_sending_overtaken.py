"""Answers that come in after another worker, a new attempt or a webhook has gone ahead of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from billing.gateways.base import GatewayError, OutcomeUnknown, RefundStanding, Refusal, Refused, TryLater
from billing.sending import outcomes
from billing.sending.calls import NotBegun
from tests.billing.money import balances, moved
from tests.factories import HOUR
from tests.factories.answers import GONE, HELD, SENT, begin_sending, claim_one, letters_since, record, report

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
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
def test_a_late_not_carried_out_says_nothing_about_the_call_of_another_worker(late: Late) -> None:
    ada, claim = begin_sending()
    taken_over = claim_one(at=SENT + 3 * MINUTE)

    stale = record(claim, late(), at=SENT + 4 * MINUTE)
    assert (stale.state, stale.attempt) == ("sending", 1)
    paid = record(taken_over, report(claim, RefundStanding.PAID), at=SENT + 5 * MINUTE)

    assert (paid.state, balances(ada)) == ("paid", GONE)


def test_a_late_success_counts_though_another_worker_has_taken_over() -> None:
    ada, claim = begin_sending()
    taken_over = claim_one(at=SENT + 3 * MINUTE)

    record(claim, report(claim, RefundStanding.PAID), at=SENT + 4 * MINUTE)
    leg = record(taken_over, report(claim, RefundStanding.PAID), at=SENT + 5 * MINUTE)

    assert (leg.state, leg.paid_at) == ("paid", SENT + 4 * MINUTE)
    assert moved(ada)[-1] == ("withdrawal_paid", "20.00")
    assert letters_since() == ["withdrawal_paid"]


def test_a_report_of_an_old_attempt_is_not_taken_for_the_new_one() -> None:
    ada, claim = begin_sending()
    record(claim, Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS))
    assert claim_one(at=SENT + HOUR).request.attempt == 2

    late = report(claim, RefundStanding.PAID)
    applied = outcomes.record_report(late, leg_id=claim.leg_id, withdrawal_id=claim.withdrawal_id, at=SENT + HOUR)

    assert applied is False
    leg = record(claim, late, at=SENT + HOUR)
    assert (leg.state, leg.attempt, leg.reference) == ("sending", 2, None)
    assert balances(ada) == HELD


def test_a_report_finds_its_leg_before_our_own_answer_does() -> None:
    ada, claim = begin_sending()

    said = report(claim, RefundStanding.PAID)
    assert outcomes.record_report(said, leg_id=claim.leg_id, withdrawal_id=claim.withdrawal_id, at=SENT)
    leg = record(claim, OutcomeUnknown("time-out"), at=SENT + MINUTE)

    assert (leg.state, leg.reference) == ("paid", "re_1")
    assert balances(ada) == GONE
