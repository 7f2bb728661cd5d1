"""Reconciliation with what staff wrote down for the gateway by hand: what a crash left half done is finished."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing import payouts, reconciliation
from billing.models import (
    Account,
    Deposit,
    DepositState,
    Discrepancy,
    GatewaySlug,
    LegState,
    Payout,
    PayoutKind,
    PayoutState,
    Problem,
    Receipt,
)
from billing.reconciliation import Report, Sum
from panel.accounts.models import User
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, receive_by_hand, send_due, withdraw

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def compare() -> Report:
    return reconciliation.reconcile(GatewaySlug.MANUAL, since=AT - DAY, until=AT + 6 * DAY, at=AT + 6 * DAY)


def available(customer: User) -> Decimal:
    return Account.objects.get(customer=customer, kind="available").balance or Decimal(0)


def test_agrees_when_everything_was_finished() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdraw(ada, "20")
    send_due()
    payouts.confirm(payout_id=Payout.objects.get().pk, bank_reference="E2E-1", staff=make_staff(), at=AT + HOUR)

    report = compare()

    assert report.agrees
    assert report.gateway_payments == report.our_payments == Sum(1, Decimal(50))
    assert report.gateway_refunds == report.our_refunds == Sum(1, Decimal(20))
    assert report.clearing == Decimal(30)


def test_a_payout_that_nobody_carried_out_yet_is_no_difference() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdraw(ada, "20")
    send_due()

    report = compare()

    assert report.agrees
    assert report.gateway_refunds == Sum(0, Decimal(0))


def test_credits_a_receipt_whose_recording_broke_off() -> None:
    ada, grace = make_customer(), make_staff()
    deposit = Deposit.objects.create(customer=ada, gateway="manual", asked=50, currency="USD", created_at=AT)
    receipt = Receipt.objects.create(
        key=deposit.key.hex,
        deposit=deposit.pk,
        kind=PayoutKind.BANK,
        reference="transfer-of-ada",
        sender="DE02 1203 0000 0000 2020 51",
        amount=50,
        currency="USD",
        recorded_by=grace,
        recorded_at=AT,
    )

    report = compare()

    deposit.refresh_from_db()
    assert report.agrees
    assert report.repaired == (f"receipt-{receipt.pk}",)
    assert (deposit.state, available(ada)) == (DepositState.PAID, Decimal(50))


def test_finishes_a_payout_whose_confirmation_broke_off() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    send_due()
    payout = Payout.objects.get()
    Payout.objects.update(
        state=PayoutState.CONFIRMED, bank_reference="E2E-1", decided_by=make_staff(), decided_at=AT + HOUR
    )

    report = compare()

    leg = only_leg(withdrawal)
    assert report.agrees
    assert report.repaired == (f"payout-{payout.pk}",)
    assert (leg.state, leg.bank_reference) == (LegState.PAID, "E2E-1")


def test_takes_back_a_payout_that_came_back_without_our_noticing() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    send_due()
    payout, grace = Payout.objects.get(), make_staff()
    payouts.confirm(payout_id=payout.pk, bank_reference="E2E-1", staff=grace, at=AT + HOUR)
    Payout.objects.update(state=PayoutState.FAILED, failure="Returned by the bank.", decided_at=AT + DAY)

    report = compare()

    assert report.agrees
    assert report.repaired == (f"payout-{payout.pk}",)
    assert only_leg(withdrawal).is_late_failure
    assert available(ada) == Decimal(50)


def test_lists_a_deposit_whose_receipt_is_gone_until_it_is_back() -> None:
    deposit = receive_by_hand(make_customer(), "50")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_receipt DISABLE TRIGGER USER")
        cursor.execute("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM billing_receipt")
        cursor.execute("DELETE FROM billing_receipt")

    report = compare()

    assert [(found.problem, found.reference) for found in report.found] == [
        (Problem.MISSING_PAYMENT, deposit.payment_reference)
    ]
    assert "50.00 USD" in report.found[0].description
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO billing_receipt SELECT * FROM kept")

    later = reconciliation.reconcile(GatewaySlug.MANUAL, since=AT + 60 * DAY, until=AT + 61 * DAY, at=AT + 61 * DAY)

    assert later.agrees
    assert Discrepancy.objects.get().resolved_at == AT + 61 * DAY
