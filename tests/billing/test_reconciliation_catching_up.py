"""Reconciliation with Stripe's books, over HTTP with the sandbox: what nobody told us of is taken in."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import deposits, reconciliation
from billing.models import Account, DepositState, Discrepancy, LegState, Origin, Withdrawal, WithdrawalLeg
from billing.reconciliation import Sum
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, only_leg, open_deposit, pay_in, send_due, withdraw
from tests.factories.books import DAY, STRIPE, compare, now, paid_leg

pytestmark = pytest.mark.django_db


def balance(customer: User, kind: str = "available") -> Decimal:
    return Account.objects.get(customer=customer, kind=kind).balance or Decimal(0)


def test_agrees_when_everything_was_told(payments: PaymentsSandbox) -> None:
    paid_leg(payments)
    payments.pay(open_deposit(make_customer("bob"), "30", at=now(payments)).reference or "", card="visa_declined")

    report = compare(payments, after=timedelta(hours=2))

    assert report.agrees
    assert report.gateway_payments == report.our_payments == Sum(1, Decimal(50))
    assert report.gateway_refunds == report.our_refunds == Sum(1, Decimal(20))
    assert (report.clearing, report.repaired, report.others, report.unreached) == (Decimal(30), (), 0, "")
    assert not Discrepancy.objects.exists()


def test_credits_a_payment_that_nobody_told_us_of(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada, "50", at=now(payments))
    payments.pay(deposit.reference or "")

    report = compare(payments)

    deposit.refresh_from_db()
    assert report.agrees
    assert report.repaired == (deposit.payment_reference,)
    assert report.our_payments == Sum(1, Decimal(50))
    assert (deposit.state, balance(ada)) == (DepositState.PAID, Decimal(50))
    assert compare(payments).repaired == ()
    assert balance(ada) == Decimal(50)


def test_books_a_refund_that_was_made_by_hand(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50", at=now(payments))
    refund = payments.refund_by_hand(deposit.payment_reference or "", 1_500)

    report = compare(payments)

    leg = WithdrawalLeg.objects.get(reference=refund)
    assert report.agrees
    assert report.repaired == (refund,)
    assert report.gateway_refunds == report.our_refunds == Sum(1, Decimal(15))
    assert (leg.state, leg.withdrawal.origin) == (LegState.PAID, Origin.GATEWAY)
    assert (balance(ada), report.clearing) == (Decimal(35), Decimal(35))
    assert compare(payments).repaired == ()


def test_books_nothing_for_a_refund_by_hand_that_failed_before_we_knew_of_it(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50", at=now(payments))
    refund = payments.refund_by_hand(deposit.payment_reference or "", 1_500)
    payments.move_refund(refund, "failed", failure_reason="unknown")

    report = compare(payments)

    assert report.agrees
    assert report.repaired == ()
    assert report.gateway_refunds == Sum(2, Decimal(0))
    assert report.our_refunds == Sum(0, Decimal(0))
    assert (balance(ada), Withdrawal.objects.count()) == (Decimal(50), 0)


def test_finds_the_refund_of_a_leg_whose_outcome_is_unknown(payments: PaymentsSandbox) -> None:
    ada, at = make_customer(), now(payments)
    pay_in(ada, payments, "50", at=at)
    withdrawal = withdraw(ada, "20", at=at)
    payments.fault("drop_after", path="/v1/refunds", times=1)
    send_due(at + timedelta(hours=1))
    assert only_leg(withdrawal).state == LegState.UNKNOWN

    report = compare(payments, after=timedelta(hours=2))

    leg = only_leg(withdrawal)
    assert report.agrees
    assert report.repaired == (leg.reference,)
    assert leg.state == LegState.PAID
    assert len(payments.refunds()) == 1
    assert balance(ada, "held") == 0


def test_takes_in_a_late_failure_whose_webhook_was_lost(payments: PaymentsSandbox) -> None:
    leg = paid_leg(payments, card="closed_card")
    payments.advance(4_000)

    report = compare(payments)

    leg.refresh_from_db()
    assert report.agrees
    assert report.repaired == (leg.reference,)
    assert report.gateway_refunds.total == report.our_refunds.total == 0
    assert leg.is_late_failure
    assert (balance(leg.withdrawal.customer), report.clearing) == (Decimal(50), Decimal(50))


def test_a_payment_that_we_learned_of_days_later_is_no_difference(payments: PaymentsSandbox) -> None:
    deposit = open_deposit(make_customer(), "50", at=now(payments))
    payments.pay(deposit.reference or "")
    deposits.refresh(deposit.pk, at=now(payments) + 5 * DAY)
    at = now(payments) + 6 * DAY

    later = reconciliation.reconcile(STRIPE, since=at - 3 * DAY, until=at, at=at)
    then = reconciliation.reconcile(STRIPE, since=at - 7 * DAY, until=at - 3 * DAY, at=at)

    assert later.agrees
    assert then.agrees
    assert later.gateway_payments == Sum(0, Decimal(0))
    assert then.gateway_payments == then.our_payments == Sum(1, Decimal(50))


def test_a_refund_that_we_learned_of_days_later_is_no_difference(payments: PaymentsSandbox) -> None:
    leg = paid_leg(payments)
    WithdrawalLeg.objects.filter(pk=leg.pk).update(paid_at=now(payments) + 5 * DAY)
    at = now(payments) + 6 * DAY

    report = reconciliation.reconcile(STRIPE, since=at - 3 * DAY, until=at, at=at)

    assert report.agrees
    assert report.repaired == ()
