"""Asking after open deposits: less and less often, and none keeps another waiting."""

from datetime import timedelta

import pytest

from billing import deposit_checks, deposits, gateways
from billing.models import Deposit, DepositState
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import credited
from tests.factories import AT, HOUR, make_customer, open_deposit

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


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
    taken = gateways.get("stripe").fetch_deposit(first.reference or "").payment_reference
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
