"""Money that comes from a blocked payment method: received, and of no use to whoever sent it."""

from functools import partial

import pytest
from django.db import transaction

from billing import deposits
from billing.models import Deposit, DepositState
from orders.models import Order
from panel.accounts import blocklist, suspension
from panel.accounts.blocklist import EmailBlocked
from panel.accounts.models import SuspensionCause, User
from panel.accounts.suspension import AccountSuspended
from panel.notifications import suspending
from panel.sandbox.payments import PaymentsSandbox
from tests.billing import letters
from tests.billing.money import balances
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, make_service, make_staff, open_deposit, pay_in, place_order
from tests.factories.payments import withdraw

pytestmark = pytest.mark.django_db

REASON = "Your payment of 50.00 USD came from a payment method that can't be used here."


def block_card_of(deposit: Deposit, *, dispute: int | None = 7) -> None:
    """Block what a deposit was paid with, as a ban of its customer does, or as staff do."""
    author = None if dispute else make_staff()
    with transaction.atomic():
        blocklist.block(
            [blocklist.of_method(deposit.method_fingerprint)],
            customer=deposit.customer,
            reason="Dispute du_1 was lost.",
            dispute_ref=dispute,
            author=author,
            at=AT,
        )


def fresh(customer: User) -> User:
    return User.objects.get(pk=customer.pk)


def test_knows_a_card_and_a_bank_account_again(payments: PaymentsSandbox) -> None:
    ada, ben = make_customer(), make_customer("ben")

    visa, again, mastercard = (pay_in(ada, payments), pay_in(ben, payments), pay_in(ada, payments, card="mastercard"))
    debit = pay_in(ada, payments, card="bank_debit")

    assert visa.method_fingerprint == again.method_fingerprint
    assert len({one.method_fingerprint for one in (visa, mastercard, debit)} - {""}) == 3


def test_credits_it_and_suspends_at_once(payments: PaymentsSandbox) -> None:
    block_card_of(pay_in(make_customer(), payments))
    ben = make_customer("ben")

    deposit = pay_in(ben, payments)

    assert (deposit.state, balances(ben)) == (DepositState.PAID, {"available": "50.00"})
    ben = fresh(ben)
    assert (ben.suspended_at, ben.suspension_reason, ben.suspension_cause) == (AT, REASON, "blocked_method")
    assert sorted(letters.to(ben)) == ["account_suspended", "deposit_receipt"]


def test_nothing_can_be_done_with_it(payments: PaymentsSandbox) -> None:
    block_card_of(pay_in(make_customer(), payments))
    ben = make_customer("ben")
    pay_in(ben, payments)

    with pytest.raises(AccountSuspended):
        place_order(ben, make_service(rate="5"))
    with pytest.raises(AccountSuspended):
        withdraw(ben, "20")
    with pytest.raises(AccountSuspended):
        open_deposit(ben)

    assert balances(ben) == {"available": "50.00"}
    assert not Order.objects.exists()


def test_warns_in_the_log(payments: PaymentsSandbox, caplog: pytest.LogCaptureFixture) -> None:
    block_card_of(pay_in(make_customer(), payments))

    deposit = pay_in(make_customer("ben"), payments)

    assert "deposit_from_blocked_method" in caplog.text
    assert str(deposit.pk) in caplog.text


def test_another_card_suspends_nobody(payments: PaymentsSandbox) -> None:
    block_card_of(pay_in(make_customer(), payments))
    ben = make_customer("ben")

    pay_in(ben, payments, card="mastercard")

    assert not fresh(ben).is_suspended


def test_a_delayed_payment_suspends_when_its_money_comes(payments: PaymentsSandbox) -> None:
    block_card_of(pay_in(make_customer(), payments, card="bank_debit"))
    ben = make_customer("ben")
    deposit = pay_in(ben, payments, card="bank_debit")
    assert deposit.state == DepositState.DELAYED
    assert not fresh(ben).is_suspended

    payments.advance(2 * HOUR.total_seconds())
    deposits.refresh(deposit.pk, at=AT + HOUR)

    assert fresh(ben).suspended_at == AT + HOUR


@pytest.mark.parametrize("cause", [SuspensionCause.DISPUTE, SuspensionCause.FRAUD_WARNING])
def test_outlasts_a_suspension_that_ends_by_itself(payments: PaymentsSandbox, cause: SuspensionCause) -> None:
    block_card_of(pay_in(make_customer(), payments))
    ben = make_customer("ben")
    deposit = open_deposit(ben)
    suspension.suspend(user=fresh(ben), reason="The bank asks.", cause=cause, at=AT)
    payments.pay(deposit.reference or "")

    deposits.refresh(deposit.pk, at=AT + HOUR)

    ben = fresh(ben)
    assert (ben.suspended_at, ben.suspension_reason, ben.suspension_cause) == (AT, REASON, "blocked_method")


def test_leaves_what_staff_said(payments: PaymentsSandbox) -> None:
    block_card_of(pay_in(make_customer(), payments))
    ben = make_customer("ben")
    deposit = open_deposit(ben)
    suspending.suspend(customer_id=ben.pk, reason="Fraud.", at=AT)
    payments.pay(deposit.reference or "")

    deposits.refresh(deposit.pk, at=AT + HOUR)

    assert (fresh(ben).suspension_reason, fresh(ben).suspension_cause) == ("Fraud.", SuspensionCause.STAFF)
    assert balances(ben) == {"available": "50.00"}


def test_the_own_dispute_keeps_the_suspension_that_it_will_end(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    block_card_of(pay_in(ada, payments))
    late = open_deposit(ada)
    suspension.suspend(user=fresh(ada), reason="The bank asks.", cause=SuspensionCause.DISPUTE, at=AT)
    payments.pay(late.reference or "")

    deposits.refresh(late.pk, at=AT + HOUR)

    assert fresh(ada).suspension_cause == SuspensionCause.DISPUTE
    assert balances(ada) == {"available": "100.00"}


def test_a_blocked_address_of_an_own_opens_no_deposit(payments: PaymentsSandbox) -> None:
    ada, ben = make_customer(), make_customer("ben")
    with transaction.atomic():
        blocklist.block([blocklist.of_email(ada.email)], customer=ben, reason="Lost.", dispute_ref=7, at=AT)

    with pytest.raises(EmailBlocked, match=r"no funds can be added\. .* write to support@makegood"):
        open_deposit(ada)

    assert not Deposit.objects.filter(customer=ada).exists()
    assert payments.events() == []


@pytest.mark.django_db(transaction=True)
def test_its_money_can_not_be_spent_in_the_moment_that_it_comes(payments: PaymentsSandbox) -> None:
    """Whoever orders waits for the account, and must then see that it is suspended."""
    block_card_of(pay_in(make_customer(), payments))
    service = make_service(rate="5")
    ben = make_customer("ben")
    deposit = open_deposit(ben)
    payments.pay(deposit.reference or "")

    results = race([partial(deposits.refresh, deposit.pk, at=AT), *[partial(place_order, ben, service)] * 3])

    assert len(of(Deposit, results)) == 1
    assert of(Order, results) == []
    assert balances(ben) == {"available": "50.00"}
