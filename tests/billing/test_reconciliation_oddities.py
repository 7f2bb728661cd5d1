"""Reconciliation with books that only a scripted server would write, and with a run that was overtaken."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing import reconciliation
from billing.gateways import stripe
from billing.models import Deposit, Discrepancy, GatewaySlug, Problem
from billing.reconciliation import Found, Report, discrepancies
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways import scripted
from tests.billing.gateways.scripted import Scripted
from tests.factories import AT, make_customer, pay_in

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def deposit(payments: PaymentsSandbox) -> Deposit:
    return pay_in(make_customer(), payments, "50", at=AT)


@pytest.fixture
def server(deposit: Deposit, settings: Settings) -> Iterator[Scripted]:
    """Answer in Stripe's place from now on."""
    assert deposit.pk
    with scripted.serving() as server:
        settings.STRIPE_API_BASE = server.url
        yield server
        stripe.close_gateways()


def compare() -> Report:
    """Reconcile the day of the deposit: one call for its lines."""
    return reconciliation.reconcile(GatewaySlug.STRIPE, since=AT, until=AT + DAY, at=AT + DAY)


def line(reference: str, kind: str, amount: int, source: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": reference,
        "object": "balance_transaction",
        "type": kind,
        "amount": amount,
        "currency": "usd",
        "created": int(AT.timestamp()),
        "source": {"currency": "usd", "amount": abs(amount), **source},
    }


def say_lines(server: Scripted, *lines: dict[str, object]) -> None:
    server.say({"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": list(lines)})


def test_money_that_the_bank_took_back_is_listed_for_good(server: Scripted, deposit: Deposit) -> None:
    charge = {"id": "py_1", "object": "charge", "payment_intent": deposit.payment_reference}
    say_lines(server, line("txn_1", "payment", 5_000, charge), line("txn_2", "payment_failure_refund", -5_000, charge))

    report = compare()

    assert [(found.problem, found.reference) for found in report.found] == [(Problem.AMOUNT_DIFFERS, "txn_2")]
    assert f"took back 50.00 USD of deposit {deposit.pk}" in report.found[0].description
    assert (report.gateway_payments.total, report.our_payments.total) == (Decimal(0), Decimal(50))

    say_lines(server)
    later = reconciliation.reconcile(GatewaySlug.STRIPE, since=AT + 60 * DAY, until=AT + 61 * DAY, at=AT + 61 * DAY)

    assert later.found == report.found


def test_a_payment_without_a_payment_intent_is_listed_by_its_charge(server: Scripted, deposit: Deposit) -> None:
    own = {"id": "ch_1", "object": "charge", "payment_intent": deposit.payment_reference}
    odd = {"id": "ch_2", "object": "charge", "payment_intent": None}
    say_lines(server, line("txn_1", "charge", 5_000, own), line("txn_2", "charge", 700, odd))

    report = compare()

    assert [(found.problem, found.reference, found.amount) for found in report.found] == [
        (Problem.UNKNOWN_PAYMENT, "ch_2", Decimal(7))
    ]


def test_a_refusal_that_says_nothing_about_the_payment_is_no_difference(server: Scripted) -> None:
    say_lines(server)
    server.say_error(400, code="parameter_unknown", type="invalid_request_error", message="Received unknown parameter")

    report = compare()

    assert report.unreached
    assert not Discrepancy.objects.exists()


def test_asks_about_nothing_whose_line_was_seen_the_day_before(payments: PaymentsSandbox) -> None:
    paid = datetime.fromtimestamp(payments.now(), tz=UTC)
    pay_in(make_customer(), payments, "30", at=paid + DAY)
    payments.fault("http_429", path="/v1/checkout/sessions", method="GET")
    since = paid - DAY / 2

    report = reconciliation.reconcile(GatewaySlug.STRIPE, since=since, until=since + 2 * DAY, at=since + 2 * DAY)

    assert report.agrees
    assert report.our_payments.count == 1


def test_a_refund_by_hand_in_a_state_that_nobody_knows_is_listed_until_it_is_clear(
    payments: PaymentsSandbox, deposit: Deposit
) -> None:
    refund = payments.refund_by_hand(deposit.payment_reference or "", 1_500)
    payments.move_refund(refund, "pondering")
    at = datetime.fromtimestamp(payments.now(), tz=UTC) + DAY

    first = reconciliation.reconcile(GatewaySlug.STRIPE, since=at - 7 * DAY, until=at, at=at)

    assert [(found.problem, found.reference) for found in first.found] == [(Problem.UNKNOWN_REFUND, refund)]
    assert "pondering" in first.found[0].description
    payments.move_refund(refund, "succeeded")

    second = reconciliation.reconcile(GatewaySlug.STRIPE, since=at - 7 * DAY, until=at, at=at + DAY)

    assert (second.agrees, second.repaired) == (True, (refund,))


def test_a_run_that_was_overtaken_does_not_resolve_what_a_later_one_has_seen() -> None:
    found = Found(Problem.UNKNOWN_PAYMENT, "pi_1", "A payment.", Decimal(5))
    discrepancies.save(gateway="stripe", found=[found], gone=[], at=AT)
    listed = discrepancies.open_at("stripe")
    discrepancies.save(gateway="stripe", found=[found], gone=[], at=AT + 2 * DAY)

    discrepancies.save(gateway="stripe", found=[], gone=listed, at=AT + DAY)

    assert [(row.first_seen_at, row.last_seen_at) for row in discrepancies.open_at("stripe")] == [(AT, AT + 2 * DAY)]
    discrepancies.save(gateway="stripe", found=[], gone=listed, at=AT + 3 * DAY)
    assert discrepancies.open_at("stripe") == []
    discrepancies.save(gateway="stripe", found=[found], gone=[], at=AT + 4 * DAY)
    assert Discrepancy.objects.count() == 2
