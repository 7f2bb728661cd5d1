"""Opening a withdrawal: planned over the deposits, and held once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from billing import gateways
from billing.models import Arrangement, Deposit, Withdrawal, WithdrawalState
from billing.withdrawals import BadAmount, NoWayBack, PlanChanged
from orders.models import Order
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Conflict
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from tests.billing.money import balances
from tests.concurrency.racing import of, race
from tests.factories import (
    AT,
    HOUR,
    disputed,
    fund,
    make_customer,
    make_service,
    pay_in,
    place_order,
    receive_by_hand,
    send_due,
)
from tests.factories.desk import publish_variant
from tests.factories.withdrawals import TERMS, digest, open_one, suspend

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("amount", ["0", "-20", "50.01", "20.001", "20.0000001", "NaN", "sNaN", "Infinity", "1e20"])
def test_refuses_amounts_that_can_not_be_held(ada: User, amount: str) -> None:
    with pytest.raises(BadAmount) as refused:
        open_one(ada, amount, confirmed="")

    assert refused.value.field == "amount"
    assert (balances(ada), Withdrawal.objects.count()) == ({"available": "50.00"}, 0)


def test_goes_back_to_the_oldest_payments_first(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    younger = pay_in(ada, payments, "30", at=AT)
    older = pay_in(ada, payments, "20", card="mastercard", at=AT - HOUR)

    withdrawal = open_one(ada, "35")

    legs = withdrawal.legs.order_by("pk").values_list("deposit", "amount", "due_at")
    assert list(legs) == [(older.pk, 20, AT + HOUR), (younger.pk, 15, AT + HOUR)]
    assert list(Deposit.objects.order_by("pk").values_list("reserved", flat=True)) == [15, 20]


def test_what_no_payment_can_take_is_arranged_with_support(ada: User) -> None:
    fund(ada, "10")

    withdrawal = open_one(ada, "60")

    assert list(withdrawal.legs.order_by("pk").values_list("state", "amount")) == [("planned", 50), ("arranging", 10)]
    assert Arrangement.objects.get().reason == (
        "This part of the balance did not come from a payment that can be paid back to."
    )
    assert balances(ada) == {"held": "60.00"}


def test_a_withdrawal_that_is_only_to_be_arranged_is_not_due() -> None:
    ada = make_customer(funds="30")

    withdrawal = open_one(ada, "30")

    assert (withdrawal.state, withdrawal.due_at) == (WithdrawalState.REQUESTED, None)
    assert send_due(AT + timedelta(days=30)) == 0


def test_refuses_what_no_payment_can_take_when_the_policy_knows_no_other_way(ada: User) -> None:
    fund(ada, "10")

    with pytest.raises(NoWayBack):
        open_one(ada, "60", terms=replace(TERMS, alternative_allowed=False))

    assert balances(ada) == {"available": "60.00"}


def test_passes_over_a_disputed_payment_and_a_method_that_is_gone(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    claimed, gone, fine = (pay_in(ada, payments, "20", at=AT + n * MINUTE) for n in range(3))
    version = publish_variant('on_open = "suspend"', 'on_open = "nothing"')
    Deposit.objects.filter(pk=claimed.pk).update(policy_version=version.pk)
    disputed(payments, claimed, cents=100)
    Deposit.objects.filter(pk=gone.pk).update(method_gone=True)

    withdrawal = open_one(ada, "30")

    assert list(withdrawal.legs.order_by("pk").values_list("deposit", "amount")) == [(fine.pk, 20), (None, 10)]
    assert Arrangement.objects.get().reason == (
        "The payment is under dispute at the bank. The bank said that this method no longer takes money back."
    )


def test_passes_over_a_payment_that_is_too_old_for_its_gateway(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    window = gateways.get("stripe").describe().refund_window
    assert window
    pay_in(ada, payments, "20", at=AT - window - MINUTE)
    at_the_limit = pay_in(ada, payments, "20", at=AT - window)

    withdrawal = open_one(ada, "30")

    assert list(withdrawal.legs.order_by("pk").values_list("deposit", "amount")) == [(at_the_limit.pk, 20), (None, 10)]


def test_refuses_when_the_plan_changed_since_it_was_confirmed(ada: User) -> None:
    confirmed = digest(ada, "20")
    Deposit.objects.update(method_gone=True)

    with pytest.raises(PlanChanged):
        open_one(ada, "20", confirmed=confirmed)

    assert (balances(ada), Withdrawal.objects.count()) == ({"available": "50.00"}, 0)


def test_refuses_a_suspended_customer(ada: User) -> None:
    suspend(ada)

    with pytest.raises(AccountSuspended):
        open_one(ada, "20")

    assert (balances(ada), Withdrawal.objects.count()) == ({"available": "50.00"}, 0)


def test_a_key_opens_one_withdrawal(ada: User) -> None:
    first, again = open_one(ada, "20", key=KEY), open_one(ada, "20", key=KEY)

    assert again.pk == first.pk
    with pytest.raises(Conflict):
        open_one(ada, "21", key=KEY)
    assert balances(ada) == {"available": "30.00", "held": "20.00"}


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_for_the_whole_balance_open_one() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    confirmed = digest(ada, "50")

    results = race([partial(open_one, ada, "50", confirmed=confirmed) for _ in range(50)])

    assert len(of(Withdrawal, results)) == 1
    assert {type(result) for result in results} <= {Withdrawal, BadAmount, PlanChanged}
    assert balances(ada) == {"held": "50.00"}
    assert Deposit.objects.get().reserved == 50


@pytest.mark.django_db(transaction=True)
def test_orders_and_withdrawals_at_once_spend_the_balance_once() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    service, confirmed = make_service(rate="50"), digest(ada, "50")
    order = partial(place_order, ada, service)
    take_out = partial(open_one, ada, "50", confirmed=confirmed)

    results = race([order, take_out, order, take_out, order, take_out])

    assert len(of(Order, results)) + len(of(Withdrawal, results)) == 1
    assert balances(ada) in ({}, {"held": "50.00"})


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_twice_at_once_is_one_withdrawal() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    quote = balance_refunds.quote(customer=ada, amount=Decimal(20), at=AT)
    ask = partial(
        balance_refunds.request, customer=ada, amount=Decimal(20), key=KEY, confirmed=quote.plan.digest, at=AT
    )

    results = race([ask] * 5)

    assert len({result.pk for result in results}) == 1
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
