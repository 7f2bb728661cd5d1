"""Opening a deposit at the gateway: one form opens one, whatever goes wrong on the way, and the rules refuse."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from billing import deposits
from billing.deposits import BadAmount, NotNow, NotOffered, TooMany
from billing.models import Deposit, DepositState
from panel.accounts import suspension
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Conflict
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, open_deposit

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")
MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("payments")
def test_the_same_form_again_is_the_same_deposit() -> None:
    ada = make_customer()

    first, again = open_deposit(ada, key=KEY), open_deposit(ada, key=KEY, at=AT + MINUTE)

    assert (again.pk, again.checkout_url) == (first.pk, first.checkout_url)
    assert Deposit.objects.count() == 1


@pytest.mark.usefixtures("payments")
def test_keeps_where_the_form_was_sent_from_first() -> None:
    ada = make_customer()

    open_deposit(ada, key=KEY, address="2001:db8::7")
    open_deposit(ada, key=KEY, address="203.0.113.7")
    open_deposit(make_customer("ben"))

    assert list(Deposit.objects.order_by("pk").values_list("opened_from", flat=True)) == ["2001:db8::7", None]


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
