"""Reconciliation with Stripe's books, over HTTP with the sandbox: what differs is listed until it agrees."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing import deposits, gateway_refunds, gateways
from billing.gateways.base import RefundStanding
from billing.models import Deposit, Discrepancy, Problem
from billing.reconciliation import Sum
from billing.sending import calls, claims, outcomes
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.factories import make_customer, open_deposit, pay_in, withdraw
from tests.factories.books import DAY, STRIPE, compare, listed, now, paid_leg, problems

pytestmark = pytest.mark.django_db


def test_lists_a_payment_that_belongs_to_no_deposit_and_its_refund(payments: PaymentsSandbox) -> None:
    payment = payments.pay_unknown(1_234)
    refund = payments.refund_by_hand(payment, 200)

    report = compare(payments)

    assert not report.agrees
    assert sorted(problems(report)) == [(Problem.UNKNOWN_PAYMENT, payment), (Problem.UNKNOWN_REFUND, refund)]
    assert sorted(found.amount for found in report.found) == [Decimal(2), Decimal("12.34")]
    assert "12.34 USD" in Discrepancy.objects.get(reference=payment).description
    assert report.our_payments == report.our_refunds == Sum(0, Decimal(0))
    assert report.clearing == 0


def test_a_difference_is_listed_once_however_often_it_is_found(payments: PaymentsSandbox) -> None:
    payment = payments.pay_unknown(1_234)

    compare(payments)
    compare(payments, after=DAY)
    compare(payments, after=60 * DAY)

    row = Discrepancy.objects.get()
    assert (row.problem, row.reference, row.amount) == (Problem.UNKNOWN_PAYMENT, payment, Decimal("12.34"))
    assert row.last_seen_at - row.first_seen_at >= 60 * DAY
    assert row.resolved_at is None


def test_a_payment_in_another_currency_belongs_to_nobody_and_is_in_no_sum(payments: PaymentsSandbox) -> None:
    payment = payments.pay_unknown(1_000, "eur")

    report = compare(payments)

    assert problems(report) == [(Problem.UNKNOWN_PAYMENT, payment)]
    assert "10.00 EUR" in report.found[0].description
    assert report.gateway_payments == Sum(0, Decimal(0))


def test_disputes_are_counted_by_themselves(payments: PaymentsSandbox) -> None:
    deposit = pay_in(make_customer(), payments, "50", at=now(payments))
    payments.open_dispute(deposit.payment_reference or "")

    report = compare(payments)

    assert report.agrees
    assert report.others == 0
    assert report.gateway_disputes == report.our_disputes == Sum(1, Decimal(50))
    assert report.gateway_payments == report.our_payments == Sum(1, Decimal(50))


def test_a_refund_without_room_is_listed_until_it_can_be_booked(payments: PaymentsSandbox) -> None:
    ada, at = make_customer(), now(payments)
    deposit = pay_in(ada, payments, "50", at=at)
    withdraw(ada, "50", at=at)
    claimed = claims.claim_due(limit=10, at=at + timedelta(hours=1))
    refund = payments.refund_by_hand(deposit.payment_reference or "")

    first = compare(payments)

    assert problems(first) == [(Problem.UNKNOWN_REFUND, refund)]
    assert listed() == [(Problem.UNKNOWN_REFUND, refund)]
    outcomes.record(calls.carry_out(claimed), at=at + timedelta(hours=1))

    second = compare(payments, after=30 * DAY)

    assert second.agrees
    assert second.repaired == (refund,)
    assert listed() == []
    assert Discrepancy.objects.get().resolved_at is not None
    assert balances(ada) == {}
    assert len(payments.refunds()) == 1


def test_lists_what_we_credited_and_paid_and_the_gateway_does_not_have(payments: PaymentsSandbox) -> None:
    leg = paid_leg(payments)
    deposit = Deposit.objects.get()
    payments.reset()

    report = compare(payments, after=timedelta(hours=2))

    missing = [
        (Problem.MISSING_PAYMENT, deposit.payment_reference),
        (Problem.MISSING_REFUND, leg.reference),
    ]
    assert problems(report) == missing
    assert [found.amount for found in report.found] == [Decimal(50), Decimal(20)]
    assert problems(compare(payments, after=90 * DAY)) == missing
    assert len(listed()) == 2


def test_lists_a_credited_payment_that_the_gateway_says_was_not_paid(payments: PaymentsSandbox) -> None:
    unpaid = open_deposit(make_customer(), "50", at=now(payments))
    paid = pay_in(make_customer("bob"), payments, "50", at=now(payments))
    told = gateways.get(STRIPE).fetch_deposit(paid.reference or "")
    wrong = replace(told, reference=unpaid.reference or "", payment_reference="pi_of_nobody")
    deposits.record(wrong, gateway=STRIPE, at=now(payments))

    report = compare(payments, after=timedelta(seconds=2))

    assert problems(report) == [(Problem.MISSING_PAYMENT, "pi_of_nobody")]
    assert f"Deposit {unpaid.pk} was credited with 50.00 USD" in report.found[0].description


def test_lists_a_deposit_that_was_credited_for_another_payment_and_the_payment(payments: PaymentsSandbox) -> None:
    deposit = open_deposit(make_customer(), "50", at=now(payments))
    payments.pay(deposit.reference or "")
    told = gateways.get(STRIPE).fetch_deposit(deposit.reference or "")
    deposits.record(replace(told, payment_reference="pi_of_nobody"), gateway=STRIPE, at=now(payments))

    report = compare(payments, after=timedelta(seconds=2))

    assert problems(report) == [
        (Problem.UNKNOWN_PAYMENT, told.payment_reference),
        (Problem.MISSING_PAYMENT, "pi_of_nobody"),
    ]
    assert report.repaired == ()


def test_lists_a_refund_that_failed_for_us_and_not_for_the_gateway_until_they_agree(
    payments: PaymentsSandbox,
) -> None:
    leg = paid_leg(payments)
    told = gateways.get(STRIPE).fetch_refund(leg.reference or "")
    gateway_refunds.take_in(replace(told, standing=RefundStanding.FAILED), gateway=STRIPE, at=now(payments))

    first = compare(payments)

    assert problems(first) == [(Problem.STATE_DIFFERS, leg.reference)]
    assert "succeeded" in first.found[0].description
    assert first.our_refunds == Sum(0, Decimal(0))
    assert problems(compare(payments, after=90 * DAY)) == [(Problem.STATE_DIFFERS, leg.reference)]

    payments.move_refund(leg.reference or "", "failed", failure_reason="unknown")

    assert compare(payments, after=91 * DAY).agrees
    assert listed() == []


_MORE_BY_3 = {
    "deposit": "ALTER TABLE billing_deposit DISABLE TRIGGER USER; UPDATE billing_deposit SET amount = amount + 3",
    "withdrawalleg": (
        "ALTER TABLE billing_withdrawalleg DISABLE TRIGGER USER; UPDATE billing_withdrawalleg SET amount = amount + 3"
    ),
}


@pytest.mark.broken_books
@pytest.mark.parametrize("table", _MORE_BY_3)
def test_lists_amounts_that_differ_for_ever(payments: PaymentsSandbox, table: str) -> None:
    leg = paid_leg(payments)
    deposit = Deposit.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_MORE_BY_3[table])
    reference = deposit.payment_reference if table == "deposit" else leg.reference

    report = compare(payments, after=timedelta(hours=2))

    assert problems(report) == [(Problem.AMOUNT_DIFFERS, reference)]
    assert report.found[0].amount == Decimal(3)
    assert problems(compare(payments, after=90 * DAY)) == [(Problem.AMOUNT_DIFFERS, reference)]
