"""What a dispute stops of the money that is on its way back, and what was sent before it came."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import gateway_refunds
from billing.gateways.base import GatewayError, Refusal, Refused, TryLater
from billing.models import LegState, WithdrawalState
from billing.sending import claims, outcomes
from billing.sending.calls import Outcome
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.factories import (
    AT,
    HOUR,
    disputed,
    make_customer,
    make_service,
    only_leg,
    pay_in,
    place_order,
    send_due,
    withdraw,
)
from tests.factories.desk import publish_variant
from tests.refunds.chargebacks.cases import letters, paid_under, suspension

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def ada() -> User:
    return make_customer()


def test_stops_open_withdrawals_and_holds_their_money(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    pay_in(ada, payments, "20")
    withdrawal = withdraw(ada, "60")

    disputed(payments, deposit)

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.CANCELED
    assert balances(ada) == {"available": "20.00", "held": "50.00"}
    assert send_due() == 0
    assert payments.refunds() == []


def test_what_was_sent_before_goes_on_and_is_owed(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "50")
    send_due()
    assert only_leg(withdrawal).state in {LegState.SENT, LegState.PAID}

    disputed(payments, deposit)

    deposit.refresh_from_db()
    assert (deposit.refunded + deposit.reserved, deposit.disputed) == (Decimal(50), Decimal(0))
    assert balances(ada)["debt"] == "\N{MINUS SIGN}50.00"


def test_a_refund_that_fails_late_under_a_dispute_pays_the_debt(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "50")
    send_due()
    disputed(payments, deposit)
    reference = only_leg(withdrawal).reference
    assert reference

    payments.move_refund(reference, "failed", failure_reason="expired_or_canceled_card")
    gateway_refunds.refresh(reference, gateway="stripe", at=AT)

    deposit.refresh_from_db()
    assert deposit.disputed == Decimal(50)
    assert balances(ada) == {"held": "50.00"}


def test_a_refund_by_hand_that_is_told_after_the_dispute_is_booked_too(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    assert deposit.payment_reference
    refund = payments.refund_by_hand(deposit.payment_reference, 3000)
    disputed(payments, deposit)

    gateway_refunds.refresh(refund, gateway="stripe", at=AT)

    deposit.refresh_from_db()
    assert (deposit.refunded, deposit.disputed) == (Decimal(30), Decimal(20))
    assert balances(ada) == {"debt": "\N{MINUS SIGN}30.00", "held": "50.00"}


def test_nothing_can_be_withdrawn_to_a_disputed_payment(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_open = "suspend"', 'on_open = "nothing"')
    deposit = paid_under(version, pay_in(ada, payments, "50"))
    pay_in(ada, payments, "20")

    disputed(payments, deposit, cents=1000)

    assert suspension(ada)[0] is False
    withdrawal = withdraw(ada, "20")
    assert only_leg(withdrawal).deposit_id != deposit.pk


def test_without_suspension_only_what_goes_to_that_payment_is_stopped(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_open = "suspend"', 'on_open = "nothing"')
    first = paid_under(version, pay_in(ada, payments, "50"))
    pay_in(ada, payments, "20")
    pending = place_order(ada, make_service(rate="5"))
    withdrawal = withdraw(ada, "60")

    disputed(payments, first, cents=100)

    pending.refresh_from_db()
    states = sorted(withdrawal.legs.values_list("deposit_id", "state"))
    assert pending.status == OrderStatus.PENDING
    assert [state for _, state in states] == [LegState.CANCELED, LegState.PLANNED]


@pytest.mark.parametrize("error", [TryLater("429"), Refused("insufficient", refusal=Refusal.SHORT_OF_FUNDS)])
@pytest.mark.parametrize("on_open", ["suspend", "nothing"])
def test_what_was_being_sent_and_was_not_carried_out_is_not_tried_again(
    payments: PaymentsSandbox, ada: User, error: GatewayError, on_open: str
) -> None:
    version = publish_variant('on_open = "suspend"', f'on_open = "{on_open}"')
    deposit = paid_under(version, pay_in(ada, payments, "50"))
    withdrawal = withdraw(ada, "50")
    (claim,) = claims.claim_due(limit=10, at=AT + HOUR)
    disputed(payments, deposit)
    assert balances(ada) == {"debt": "\N{MINUS SIGN}50.00", "held": "100.00"}

    outcomes.record([Outcome(claim, error)], at=AT + HOUR)

    assert send_due(at=AT + 2 * DAY) == 0
    withdrawal.refresh_from_db()
    deposit.refresh_from_db()
    assert (only_leg(withdrawal).state, withdrawal.state) == (LegState.CANCELED, WithdrawalState.CANCELED)
    assert balances(ada) == {"held": "50.00"}
    assert (deposit.reserved, deposit.disputed) == (Decimal(0), Decimal(50))
    assert payments.refunds() == []
    assert letters(ada)[-1] == "withdrawal_failed"
