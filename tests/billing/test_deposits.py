"""Deposits at the sandbox: opened once, credited once, whoever learns of it and whatever goes wrong on the way."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from billing import deposit_checks, deposits, gateways
from billing.deposits import BadAmount, NotKnown, NotNow, NotOffered, TooMany
from billing.gateways.base import DepositRequest, DepositStanding
from billing.models import Deposit, DepositState, Transfer
from panel.accounts import suspension
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Conflict
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances, credited
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, open_deposit, pay_in
from tests.factories.payments import PAGE

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")
MINUTE = timedelta(minutes=1)


def letters_to(customer: User) -> list[str]:
    return list(Email.objects.filter(customer=customer).order_by("id").values_list("template", flat=True))


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
    assert letters_to(ada) == ["deposit_receipt"]
    transfer = Transfer.objects.get(customer=ada)
    assert (transfer.key, transfer.deposit_id, transfer.at) == (f"deposit:{deposit.pk}", deposit.pk, AT)


def test_credits_nothing_while_the_customer_has_not_paid(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = open_deposit(ada)

    deposit = deposits.refresh(deposit.pk, at=AT + MINUTE)

    assert deposit.state == DepositState.OPEN
    assert deposit.checkout_url.startswith(payments.url)
    assert (balances(ada), letters_to(ada)) == ({}, [])


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
    assert letters_to(ada) == ["deposit_receipt"]


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
    assert letters_to(ada) == ["deposit_receipt"]


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
    assert (balances(ada), letters_to(ada)) == ({}, ["deposit_failed"])


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


@pytest.mark.usefixtures("payments")
def test_the_same_form_again_is_the_same_deposit() -> None:
    ada = make_customer()

    first, again = open_deposit(ada, key=KEY), open_deposit(ada, key=KEY, at=AT + MINUTE)

    assert (again.pk, again.checkout_url) == (first.pk, first.checkout_url)
    assert Deposit.objects.count() == 1


@pytest.mark.usefixtures("payments")
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_opens_one_deposit() -> None:
    ada = make_customer()

    results = race([partial(open_deposit, ada, key=KEY)] * 3)

    # One who asks while the gateway still works on the same key is told to try again.
    assert {type(result) for result in results} <= {Deposit, NotNow}
    again = open_deposit(ada, key=KEY)
    assert {deposit.reference for deposit in of(Deposit, results)} == {again.reference}
    assert Deposit.objects.count() == 1


@pytest.mark.usefixtures("payments")
def test_a_form_can_not_be_used_for_another_amount_or_by_another_customer() -> None:
    ada = make_customer()
    open_deposit(ada, "50", key=KEY)

    with pytest.raises(Conflict):
        open_deposit(ada, "51", key=KEY)
    with pytest.raises(Conflict):
        open_deposit(make_customer("ben"), "50", key=KEY)

    assert Deposit.objects.count() == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error_500_before", "http_429"])
def test_an_opening_without_an_answer_charges_nobody_and_may_be_tried_again(
    payments: PaymentsSandbox, kind: str
) -> None:
    ada = make_customer()
    payments.fault(kind, path="/v1/checkout/sessions", method="POST", times=1)
    with pytest.raises(NotNow):
        open_deposit(ada, key=KEY)
    assert Deposit.objects.get().state == DepositState.OPENING

    deposit = open_deposit(ada, key=KEY, at=AT + MINUTE)

    payments.pay(deposit.reference or "")
    assert deposits.refresh(deposit.pk, at=AT + MINUTE).state == DepositState.PAID
    assert (len(payments.payments()), balances(ada)) == (1, {"available": "50.00"})


def test_an_opening_that_nobody_was_shown_ends_after_an_hour(payments: PaymentsSandbox) -> None:
    payments.fault("drop_after", path="/v1/checkout/sessions", method="POST", times=1)
    with pytest.raises(NotNow):
        open_deposit(make_customer())
    deposit = Deposit.objects.get()

    assert deposits.refresh(deposit.pk, at=AT + 59 * MINUTE).state == DepositState.OPENING
    over = deposits.refresh(deposit.pk, at=AT + HOUR)

    assert (over.state, over.due_at) == (DepositState.EXPIRED, None)


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


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize("amount", ["0", "-5", "4.99", "10000.01", "50.001", "50.0000001", "NaN", "Infinity", "1e30"])
def test_refuses_amounts_that_can_not_be_paid(amount: str) -> None:
    with pytest.raises(BadAmount) as refused:
        open_deposit(make_customer(), amount)

    assert refused.value.field == "amount"
    assert not Deposit.objects.exists()


@pytest.mark.usefixtures("payments")
@pytest.mark.parametrize("amount", ["5", "10000", "50.01"])
def test_takes_amounts_up_to_the_limits(amount: str) -> None:
    assert open_deposit(make_customer(), amount).asked == Decimal(amount)


def test_refuses_when_no_gateway_is_set_up(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    with pytest.raises(NotOffered, match=settings.SUPPORT_EMAIL):
        open_deposit(make_customer())


@pytest.mark.usefixtures("payments")
def test_refuses_a_suspended_customer() -> None:
    ada = make_customer()
    suspension.suspend(user=User.objects.get(pk=ada.pk), reason="Chargeback.", at=AT)

    with pytest.raises(AccountSuspended):
        open_deposit(ada)

    assert not Deposit.objects.exists()


@pytest.mark.usefixtures("payments")
def test_refuses_the_twenty_first_in_an_hour_that_is_left_unpaid() -> None:
    ada, ben = make_customer(), make_customer("ben")
    for _ in range(20):
        Deposit.objects.create(customer=ada, gateway="stripe", asked=50, currency="USD", created_at=AT, key=uuid4())

    with pytest.raises(TooMany):
        open_deposit(ada, at=AT + 59 * MINUTE)

    assert open_deposit(ben, at=AT).state == DepositState.OPEN
    assert open_deposit(ada, at=AT + HOUR).state == DepositState.OPEN


def test_asks_seldom_and_more_seldom_about_one_that_is_open(payments: PaymentsSandbox) -> None:
    deposit, at, pauses = open_deposit(make_customer()), AT, []

    for _ in range(11):
        assert deposit.due_at
        pauses.append(int((deposit.due_at - at) / MINUTE))
        at = deposit.due_at
        deposit = deposits.refresh(deposit.pk, at=at)

    assert pauses == [2, 2, 2, 3, 4, 6, 10, 15, 22, 34, 51]
    payments.fault("error_500_before", path="/v1/checkout/sessions", times=1)
    assert deposits.refresh(deposit.pk, at=at + HOUR).due_at == at + 2 * HOUR


@pytest.mark.usefixtures("payments")
def test_the_pauses_follow_its_age_and_not_how_often_its_page_was_looked_at() -> None:
    deposit = open_deposit(make_customer())

    for _ in range(9):
        looked_at = deposits.refresh(deposit.pk, at=AT + MINUTE)

    assert looked_at.due_at == AT + 3 * MINUTE


def test_one_that_can_not_be_recorded_keeps_no_other_waiting(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    first, second = open_deposit(ada), open_deposit(ada)
    payments.pay(first.reference or "")
    payments.pay(second.reference or "")
    taken = fetched(first).payment_reference
    Deposit.objects.create(
        customer=ada,
        gateway="stripe",
        state=DepositState.FAILED,
        asked=50,
        currency="USD",
        payment_reference=taken,
        created_at=AT,
    )

    assert deposit_checks.check_due(clock=lambda: AT + HOUR) == 2

    assert credited(ada) == ["50.00"]
    first.refresh_from_db()
    assert (first.state, first.due_at) == (DepositState.OPEN, AT + HOUR + 30 * MINUTE)
