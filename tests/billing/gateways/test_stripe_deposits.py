"""Deposits: a Checkout Session from opening to money, a failure or its end, against the sandbox."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from billing.gateways.base import DepositStanding, Gateway, Method, OutcomeUnknown, Refusal, Refused, TryLater
from billing.gateways.stripe import Stripe
from billing.models import House
from panel.kernel.money import ZERO
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways.sandboxed import FIFTY, MakeStripe, opened, paid


def test_describes_itself(at_sandbox: Stripe) -> None:
    gateway: Gateway = at_sandbox  # the type checker holds it against the protocol here

    said = gateway.describe()

    assert (said.slug, said.clearing, said.opens_online) == ("stripe", House.STRIPE_CLEARING, True)
    assert (said.smallest_unit, said.minimum, said.maximum) == (Decimal("0.010000"), Decimal(5), Decimal(10_000))
    assert (said.refund_window, said.bank_days) == (timedelta(days=180), (5, 10))


def test_opens_a_page_that_waits_for_the_customer(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)

    assert session.checkout_url.startswith(f"{sandbox.url}/checkout/")
    assert "50.00" in httpx.get(session.checkout_url).text
    assert session.expires_at - datetime.fromtimestamp(sandbox.now(), tz=UTC) > timedelta(hours=23)
    report = at_sandbox.fetch_deposit(session.reference)
    assert (report.standing, report.received, report.deposit) == (DepositStanding.OPEN, ZERO, 3)
    assert (report.payment_reference, report.method, report.failure) == ("", Method(), "")


def test_opens_one_page_for_one_key(at_sandbox: Stripe) -> None:
    assert opened(at_sandbox) == opened(at_sandbox)
    assert opened(at_sandbox, deposit=4).reference != opened(at_sandbox).reference


def test_refuses_one_key_for_two_deposits(at_sandbox: Stripe) -> None:
    at_sandbox.open_deposit(FIFTY)

    with pytest.raises(Refused) as refused:
        at_sandbox.open_deposit(replace(FIFTY, amount=Decimal("51.000000")))

    assert refused.value.refusal is Refusal.KEY_REUSED


@pytest.mark.parametrize(
    ("amount", "currency"), [("50.001", "USD"), ("0", "USD"), ("-5", "USD"), ("0.49", "USD"), ("50", "ZZZ")]
)
def test_opens_nothing_for_an_amount_that_stripe_does_not_take(at_sandbox: Stripe, amount: str, currency: str) -> None:
    with pytest.raises(Refused) as refused:
        at_sandbox.open_deposit(replace(FIFTY, amount=Decimal(amount), currency=currency))

    assert refused.value.refusal is Refusal.OTHER


@pytest.mark.parametrize(
    ("card", "method"),
    [
        ("visa", Method("card", "visa", "4242", "02b640a8fd8050eb")),
        ("mastercard", Method("card", "mastercard", "4444", "dab333e11d7a16ae")),
    ],
)
def test_reports_what_was_paid_and_with_what(
    at_sandbox: Stripe, sandbox: PaymentsSandbox, card: str, method: Method
) -> None:
    session = opened(at_sandbox)
    sandbox.pay(session.reference, card=card)

    report = at_sandbox.fetch_deposit(session.reference)

    assert (report.reference, report.deposit, report.standing) == (session.reference, 3, DepositStanding.PAID)
    assert (str(report.received), report.currency) == ("50.000000", "USD")
    assert report.payment_reference.startswith("pi_")
    assert (report.method, report.status, report.failure) == (method, "complete, paid, succeeded", "")


def test_reports_the_amount_received_and_not_the_one_asked_for(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.pay(session.reference, amount_received=4150)

    report = at_sandbox.fetch_deposit(session.reference)

    assert (report.standing, report.received) == (DepositStanding.PAID, Decimal("41.500000"))


def test_stays_open_after_a_declined_card_and_says_why(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.decline(session.reference)

    report = at_sandbox.fetch_deposit(session.reference)

    assert (report.standing, report.received) == (DepositStanding.OPEN, ZERO)
    assert report.failure == "Your card was declined."


def test_reports_a_bank_debit_as_delayed_and_then_as_paid(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.pay_later(session.reference)
    early = at_sandbox.fetch_deposit(session.reference)
    sandbox.advance(7200)

    late = at_sandbox.fetch_deposit(session.reference)

    assert (early.standing, early.received) == (DepositStanding.DELAYED, ZERO)
    assert (late.standing, late.received) == (DepositStanding.PAID, Decimal("50.000000"))
    assert late.method == Method("us_bank_account", "STRIPE TEST BANK", "6789", "dee57b9d3941e93d")


def test_reports_a_bank_debit_that_failed(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.fail_later(session.reference)
    assert at_sandbox.fetch_deposit(session.reference).standing is DepositStanding.DELAYED
    sandbox.advance(7200)

    report = at_sandbox.fetch_deposit(session.reference)

    assert (report.standing, report.received) == (DepositStanding.FAILED, ZERO)
    assert report.failure


def test_reports_a_session_that_nobody_paid_as_expired(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.advance(25 * 3600)

    report = at_sandbox.fetch_deposit(session.reference)

    assert (report.standing, report.received) == (DepositStanding.EXPIRED, ZERO)


def test_finds_the_deposit_of_a_payment(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)

    found = at_sandbox.find_deposit(payment)

    assert found is not None
    assert (found.deposit, found.payment_reference, found.received) == (3, payment, Decimal("50.000000"))
    assert found == at_sandbox.fetch_deposit(found.reference)


def test_finds_no_deposit_for_a_payment_made_in_another_way(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    assert at_sandbox.find_deposit(sandbox.pay_unknown(1200)) is None


def test_does_not_take_another_panels_deposit_of_the_same_number_for_ours(
    at_sandbox: Stripe, make_stripe: MakeStripe, sandbox: PaymentsSandbox
) -> None:
    payment = paid(make_stripe(sandbox.url, key=sandbox.key, panel="https://other.example.com"), sandbox)

    found = at_sandbox.find_deposit(payment)

    assert found is not None
    assert (found.deposit, found.payment_reference) == (None, payment)


def test_says_that_stripe_does_not_know_a_deposit(at_sandbox: Stripe) -> None:
    with pytest.raises(Refused) as refused:
        at_sandbox.fetch_deposit("cs_test_nobody")

    assert refused.value.refusal is Refusal.NOT_FOUND


def test_a_wrong_key_is_for_the_operator_and_fails_no_deposit(
    make_stripe: MakeStripe, sandbox: PaymentsSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(TryLater):
        make_stripe(sandbox.url, key="sk_test_of_another_shop").open_deposit(FIFTY)

    assert "check STRIPE_SECRET_KEY" in caplog.text


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop_before", OutcomeUnknown),
        ("drop_after", OutcomeUnknown),
        ("error_500_before", OutcomeUnknown),
        ("http_429", TryLater),
    ],
)
def test_opens_the_same_page_after_a_fault(
    at_sandbox: Stripe, sandbox: PaymentsSandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.fault(kind, path="/v1/checkout/sessions", method="POST", times=1)
    with pytest.raises(error):
        at_sandbox.open_deposit(FIFTY)

    first, second = at_sandbox.open_deposit(FIFTY), at_sandbox.open_deposit(FIFTY)

    assert first == second
    assert at_sandbox.fetch_deposit(first.reference).standing is DepositStanding.OPEN


def test_reads_a_webhook_that_the_sandbox_signed(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    session = opened(at_sandbox)
    sandbox.pay(session.reference)
    (completed,) = [event["id"] for event in sandbox.events() if event["type"] == "checkout.session.completed"]
    delivery = sandbox.signed(completed)

    notice = at_sandbox.read_notice(delivery.payload, delivery.signature)

    assert (notice.event, notice.type, notice.object) == (completed, "checkout.session.completed", session.reference)
