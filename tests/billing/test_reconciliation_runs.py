"""A run of the reconciliation: a gateway that gives no answer never agrees, and what a run costs and tells."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing import reconciliation
from billing.models import Discrepancy, Problem
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, open_deposit, pay_in
from tests.factories.books import DAY, STRIPE, compare, listed, now, paid_leg

pytestmark = pytest.mark.django_db


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
