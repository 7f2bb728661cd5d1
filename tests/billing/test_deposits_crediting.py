"""What comes of a deposit at the gateway: credited once, whoever learns of it and however late."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from billing import deposit_checks, deposits, gateways
from billing.deposits import NotKnown, NotNow
from billing.gateways.base import DepositRequest, DepositStanding
from billing.models import Deposit, DepositState, Transfer
from panel.sandbox.payments import PaymentsSandbox
from tests.billing import letters
from tests.billing.money import balances, credited
from tests.concurrency.racing import race
from tests.factories import AT, HOUR, make_customer, open_deposit, pay_in
from tests.factories.payments import PAGE

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")
MINUTE = timedelta(minutes=1)


def session_of(deposit: Deposit) -> str:
    """The gateway's answer to the call that opened the deposit, asked for again with the same key."""
    request = DepositRequest(
        key=deposit.key.hex,
        deposit=deposit.pk,
        amount=deposit.asked,
        currency="USD",
        customer_email=deposit.customer.email,
        description="Makegood balance",
        return_url=PAGE,
        cancel_url=PAGE,
    )
    return gateways.get("stripe").open_deposit(request).reference


def fetched(deposit: Deposit) -> Any:
    """What the gateway says of it now."""
    return gateways.get(deposit.gateway).fetch_deposit(deposit.reference or "")


def test_credits_what_was_paid_and_writes_a_receipt(payments: PaymentsSandbox) -> None:
    ada = make_customer()

    deposit = pay_in(ada, payments, "50")

    assert (deposit.state, deposit.amount, deposit.paid_at) == (DepositState.PAID, Decimal("50.000000"), AT)
    assert deposit.method == "Visa ending in 4242"
    assert (deposit.due_at, deposit.policy_version) == (None, 1)
    assert balances(ada) == {"available": "50.00"}
    assert letters.to(ada) == ["deposit_receipt"]
    transfer = Transfer.objects.get(customer=ada)
    assert (transfer.key, transfer.deposit_id, transfer.at) == (f"deposit:{deposit.pk}", deposit.pk, AT)


def test_credits_nothing_while_the_customer_has_not_paid(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)

    deposit = deposits.refresh(deposit.pk, at=AT + MINUTE)

    assert deposit.state == DepositState.OPEN
    assert deposit.checkout_url.startswith(payments.url)
    assert (balances(ada), letters.to(ada)) == ({}, [])


def test_a_declined_card_leaves_the_deposit_open_for_another(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    payments.decline(deposit.reference or "")
    assert deposits.refresh(deposit.pk, at=AT).state == DepositState.OPEN

    payments.pay(deposit.reference or "", card="mastercard")

    assert deposits.refresh(deposit.pk, at=AT).method == "Mastercard ending in 4444"
    assert balances(ada) == {"available": "50.00"}


def test_credits_once_however_often_and_by_whomever_it_is_learnt(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments)

    for _ in range(3):
        deposits.refresh(deposit.pk, at=AT + HOUR)
        deposits.refresh_by_reference(deposit.reference or "", gateway="stripe", at=AT + HOUR)

    assert credited(ada) == ["50.00"]
    assert letters.to(ada) == ["deposit_receipt"]


@pytest.mark.django_db(transaction=True)
def test_return_page_webhook_and_poller_at_one_moment_credit_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    reference = deposit.reference or ""
    payments.pay(reference)
    page = partial(deposits.refresh, deposit.pk, at=AT)
    webhook = partial(deposits.refresh_by_reference, reference, gateway="stripe", at=AT)
    poller = partial(deposit_checks.check_due, clock=lambda: AT + HOUR)

    results = race([page, webhook, poller, page, webhook, page])

    assert [type(result).__name__ for result in results] == [
        "Deposit",
        "Deposit",
        "int",
        "Deposit",
        "Deposit",
        "Deposit",
    ]
    assert credited(ada) == ["50.00"]
    assert letters.to(ada) == ["deposit_receipt"]


def test_credits_what_was_received_and_not_what_was_asked(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada, "50")
    payments.pay(deposit.reference or "", amount_received=4321)

    deposit = deposits.refresh(deposit.pk, at=AT)

    assert (deposit.asked, deposit.amount) == (Decimal("50.000000"), Decimal("43.210000"))
    assert balances(ada) == {"available": "43.21"}


@pytest.mark.parametrize(
    ("changed", "value"), [("currency", "EUR"), ("received", Decimal(0)), ("payment_reference", "")]
)
def test_what_makes_no_sense_as_money_waits_uncredited(payments: PaymentsSandbox, changed: str, value: Any) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")
    report = fetched(deposit)

    strange = deposits.record(replace(report, **{changed: value}), gateway="stripe", at=AT)

    assert (strange.state, strange.amount) == (DepositState.DELAYED, 0)
    assert strange.due_at == AT + 2 * MINUTE
    assert balances(ada) == {}
    assert deposits.record(report, gateway="stripe", at=AT).state == DepositState.PAID


def test_a_delayed_method_credits_when_the_money_comes(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, card="bank_debit")
    assert (deposit.state, balances(ada)) == (DepositState.DELAYED, {})

    payments.advance(7200)

    assert deposits.refresh(deposit.pk, at=AT + 2 * HOUR).state == DepositState.PAID
    assert balances(ada) == {"available": "50.00"}


def test_a_delayed_method_that_fails_credits_nothing_and_tells_why(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, card="bank_debit_fails")

    payments.advance(7200)
    deposit = deposits.refresh(deposit.pk, at=AT + 2 * HOUR)

    assert deposit.state == DepositState.FAILED
    assert deposit.failure
    assert (balances(ada), letters.to(ada)) == ({}, ["deposit_failed"])


def test_an_old_report_moves_nothing_back(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    old = fetched(deposit)
    payments.pay(deposit.reference or "")
    deposits.refresh(deposit.pk, at=AT)

    deposit = deposits.record(old, gateway="stripe", at=AT + HOUR)

    assert (deposit.state, deposit.paid_at, deposit.due_at) == (DepositState.PAID, AT, None)
    assert balances(ada) == {"available": "50.00"}


def test_one_that_expired_here_and_was_paid_there_is_credited(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    expired = replace(fetched(deposit), standing=DepositStanding.EXPIRED)
    payments.pay(deposit.reference or "")
    assert deposits.record(expired, gateway="stripe", at=AT).state == DepositState.EXPIRED

    deposits.refresh(deposit.pk, at=AT + HOUR)

    assert balances(ada) == {"available": "50.00"}


def test_one_that_was_left_ends_expired_and_is_asked_about_no_more(payments: PaymentsSandbox) -> None:
    deposit = open_deposit(make_customer())
    payments.advance(90_000)

    deposit = deposits.refresh(deposit.pk, at=AT + timedelta(days=1, hours=1))

    assert (deposit.state, deposit.due_at) == (DepositState.EXPIRED, None)


def test_a_report_before_our_own_commit_is_found_by_our_number(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    payments.fault("drop_after", path="/v1/checkout/sessions", method="POST", times=1)
    with pytest.raises(NotNow):
        open_deposit(ada, key=KEY)
    reference = session_of(Deposit.objects.get())
    payments.pay(reference)

    deposit = deposits.refresh_by_reference(reference, gateway="stripe", at=AT)

    assert (deposit.state, deposit.reference) == (DepositState.PAID, reference)
    assert balances(ada) == {"available": "50.00"}
    assert open_deposit(ada, key=KEY).state == DepositState.PAID


def test_a_payment_of_somebody_else_is_not_known(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")
    report = replace(fetched(deposit), reference="cs_test_other", deposit=deposit.pk)

    for stranger in (report, replace(report, deposit=None), replace(report, deposit=deposit.pk + 1)):
        with pytest.raises(NotKnown):
            deposits.record(stranger, gateway="stripe", at=AT)

    assert balances(ada) == {}
