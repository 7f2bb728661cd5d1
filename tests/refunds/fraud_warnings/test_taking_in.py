"""What the policy of a payment makes of a fraud warning, and what it leaves alone."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine

from billing import gateway_refunds, gateways
from billing.models import (
    FraudWarning,
    LegState,
    Origin,
    WarningAction,
    WarningState,
    Withdrawal,
    WithdrawalState,
)
from orders.models import OrderStatus
from panel.accounts.models import SuspensionCause, User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from panel.webhooks import handle_due
from refunds import fraud_warnings
from refunds.models import PolicyVersion
from tests.billing.money import balances, moved
from tests.factories import (
    AT,
    HOUR,
    disputed,
    make_customer,
    make_service,
    move,
    only_leg,
    open_deposit,
    pay_in,
    place_order,
    send_due,
    withdraw,
)
from tests.factories.fraud_warnings import (
    OBSERVES,
    WARNED_AT,
    policy_that_refunds,
    take_warning,
    under,
    warn,
    warned,
    warned_by_policy,
)

pytestmark = pytest.mark.django_db
LATER = WARNED_AT + HOUR


@pytest.fixture
def ada() -> User:
    return make_customer()


@pytest.fixture
def holding(db: None) -> PolicyVersion:  # noqa: ARG001 - needs the database
    return policy_that_refunds()


def notes(case: FraudWarning) -> list[str]:
    return list(case.events.order_by("id").values_list("note", flat=True))


def test_staff_are_told_where_the_policy_says_nothing_else(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")

    case = warned(payments, deposit)

    assert (case.state, case.action, case.left) == (WarningState.OPEN, WarningAction.TELL_STAFF, Decimal(50))
    assert notes(case) == ["The policy of the payment leaves it to staff."]
    assert balances(ada) == {"available": "50.00"}
    ada.refresh_from_db()
    assert not ada.is_suspended
    assert not Withdrawal.objects.exists()


def test_a_policy_that_observes_does_nothing_else(payments: PaymentsSandbox, ada: User) -> None:
    deposit = under(warned_by_policy(OBSERVES), pay_in(ada, payments, "50"))

    case = warned(payments, deposit)

    assert (case.state, case.action, case.left) == (WarningState.OBSERVED, WarningAction.OBSERVE, Decimal(50))
    assert balances(ada) == {"available": "50.00"}
    ada.refresh_from_db()
    assert not ada.is_suspended
    assert not Withdrawal.objects.exists()


def test_refunds_what_is_left_and_holds_the_account(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    delivered = place_order(ada, make_service(rate="30"), quantity=1000)
    move(delivered, OrderStatus.COMPLETED, remains=0)

    case = warned(payments, deposit)

    assert (case.state, case.refund, case.left, case.holds) == (WarningState.REFUNDING, Decimal(20), Decimal(20), True)
    assert balances(ada) == {"held": "20.00"}
    ada.refresh_from_db()
    assert ada.suspension_cause == SuspensionCause.FRAUD_WARNING
    assert ada.suspension_reason == "We are checking a payment that was made on this account."

    send_due(LATER)
    send_due(LATER + HOUR)

    case.refresh_from_db()
    assert (case.state, case.refund) == (WarningState.REFUNDED, Decimal(20))
    assert balances(ada) == {}
    assert [refund["amount"] for refund in payments.refunds()] == [2000]
    assert notes(case)[-1] == "The gateway confirmed the refund."


def test_what_pending_orders_give_back_is_refunded_too(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    order = place_order(ada, make_service(rate="30"), quantity=1000)

    case = warned(payments, deposit)

    order.refresh_from_db()
    assert (order.status, order.refunded) == (OrderStatus.CANCELED, Decimal(30))
    assert case.refund == Decimal(50)


def test_never_pays_back_promotional_money(payments: PaymentsSandbox, holding: PolicyVersion) -> None:
    ada = make_customer(promo="15")
    deposit = under(holding, pay_in(ada, payments, "50"))

    assert warned(payments, deposit).refund == Decimal(50)
    assert balances(ada) == {"held": "50.00", "promo": "15.00"}


def test_pays_back_no_more_than_the_payment(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    pay_in(ada, payments, "40")
    deposit = under(holding, pay_in(ada, payments, "50"))

    assert warned(payments, deposit).refund == Decimal(50)
    assert balances(ada) == {"available": "40.00", "held": "50.00"}


def test_stops_what_the_customer_asked_to_be_paid_out(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    asked = withdraw(ada, "30")

    case = warned(payments, deposit)

    asked.refresh_from_db()
    assert asked.state == WithdrawalState.CANCELED
    assert case.refund == Decimal(50)
    assert balances(ada) == {"held": "50.00"}


def test_leaves_the_account_alone_where_the_policy_does(payments: PaymentsSandbox, ada: User) -> None:
    deposit = under(policy_that_refunds(hold=False), pay_in(ada, payments, "50"))
    pay_in(ada, payments, "40")
    order = place_order(ada, make_service(rate="30"), quantity=1000)

    case = warned(payments, deposit)

    assert (case.refund, case.holds) == (Decimal(50), False)
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    ada.refresh_from_db()
    assert not ada.is_suspended


def test_cancels_orders_of_an_open_account_only_where_the_balance_falls_short(
    payments: PaymentsSandbox, ada: User
) -> None:
    deposit = under(policy_that_refunds(hold=False), pay_in(ada, payments, "50"))
    order = place_order(ada, make_service(rate="30"), quantity=1000)

    case = warned(payments, deposit)

    order.refresh_from_db()
    assert (order.status, case.refund) == (OrderStatus.CANCELED, Decimal(50))


def test_a_larger_payment_is_left_to_staff(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    deposit = under(holding, pay_in(ada, payments, "100.01"))

    case = warned(payments, deposit)

    assert (case.state, case.action, case.holds) == (WarningState.OPEN, WarningAction.TELL_STAFF, False)
    assert case.why == "The payment is larger than 100.00 USD, up to which the policy refunds without a person."
    assert balances(ada) == {"available": "100.01"}
    ada.refresh_from_db()
    assert not ada.is_suspended


def test_a_payment_of_just_the_limit_is_refunded(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    assert warned(payments, under(holding, pay_in(ada, payments, "100"))).refund == Decimal(100)


def test_floors_to_what_the_currency_can_pay(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    order = place_order(ada, make_service(rate="10.001"), quantity=1000)
    move(order, OrderStatus.COMPLETED, remains=0)

    assert warned(payments, deposit).refund == Decimal("39.99")


def test_a_disputed_payment_is_not_refunded(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    pay_in(ada, payments, "50")
    disputed(payments, deposit)

    case = warned(payments, deposit)

    assert (case.state, case.refund, case.actionable) == (WarningState.OPEN, Decimal(0), False)
    assert "Nothing is refunded: the gateway says that the payment was refunded or disputed already." in notes(case)[0]
    assert not Withdrawal.objects.exists()
    assert balances(ada) == {"available": "50.00", "held": "50.00"}


def test_our_own_books_are_enough_to_know_of_a_dispute(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    report = gateways.get("stripe").fetch_fraud_warning(warn(payments, deposit))
    pay_in(ada, payments, "50")
    disputed(payments, deposit)

    case = fraud_warnings.take_in(report, gateway="stripe", at=WARNED_AT)

    assert (case.state, case.refund, case.actionable) == (WarningState.OPEN, Decimal(0), True)
    assert "Nothing is refunded: the payment is disputed at the bank." in notes(case)[0]
    assert not Withdrawal.objects.exists()


def test_what_went_back_already_is_not_refunded_again(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    withdraw(ada, "50")
    send_due()
    pay_in(ada, payments, "50")

    case = warned(payments, deposit)

    assert (case.state, case.refund) == (WarningState.OPEN, Decimal(0))
    assert "Nothing is refunded: the gateway says" in notes(case)[0]
    assert Withdrawal.objects.filter(origin=Origin.WARNING).count() == 0


def test_a_second_warning_of_a_payment_refunds_nothing_more(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    pay_in(ada, payments, "50")
    first = warned(payments, deposit)

    second = warned(payments, deposit)

    assert (second.state, second.refund) == (WarningState.OPEN, Decimal(0))
    assert "Nothing is refunded: the payment is on its way back already." in notes(second)[0]
    first.refresh_from_db()
    assert first.state == WarningState.REFUNDING


def test_a_warning_of_another_payment_leaves_the_first_refund_on_its_way(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    one, two = (under(holding, pay_in(ada, payments, "50")) for _ in range(2))
    first = warned(payments, one)

    second = warned(payments, two)

    first.refresh_from_db()
    assert (first.state, second.state) == (WarningState.REFUNDING, WarningState.REFUNDING)
    assert balances(ada) == {"held": "100.00"}


def test_the_same_warning_again_changes_nothing(payments: PaymentsSandbox, ada: User, holding: PolicyVersion) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    case = warned(payments, deposit)
    before = (moved(ada), notes(case), Email.objects.count())

    again = take_warning(case.reference)

    assert again.pk == case.pk
    assert (moved(ada), notes(case), Email.objects.count()) == before


def test_a_warning_stays_out_of_date_once_it_was(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    reference = warn(payments, deposit)
    early = gateways.get("stripe").fetch_fraud_warning(reference)
    assert deposit.payment_reference
    payments.refund_by_hand(deposit.payment_reference)
    take_warning(reference)

    case = fraud_warnings.take_in(early, gateway="stripe", at=LATER)

    assert not case.actionable


def test_a_webhook_brings_the_case_and_a_lost_one_is_made_up_for(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    other = under(holding, pay_in(ada, payments, "20"))
    reference = warn(payments, deposit)
    (event,) = [one for one in payments.events() if one["type"] == "radar.early_fraud_warning.created"]

    payments.deliver(event["id"], times=2)
    handle_due()
    lost = warn(payments, other)

    assert [case.reference for case in FraudWarning.objects.all()] == [reference]
    fraud_warnings.sweep(at=WARNED_AT)
    assert {case.reference for case in FraudWarning.objects.all()} == {reference, lost}
    assert fraud_warnings.sweep(at=WARNED_AT) == 2
    assert FraudWarning.objects.count() == 2


def test_a_payment_that_nobody_told_us_of_is_credited_first(payments: PaymentsSandbox, ada: User) -> None:
    deposit = open_deposit(ada, "50")
    assert deposit.reference
    payments.pay(deposit.reference)
    (charge,) = payments.payments()

    case = take_warning(payments.warn_of_fraud(charge["payment_intent"]))

    assert case.deposit_id == deposit.pk
    assert balances(ada) == {"available": "50.00"}


def test_a_warning_of_a_payment_that_is_not_ours_is_no_case(payments: PaymentsSandbox) -> None:
    reference = payments.warn_of_fraud(payments.pay_unknown(5000))

    with pytest.raises(fraud_warnings.NotKnown):
        take_warning(reference)

    assert fraud_warnings.sweep(at=WARNED_AT) == 1
    assert not FraudWarning.objects.exists()


def test_a_refund_that_the_gateway_refuses_is_decided_anew(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    case = warned(payments, deposit)
    assert deposit.payment_reference
    payments.open_dispute(deposit.payment_reference)

    send_due(LATER)

    case.refresh_from_db()
    assert (case.state, case.refund, case.handled_at) == (WarningState.OPEN, Decimal(0), None)
    assert notes(case)[-1] == "The refund did not go through: decide again."
    assert balances(ada) == {"available": "50.00"}


def test_a_dispute_stops_a_refund_that_was_not_sent(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    case = warned(payments, deposit)

    disputed(payments, deposit)

    case.refresh_from_db()
    assert case.state == WarningState.OPEN
    assert balances(ada) == {"held": "50.00"}
    assert payments.refunds() == []


def test_a_refund_that_comes_back_late_is_decided_anew(
    payments: PaymentsSandbox, ada: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    case = warned(payments, deposit)
    assert case.withdrawal is not None
    send_due(LATER)
    send_due(LATER + HOUR)
    assert only_leg(case.withdrawal).state == LegState.PAID
    (refund,) = payments.refunds()
    payments.move_refund(refund["id"], "failed", failure_reason="expired_or_canceled_card")

    gateway_refunds.refresh(refund["id"], gateway="stripe", at=LATER + 2 * HOUR)

    case.refresh_from_db()
    assert (case.state, case.refund) == (WarningState.OPEN, Decimal(0))


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """It is the day of the payments, so that no webhook is too old."""
    with time_machine.travel(AT, tick=True):
        yield
