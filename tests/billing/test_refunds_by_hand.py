"""Refunds that staff made in the gateway's dashboard, beside what the panel itself is about to send."""

from decimal import Decimal
from uuid import uuid4

import pytest

from billing import adjustments, gateway_refunds
from billing.models import Deposit, LegState
from billing.sending import work
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db


def spend(customer: User, amount: str) -> None:
    """Stand for orders: take money from the balance."""
    adjustments.debit(
        customer=customer, amount=Decimal(amount), reason="Spent", author=make_staff(), key=uuid4().hex, at=AT
    )


def refund_by_hand(deposit: Deposit, payments: PaymentsSandbox, cents: int) -> None:
    payments.refund_by_hand(deposit.payment_reference or "", cents)


def test_a_planned_withdrawal_of_the_same_money_is_not_sent_as_well(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "100")
    spend(ada, "50")
    planned = withdraw(ada, "50")
    refund_by_hand(deposit, payments, 5000)

    gateway_refunds.refresh_payment(deposit.payment_reference or "", gateway="stripe", at=AT)
    send_due()

    assert only_leg(planned).state == LegState.CANCELED
    assert (balances(ada), [refund["amount"] for refund in payments.refunds()]) == ({}, [5000])


def test_what_a_refund_took_beyond_the_balance_is_paid_off_by_the_next_deposit(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    spend(ada, "30")
    refund_by_hand(deposit, payments, 5000)
    gateway_refunds.refresh_payment(deposit.payment_reference or "", gateway="stripe", at=AT)
    assert balances(ada) == {"debt": "\N{MINUS SIGN}30.00"}

    pay_in(ada, payments, "50", at=AT + HOUR)

    assert balances(ada) == {"available": "20.00"}


def test_one_that_was_in_the_way_of_sending_is_booked_before_its_money_can_be_spent(
    payments: PaymentsSandbox,
) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    planned = withdraw(ada, "50")
    refund_by_hand(deposit, payments, 5000)

    work.send_due()

    assert only_leg(planned).state == LegState.FAILED
    assert (balances(ada), [refund["amount"] for refund in payments.refunds()]) == ({}, [5000])


def test_a_card_that_failed_twice_is_not_planned_a_third_time(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")

    for number in (1, 2):
        wanted = withdraw(ada, "50", at=AT + number * HOUR)
        send_due(AT + (number + 1) * HOUR)
        payments.move_refund(only_leg(wanted).reference or "", "failed", failure_reason="unknown")
        gateway_refunds.refresh(only_leg(wanted).reference or "", gateway="stripe", at=AT + (number + 1) * HOUR)
        deposit.refresh_from_db()
        assert deposit.method_gone is (number == 2)
