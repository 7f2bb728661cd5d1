"""Withdrawals that a person looks at before they are sent: approved or declined, once."""

from datetime import UTC, datetime, timedelta

import pytest

from billing import deposits, withdrawals
from billing.models import LegState, WithdrawalEvent, WithdrawalLeg, WithdrawalState
from billing.withdrawal_moves import WrongState
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Forbidden, Refused
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.billing import letters
from tests.billing.money import balances, moved
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, pay_in, receive_by_hand, send_due, withdraw
from tests.factories.withdrawals import reviewed, suspend

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_what_waits_for_a_review_is_not_sent(ada: User) -> None:
    reviewed(ada)

    assert send_due(AT + timedelta(days=30)) == 0
    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_an_approved_one_is_sent_after_another_hour_to_cancel(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()

    approved = withdrawals.approve(withdrawal_id=withdrawal.pk, staff=grace, at=AT + MINUTE)

    assert (approved.state, approved.due_at, approved.reviewed_by) == ("scheduled", AT + HOUR + MINUTE, grace)
    assert letters.to(ada) == ["deposit_receipt", "withdrawal_in_review", "withdrawal_scheduled"]
    assert (send_due(AT + HOUR), send_due(AT + HOUR + MINUTE)) == (0, 1)


def test_one_approved_after_its_day_names_days_that_are_still_to_come(ada: User) -> None:
    withdrawal = reviewed(ada)

    withdrawals.approve(withdrawal_id=withdrawal.pk, staff=make_staff(), at=datetime(2026, 11, 25, 12, tzinfo=UTC))

    letter = Email.objects.get(template="withdrawal_scheduled")
    assert letter.context["send_by"] == "Friday, November 27, 2026"  # the day after Thanksgiving
    assert letter.context["bank_by"] == "Friday, December 4, 2026"


def test_a_declined_one_is_back_on_the_balance_with_its_reason(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()

    declined = withdrawals.decline(withdrawal_id=withdrawal.pk, staff=grace, reason=" Unverified. ", at=AT + MINUTE)

    assert (declined.state, declined.decline_reason, declined.ended_at) == ("declined", "Unverified.", AT + MINUTE)
    assert balances(ada) == {"available": "50.00"}
    assert letters.to(ada) == ["deposit_receipt", "withdrawal_in_review", "withdrawal_declined"]
    assert WithdrawalEvent.objects.filter(to_state="declined", actor=grace, note="Unverified.").count() == 1


def test_a_review_is_decided_once(ada: User) -> None:
    first, second, grace = reviewed(ada), reviewed(ada), make_staff()
    withdrawals.approve(withdrawal_id=first.pk, staff=grace, at=AT)
    withdrawals.decline(withdrawal_id=second.pk, staff=grace, reason="No.", at=AT)

    for done in (first, second):
        with pytest.raises(WrongState):
            withdrawals.approve(withdrawal_id=done.pk, staff=grace, at=AT)
        with pytest.raises(WrongState):
            withdrawals.decline(withdrawal_id=done.pk, staff=grace, reason="No.", at=AT)

    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_nobody_reviews_their_own_and_customers_review_none() -> None:
    grace, ben = make_staff(), make_customer("ben")
    receive_by_hand(grace, "50")
    withdrawal = reviewed(grace)

    for person in (grace, ben):
        with pytest.raises(Forbidden):
            withdrawals.approve(withdrawal_id=withdrawal.pk, staff=person, at=AT)
        with pytest.raises(Forbidden):
            withdrawals.decline(withdrawal_id=withdrawal.pk, staff=person, reason="No.", at=AT)

    assert only_leg(withdrawal).state == LegState.PLANNED


def test_a_decline_needs_a_reason_and_an_approval_an_active_account(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()
    suspend(ada)

    with pytest.raises(Refused):
        withdrawals.decline(withdrawal_id=withdrawal.pk, staff=grace, reason=" ", at=AT)
    with pytest.raises(AccountSuspended):
        withdrawals.approve(withdrawal_id=withdrawal.pk, staff=grace, at=AT)

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW


def test_one_whose_owner_was_suspended_since_goes_to_a_person_instead_of_out(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "20")
    suspend(ada)

    assert send_due() == 0

    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.due_at) == (WithdrawalState.IN_REVIEW, None)
    assert withdrawal.review_reason == "The account was suspended after the request."
    assert payments.refunds() == []
    withdrawals.decline(withdrawal_id=withdrawal.pk, staff=make_staff(), reason="Chargeback.", at=AT + HOUR)
    assert balances(ada) == {"available": "50.00"}


def test_a_part_that_was_not_sent_yet_can_be_declined_though_another_was_paid(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "20", at=AT - HOUR)
    second = pay_in(ada, payments, "30", card="bank_debit")
    payments.advance(7200)
    deposits.refresh(second.pk, at=AT)
    withdrawal = withdraw(ada, "50")
    payments.fault("http_429", path="/v1/refunds", method="POST", times=1)
    send_due()
    assert sorted(WithdrawalLeg.objects.values_list("state", flat=True)) == ["paid", "planned"]
    with pytest.raises(WrongState):
        withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=AT + HOUR)
    paid, waiting = WithdrawalLeg.objects.order_by("state")
    suspend(ada)
    send_due(AT + 2 * HOUR)

    declined = withdrawals.decline(
        withdrawal_id=withdrawal.pk, staff=make_staff(), reason="Chargeback.", at=AT + 3 * HOUR
    )

    assert (declined.state, declined.decline_reason) == (WithdrawalState.PAID, "Chargeback.")
    waiting.refresh_from_db()
    assert waiting.state == LegState.CANCELED
    letter = Email.objects.get(template="withdrawal_declined")
    assert letter.context["amount"] == f"{waiting.amount:.2f} USD"
    assert balances(ada) == {"available": f"{waiting.amount:.2f}"}
    assert [kind for kind, _ in moved(ada)][-2:] == ["withdrawal_paid", "withdrawal_returned"]
    assert paid.amount + waiting.amount == 50
