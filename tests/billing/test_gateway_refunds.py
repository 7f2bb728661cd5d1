"""What the gateway says of refunds by itself: of our legs, late ones among them, and of refunds made by hand there."""

from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from billing import gateway_refunds, gateways, withdrawals
from billing.gateway_refunds import NoRoomYet, NotClear, NotKnown
from billing.models import Deposit, LegState, Origin, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.sending import calls, claims, outcomes
from billing.withdrawal_moves import WrongState
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances, clearing, moved
from tests.concurrency.racing import race
from tests.factories import (
    AT,
    HOUR,
    fund,
    make_customer,
    make_service,
    make_staff,
    only_leg,
    pay_in,
    place_order,
    send_due,
    withdraw,
)

pytestmark = pytest.mark.django_db

SENT = AT + HOUR


@pytest.fixture
def ada() -> User:
    return make_customer()


def take_in(reference: str) -> None:
    gateway_refunds.refresh(reference, gateway="stripe", at=SENT)


def payment(deposit: Deposit) -> str:
    assert deposit.payment_reference
    return deposit.payment_reference


def parts(deposit: Deposit) -> tuple[str, str]:
    deposit.refresh_from_db()
    return f"{deposit.reserved:.2f}", f"{deposit.refunded:.2f}"


def test_a_leg_whose_outcome_was_unknown_is_found(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    leg = only_leg(withdraw(ada, "20"))
    payments.fault("drop_after", path="/v1/refunds", method="POST", times=1)
    send_due(SENT)
    assert only_leg(leg.withdrawal).state == LegState.UNKNOWN

    gateway_refunds.refresh_payment(payment(deposit), gateway="stripe", at=SENT)

    assert only_leg(leg.withdrawal).state == LegState.PAID
    assert Withdrawal.objects.count() == 1
    assert balances(ada) == {"available": "30.00"}


def test_a_report_before_our_own_commit_is_taken_for_the_leg(payments: PaymentsSandbox, ada: User) -> None:
    pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "20")
    claimed = claims.claim_due(limit=1, at=SENT)
    answered = calls.carry_out(claimed)

    take_in(payments.refunds()[0]["id"])
    outcomes.record(answered, at=SENT)

    assert only_leg(withdrawal).state == LegState.PAID
    assert Withdrawal.objects.count() == 1
    assert moved(ada)[-1] == ("withdrawal_paid", "20.00")


def test_a_late_failure_puts_the_money_back_and_tells_the_way_out(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50", card="closed_card")
    withdrawal = withdraw(ada, "20")
    send_due(SENT)
    payments.advance(7200)

    for _ in range(2):
        take_in(payments.refunds()[0]["id"])

    withdrawal.refresh_from_db()
    deposit.refresh_from_db()
    assert (withdrawal.state, deposit.method_gone) == (WithdrawalState.FAILED, True)
    assert balances(ada) == {"available": "50.00"}
    assert parts(deposit) == ("0.00", "0.00")
    letter = Email.objects.get(template="withdrawal_failed")
    assert letter.context["reason"] == "The card or account no longer takes money back."
    again = withdraw(ada, "20", at=SENT)
    assert again.state == WithdrawalState.REQUESTED  # another way has to be found now


def test_a_refund_by_hand_is_booked_out_of_the_balance_once(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    reference = payments.refund_by_hand(payment(deposit), 2000)

    for _ in range(3):
        take_in(reference)
    gateway_refunds.refresh_payment(payment(deposit), gateway="stripe", at=SENT)

    withdrawal = Withdrawal.objects.get()
    assert (withdrawal.origin, withdrawal.state, withdrawal.amount) == (Origin.GATEWAY, "paid", 20)
    assert balances(ada) == {"available": "30.00"}
    assert parts(deposit) == ("0.00", "20.00")
    assert moved(ada) == [("deposit", "50.00"), ("gateway_refund", "20.00"), ("withdrawal_paid", "20.00")]
    assert clearing() == "30.00"
    assert send_due(SENT + HOUR) == 0
    assert withdrawal.bank_by_date == date(2026, 11, 17)  # ten business days, less Veterans Day
    assert Email.objects.get(template="withdrawal_paid").context["bank_by"] == "Tuesday, November 17, 2026"


@pytest.mark.django_db(transaction=True)
def test_one_refund_by_hand_learnt_in_five_places_at_once_is_booked_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "30")
    reference = payments.refund_by_hand(payment(deposit), 2000)
    report = gateways.get("stripe").fetch_refund(reference)

    results = race([partial(gateway_refunds.take_in, report, gateway="stripe", at=AT)] * 5)

    assert results == [None] * 5
    assert balances(ada) == {"held": "30.00"}
    assert only_leg(withdrawal).state == LegState.PLANNED
    assert parts(deposit) == ("30.00", "20.00")


@pytest.mark.django_db(transaction=True)
def test_a_full_refund_by_hand_learnt_at_once_is_booked_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    reference = payments.refund_by_hand(payment(deposit))
    report = gateways.get("stripe").fetch_refund(reference)

    results = race([partial(gateway_refunds.take_in, report, gateway="stripe", at=AT)] * 5)

    assert results == [None] * 5
    assert (balances(ada), parts(deposit)) == ({}, ("0.00", "50.00"))


def test_what_the_balance_does_not_reach_becomes_debt(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    place_order(ada, make_service(rate="40"))

    take_in(payments.refund_by_hand(payment(deposit), 3000))

    assert balances(ada) == {"debt": "\N{MINUS SIGN}20.00"}
    assert moved(ada)[-3:] == [("gateway_refund", "10.00"), ("gateway_refund", "20.00"), ("withdrawal_paid", "30.00")]


def test_a_refund_by_hand_that_fails_settles_the_debt_that_it_made(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50", card="closed_card")
    place_order(ada, make_service(rate="40"))
    reference = payments.refund_by_hand(payment(deposit), 3000)
    take_in(reference)
    payments.advance(7200)

    for _ in range(2):
        take_in(reference)

    assert balances(ada) == {"available": "10.00"}
    assert parts(deposit) == ("0.00", "0.00")
    assert clearing() == "50.00"


def test_promotional_money_pays_for_no_refund(payments: PaymentsSandbox) -> None:
    ada = make_customer(promo="100")
    deposit = pay_in(ada, payments, "50")
    place_order(ada, make_service(rate="150"))
    fund(ada, "5")

    take_in(payments.refund_by_hand(payment(deposit), 2000))

    assert balances(ada) == {"debt": "\N{MINUS SIGN}15.00"}


def test_a_planned_leg_makes_room_for_a_refund_by_hand(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "40")

    take_in(payments.refund_by_hand(payment(deposit), 3000))

    withdrawal.refresh_from_db()
    leg = only_leg(withdrawal)
    assert (withdrawal.state, withdrawal.due_at, leg.state) == ("canceled", None, "canceled")
    assert balances(ada) == {"available": "20.00"}
    assert parts(deposit) == ("0.00", "30.00")
    letter = Email.objects.get(template="withdrawal_failed")
    assert letter.context["reason"].startswith("Our staff refunded this payment")
    assert send_due(SENT) == 0


def test_a_planned_leg_in_review_makes_room_and_leaves_nothing_to_review(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "300")
    withdrawal = withdraw(ada, "250")
    assert withdrawal.state == WithdrawalState.IN_REVIEW

    take_in(payments.refund_by_hand(payment(deposit), 10_000))

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.CANCELED
    assert balances(ada) == {"available": "200.00"}
    with pytest.raises(WrongState):
        withdrawals.approve(withdrawal_id=withdrawal.pk, staff=make_staff(), at=SENT)


def test_a_planned_leg_that_is_not_in_the_way_stays(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "20")

    take_in(payments.refund_by_hand(payment(deposit), 3000))

    assert only_leg(withdrawal).state == LegState.PLANNED
    send_due(SENT)
    assert only_leg(withdrawal).state == LegState.PAID
    assert (balances(ada), parts(deposit)) == ({}, ("0.00", "50.00"))


def test_a_leg_being_sent_is_waited_for_and_then_there_is_room(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "40")
    claimed = claims.claim_due(limit=1, at=SENT)
    reference = payments.refund_by_hand(payment(deposit), 3000)

    with pytest.raises(NoRoomYet):
        take_in(reference)
    assert (Withdrawal.objects.count(), balances(ada)) == (1, {"available": "10.00", "held": "40.00"})
    outcomes.record(calls.carry_out(claimed), at=SENT)
    take_in(reference)

    assert only_leg(withdrawal).failure == "The payment was given back already."
    assert balances(ada) == {"available": "20.00"}
    assert parts(deposit) == ("0.00", "30.00")


def test_a_success_of_an_old_attempt_is_booked_and_the_new_one_stopped(payments: PaymentsSandbox, ada: User) -> None:
    """A refund that looked impossible was carried out after all: it is money that went, whichever key it had."""
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "40")
    claimed = claims.claim_due(limit=1, at=SENT)
    (late,) = calls.carry_out(claimed)
    WithdrawalLeg.objects.update(state=LegState.PLANNED, attempt=2, attempted_at=None)

    outcomes.record([late], at=SENT)
    take_in(payments.refunds()[0]["id"])

    assert only_leg(withdrawal).state == LegState.CANCELED
    booked = Withdrawal.objects.get(origin=Origin.GATEWAY)
    assert (booked.state, booked.amount) == ("paid", 40)
    assert balances(ada) == {"available": "10.00"}
    assert parts(deposit) == ("0.00", "40.00")


def test_a_success_after_we_gave_the_money_back_is_taken_again(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "40")
    calls.carry_out(claims.claim_due(limit=1, at=SENT))
    WithdrawalLeg.objects.update(state=LegState.PLANNED)
    Withdrawal.objects.update(state=WithdrawalState.SCHEDULED)
    withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=SENT)
    assert balances(ada) == {"available": "50.00"}

    take_in(payments.refunds()[0]["id"])

    assert balances(ada) == {"available": "10.00"}
    assert parts(deposit) == ("0.00", "40.00")


def test_a_refund_by_hand_that_failed_before_we_heard_of_it_is_nothing(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    reference = payments.refund_by_hand(payment(deposit), 2000)
    payments.move_refund(reference, "failed", failure_reason="declined")

    take_in(reference)

    assert (Withdrawal.objects.count(), balances(ada)) == (0, {"available": "50.00"})


def test_a_refund_by_hand_in_a_state_that_is_not_known_is_not_booked_by_guess(
    payments: PaymentsSandbox, ada: User
) -> None:
    deposit = pay_in(ada, payments, "50")
    reference = payments.refund_by_hand(payment(deposit), 2000)
    payments.move_refund(reference, "in_the_post")

    with pytest.raises(NotClear):
        take_in(reference)
    assert (Withdrawal.objects.count(), balances(ada)) == (0, {"available": "50.00"})
    payments.move_refund(reference, "succeeded")
    take_in(reference)

    assert balances(ada) == {"available": "30.00"}


def test_a_refund_of_a_payment_that_is_not_ours_is_not_known(payments: PaymentsSandbox, ada: User) -> None:
    pay_in(ada, payments, "50")
    reference = payments.refund_by_hand(payments.pay_unknown(5000), 2000)

    with pytest.raises(NotKnown):
        take_in(reference)

    assert (Withdrawal.objects.count(), balances(ada)) == (0, {"available": "50.00"})


def test_a_refund_that_names_a_leg_of_another_payment_is_not_taken_for_it(payments: PaymentsSandbox, ada: User) -> None:
    pay_in(ada, payments, "50")
    leg = only_leg(withdraw(ada, "20"))
    claims.claim_due(limit=1, at=SENT)
    other = payments.pay_unknown(5000)
    reference = payments.refund_by_hand(other, 2000)
    report = gateways.get("stripe").fetch_refund(reference)
    with pytest.raises(NotKnown):
        gateway_refunds.take_in(replace(report, leg=leg.pk, attempt=1), gateway="stripe", at=SENT)

    assert only_leg(leg.withdrawal).reference is None
