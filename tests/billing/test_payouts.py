"""Payouts by hand: what staff confirm and what they say failed."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from billing import payouts
from billing.models import House, LegState, Payout, PayoutState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.payouts import PayoutDecided
from billing.sending import calls, claims, outcomes
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound, Refused
from panel.notifications.models import Email
from tests.billing.money import balances, clearing, moved
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, receive_by_hand, send_due, withdraw

pytestmark = pytest.mark.django_db

SENT = AT + HOUR
LATER = SENT + timedelta(hours=2)


def to_be_paid() -> tuple[User, Withdrawal, Payout]:
    """Ada paid 50.00 by bank transfer; 20.00 wait for staff to send them."""
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    send_due(SENT)
    return ada, withdrawal, Payout.objects.get()


def confirm(payout: Payout, staff: User, reference: str = "SEPA-1") -> Payout:
    return payouts.confirm(payout_id=payout.pk, bank_reference=reference, staff=staff, at=LATER)


def fail(payout: Payout, staff: User, reason: str = "Account closed.") -> Payout:
    return payouts.fail(payout_id=payout.pk, reason=reason, staff=staff, at=LATER)


def test_a_payout_waits_for_staff_and_goes_back_to_the_sender() -> None:
    ada, withdrawal, payout = to_be_paid()

    assert (payout.state, payout.amount) == (PayoutState.WAITING, 20)
    assert payout.destination == "Bank transfer: DE02 1203 0000 0000 2020 51"
    assert only_leg(withdrawal).state == LegState.SENDING
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
    assert send_due(SENT + timedelta(days=1)) == 1
    assert Payout.objects.count() == 1


def test_a_confirmed_one_is_paid_with_its_reference() -> None:
    ada, withdrawal, payout = to_be_paid()

    done = confirm(payout, make_staff())

    withdrawal.refresh_from_db()
    assert (done.state, done.decided_at) == (PayoutState.CONFIRMED, LATER)
    assert (withdrawal.state, only_leg(withdrawal).bank_reference) == (WithdrawalState.PAID, "SEPA-1")
    assert balances(ada) == {"available": "30.00"}
    assert clearing(House.MANUAL_CLEARING) == "30.00"
    assert Email.objects.get(template="withdrawal_paid").context["parts"] == [
        "20.00 USD to Bank transfer, reference SEPA-1"
    ]


def test_confirming_twice_pays_once_and_another_reference_is_refused() -> None:
    ada, _, payout = to_be_paid()
    grace = make_staff()
    confirm(payout, grace)

    confirm(payout, grace)
    with pytest.raises(PayoutDecided):
        confirm(payout, grace, "SEPA-2")

    assert moved(ada)[-1] == ("withdrawal_paid", "20.00")
    assert [kind for kind, _ in moved(ada)].count("withdrawal_paid") == 1


def test_a_failed_one_puts_the_money_back() -> None:
    ada, withdrawal, payout = to_be_paid()

    fail(payout, make_staff())

    withdrawal.refresh_from_db()
    assert (withdrawal.state, balances(ada)) == (WithdrawalState.FAILED, {"available": "50.00"})
    with pytest.raises(PayoutDecided):
        confirm(payout, make_staff())
    with pytest.raises(PayoutDecided):
        fail(payout, make_staff())


def test_why_one_failed_is_told_in_the_words_of_staff_and_closes_no_method() -> None:
    _, withdrawal, payout = to_be_paid()

    fail(payout, make_staff(), "The IBAN lacks a digit.")

    leg = only_leg(withdrawal)
    assert leg.deposit
    assert (leg.failure, leg.deposit.method_gone) == ("The IBAN lacks a digit.", False)
    assert Email.objects.get(template="withdrawal_failed").context["reason"] == "The IBAN lacks a digit."


def test_one_that_was_sent_late_is_announced_from_the_day_of_sending() -> None:
    _, _, payout = to_be_paid()
    tuesday = datetime(2026, 12, 1, 12, tzinfo=UTC)

    payouts.confirm(payout_id=payout.pk, bank_reference="SEPA-1", staff=make_staff(), at=tuesday)

    assert Email.objects.get(template="withdrawal_paid").context["bank_by"] == "Tuesday, December 8, 2026"


def test_one_that_was_sent_in_time_keeps_the_day_that_was_promised() -> None:
    _, withdrawal, payout = to_be_paid()

    confirm(payout, make_staff())

    assert withdrawal.bank_by_date == date(2026, 11, 17)  # five business days from November 9, less Veterans Day
    assert Email.objects.get(template="withdrawal_paid").context["bank_by"] == "Tuesday, November 17, 2026"


def test_one_that_came_back_after_it_was_confirmed_puts_the_money_back() -> None:
    ada, withdrawal, payout = to_be_paid()
    grace = make_staff()
    confirm(payout, grace)

    fail(payout, grace)

    leg = only_leg(withdrawal)
    assert (leg.state, leg.is_late_failure) == (LegState.FAILED, True)
    assert balances(ada) == {"available": "50.00"}
    assert clearing(House.MANUAL_CLEARING) == "50.00"


def test_one_that_was_confirmed_before_our_own_step_was_recorded_counts_once() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    answered = calls.carry_out(claims.claim_due(limit=1, at=SENT))

    confirm(Payout.objects.get(), make_staff())
    outcomes.record(answered, at=LATER)

    assert only_leg(withdrawal).state == LegState.PAID
    assert WithdrawalLeg.objects.count() == 1
    assert balances(ada) == {"available": "30.00"}


def test_nobody_pays_himself_and_customers_pay_no_one() -> None:
    ada, _, payout = to_be_paid()
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ada.refresh_from_db()

    for person in (ada, make_customer("ben")):
        with pytest.raises(Forbidden):
            confirm(payout, person)
        with pytest.raises(Forbidden):
            fail(payout, person)

    payout.refresh_from_db()
    assert payout.state == PayoutState.WAITING


def test_needs_a_reference_a_reason_and_a_payout() -> None:
    _, _, payout = to_be_paid()
    grace = make_staff()

    with pytest.raises(Refused):
        confirm(payout, grace, " ")
    with pytest.raises(Refused):
        fail(payout, grace, " ")
    with pytest.raises(NotFound):
        payouts.confirm(payout_id=payout.pk + 1, bank_reference="SEPA-1", staff=grace, at=LATER)


@pytest.mark.django_db(transaction=True)
def test_two_of_staff_at_once_decide_it_once() -> None:
    ada, _, payout = to_be_paid()
    grace, linus = make_staff(), make_staff("linus")

    results = race([partial(confirm, payout, grace), partial(confirm, payout, linus, "SEPA-2")])

    assert len(of(Payout, results)) == 1
    assert len(of(PayoutDecided, results)) == 1
    assert balances(ada) == {"available": "30.00"}
