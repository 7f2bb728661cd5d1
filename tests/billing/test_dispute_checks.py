"""Disputes that no webhook told of are found, and reconciliation compares what they took."""

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import override_settings

from billing import deposit_lookup, dispute_checks
from billing.gateways import stripe
from billing.models import Dispute, Problem, Standing
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.factories import disputed, make_customer, open_dispute, pay_in, take_in
from tests.factories.books import compare, listed, now, problems

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    cache.clear()


@pytest.fixture
def ada() -> User:
    return make_customer()


def test_finds_a_dispute_that_nobody_told_of(payments: PaymentsSandbox, ada: User) -> None:
    reference = open_dispute(payments, pay_in(ada, payments, "50", at=now(payments)))

    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 1
    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 0

    assert Dispute.objects.get().reference == reference
    assert balances(ada) == {"held": "50.00"}


def test_finds_that_a_known_one_has_moved(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    payments.move_dispute(dispute.reference, "won")

    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 1

    assert balances(ada) == {"available": "50.00"}


def test_asks_again_when_due_and_not_before(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    payments.move_dispute(dispute.reference, "won")
    assert dispute.due_at

    def clock(after: timedelta) -> datetime:
        assert dispute.due_at
        return dispute.due_at + after

    assert dispute_checks.check_due(clock=lambda: clock(-HOUR)) == 0
    assert dispute_checks.check_due(clock=lambda: clock(timedelta())) == 1

    dispute.refresh_from_db()
    assert dispute.standing == Standing.WON


def test_one_that_can_not_be_read_is_put_off(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    due = dispute.due_at
    assert due
    payments.fault("error_500_before", path=f"/v1/disputes/{dispute.reference}", method="GET", times=1)

    assert dispute_checks.check_due(clock=lambda: due) == 1

    dispute.refresh_from_db()
    assert dispute.due_at == due + HOUR
    assert balances(ada) == {"held": "50.00"}


def test_a_gateway_that_does_not_answer_is_asked_by_the_next_sweep(payments: PaymentsSandbox, ada: User) -> None:
    open_dispute(payments, pay_in(ada, payments, "50", at=now(payments)))
    payments.fault("error_500_before", path="/v1/disputes", method="GET", times=1)

    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 0
    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 1


def test_a_dispute_of_no_deposit_of_ours_is_passed_over(payments: PaymentsSandbox) -> None:
    reference = payments.pay_unknown(5000)
    payments.open_dispute(reference)
    assert not deposit_lookup.is_foreign(reference, gateway="stripe")

    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 0
    assert not Dispute.objects.exists()
    assert deposit_lookup.is_foreign(reference, gateway="stripe")


def test_what_is_another_panels_is_not_asked_about_at_each_look(
    payments: PaymentsSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    reference = payments.pay_unknown(5000)
    dispute = payments.open_dispute(reference)
    dispute_checks.look_for_new(clock=lambda: now(payments))
    payments.fault("error_500_before", path=f"/v1/disputes/{dispute}", method="GET", times=9)
    payments.fault("error_500_before", path="/v1/checkout/sessions", method="GET", times=9)
    caplog.clear()

    assert dispute_checks.look_for_new(clock=lambda: now(payments)) == 0
    assert deposit_lookup.by_payment(reference, gateway="stripe", at=now(payments)) is None

    assert caplog.records == []


def test_without_keys_nothing_is_asked(ada: User) -> None:
    assert not stripe.configured()
    with override_settings(STRIPE_SECRET_KEY=""):
        assert dispute_checks.look_for_new(clock=lambda: ada.date_joined) == 0


def test_reconciliation_agrees_through_a_dispute(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50", at=now(payments)))

    report = compare(payments)
    assert problems(report) == []
    assert (report.gateway_disputes.count, report.gateway_disputes.total) == (1, 50)
    assert (report.our_disputes.count, report.our_disputes.total) == (1, 50)

    payments.move_dispute(dispute.reference, "won")
    report = compare(payments)
    assert problems(report) == []
    assert (report.gateway_disputes.total, report.our_disputes.total) == (0, 0)
    assert report.repaired == (dispute.reference,)
    assert balances(ada) == {"available": "50.00"}


def test_reconciliation_takes_in_what_nobody_told_of(payments: PaymentsSandbox, ada: User) -> None:
    reference = open_dispute(payments, pay_in(ada, payments, "50", at=now(payments)))

    report = compare(payments)

    assert (problems(report), report.repaired) == ([], (reference,))
    assert balances(ada) == {"held": "50.00"}


def test_reconciliation_lists_a_dispute_of_no_deposit_of_ours(payments: PaymentsSandbox) -> None:
    payment = payments.pay_unknown(5000)
    reference = payments.open_dispute(payment)

    report = compare(payments)
    compare(payments)

    assert (Problem.UNKNOWN_DISPUTE, reference) in problems(report)
    assert (Problem.UNKNOWN_DISPUTE, reference) in listed()


def test_reconciliation_lists_what_took_another_amount(payments: PaymentsSandbox, ada: User) -> None:
    reference = open_dispute(payments, pay_in(ada, payments, "50", at=now(payments)))
    with payments.changing() as account:
        document = account.store.get(reference)
        document["balance_transactions"] = []
        account.store.save(document)
    take_in(reference)

    assert problems(compare(payments)) == [(Problem.DISPUTE_DIFFERS, reference)]
    assert problems(compare(payments)) == [(Problem.DISPUTE_DIFFERS, reference)]
