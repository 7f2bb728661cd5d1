"""Reconciliation with Stripe's books, over HTTP with the sandbox: what is late is taken in, what differs is listed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing import deposits, gateway_refunds, gateways, reconciliation
from billing.gateways.base import RefundStanding
from billing.models import (
    Account,
    Deposit,
    DepositState,
    Discrepancy,
    GatewaySlug,
    LegState,
    Origin,
    Problem,
    Withdrawal,
    WithdrawalLeg,
)
from billing.reconciliation import Report, Sum
from billing.sending import calls, claims, outcomes
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, only_leg, open_deposit, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
STRIPE = GatewaySlug.STRIPE


def now(payments: PaymentsSandbox) -> datetime:
    """Return the sandbox's time as a moment just after everything that happened there."""
    return datetime.fromtimestamp(payments.now(), tz=UTC) + timedelta(seconds=1)


def compare(payments: PaymentsSandbox, *, after: timedelta = timedelta()) -> Report:
    """Reconcile a week of Stripe's books, as a run would `after` this moment."""
    at = now(payments) + after
    return reconciliation.reconcile(STRIPE, since=at - 7 * DAY, until=at, at=at)


def balance(customer: User, kind: str = "available") -> Decimal:
    return Account.objects.get(customer=customer, kind=kind).balance or Decimal(0)


def problems(report: Report) -> list[tuple[Problem, str]]:
    return [(found.problem, found.reference) for found in report.found]


def listed() -> list[tuple[str, str]]:
    rows = Discrepancy.objects.filter(resolved_at__isnull=True).order_by("pk")
    return [(row.problem, row.reference) for row in rows]


def paid_leg(payments: PaymentsSandbox, amount: str = "20", *, card: str = "visa") -> WithdrawalLeg:
    """Ada paid 50.00 in and has a part of it back; everybody knows."""
    at = now(payments)
    ada = make_customer()
    pay_in(ada, payments, "50", card=card, at=at)
    withdrawal = withdraw(ada, amount, at=at)
    assert send_due(at + timedelta(hours=1)) == 1
    leg = only_leg(withdrawal)
    assert leg.state == LegState.PAID
    return leg


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


def test_disputes_and_other_lines_are_counted_and_not_listed(payments: PaymentsSandbox) -> None:
    deposit = pay_in(make_customer(), payments, "50", at=now(payments))
    payments.open_dispute(deposit.payment_reference or "")

    report = compare(payments)

    assert report.agrees
    assert report.others == 1
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
    assert balance(ada) == balance(ada, "held") == 0
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


@pytest.mark.parametrize("path", ["/v1/balance_transactions", "/v1/refunds"])
@pytest.mark.parametrize("kind", ["drop_before", "http_429", "error_500_before"])
def test_a_gateway_that_does_not_answer_is_never_said_to_agree(payments: PaymentsSandbox, kind: str, path: str) -> None:
    compare(payments)
    deposit = pay_in(make_customer(), payments, "50", at=now(payments))
    payments.pay_unknown(1_234)
    compare(payments)
    before = list(Discrepancy.objects.values())
    payments.pay_unknown(99)
    payments.refund_by_hand(deposit.payment_reference or "", 100)
    payments.fault(kind, path=path)

    report = compare(payments, after=DAY)

    assert report.unreached
    assert not report.agrees
    assert report.found == ()
    assert list(Discrepancy.objects.values()) == before


def test_an_unreached_gateway_does_not_keep_the_others_from_being_compared(
    payments: PaymentsSandbox, settings: Settings
) -> None:
    payments.fault("http_429", path="/v1/balance_transactions")

    stripe, manual = reconciliation.reconcile_all(at=now(payments))

    assert (stripe.gateway, stripe.agrees, manual.gateway, manual.agrees) == ("stripe", False, "manual", True)
    assert stripe.until - stripe.since == manual.until - manual.since == 7 * DAY
    settings.STRIPE_SECRET_KEY = ""
    assert [report.gateway for report in reconciliation.reconcile_all(at=now(payments))] == ["manual"]


def test_the_number_of_queries_does_not_grow_with_the_lines_that_agree(payments: PaymentsSandbox) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert compare(payments, after=timedelta(hours=2)).agrees
        return len(captured)

    paid_leg(payments)
    before = queries()
    for _ in range(4):
        paid_leg(payments)

    assert queries() == before


def test_tells_how_far_it_got(payments: PaymentsSandbox) -> None:
    told: list[tuple[str, datetime]] = []
    at = now(payments)
    tell: Callable[[str, datetime], None] = lambda gateway, until: told.append((gateway, until))  # noqa: E731 - one line

    reconciliation.reconcile(STRIPE, since=at - 2.5 * DAY, until=at, at=at, progress=tell)

    assert told == [("stripe", at - 1.5 * DAY), ("stripe", at - 0.5 * DAY), ("stripe", at)]


@pytest.mark.django_db(transaction=True)
def test_repairs_and_lists_in_transactions_of_its_own(payments: PaymentsSandbox) -> None:
    deposit = open_deposit(make_customer(), "50", at=now(payments))
    payments.pay(deposit.reference or "")
    payment = payments.pay_unknown(1_234)

    report = compare(payments)

    assert len(report.repaired) == 1
    assert listed() == [(Problem.UNKNOWN_PAYMENT, payment)]


def test_a_gateway_that_holds_money_is_unreached_and_not_clean_without_its_key(
    payments: PaymentsSandbox, settings: Settings
) -> None:
    pay_in(make_customer(), payments, "50")
    settings.STRIPE_SECRET_KEY = ""

    reports = {report.gateway: report for report in reconciliation.reconcile_all(at=now(payments))}

    assert reports[STRIPE].unreached
    assert not reports[STRIPE].agrees
