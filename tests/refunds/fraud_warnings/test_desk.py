"""What staff decide about a fraud warning, and what the account's other troubles make of it."""

from decimal import Decimal

import pytest

from billing import withdrawals
from billing.models import FraudWarning, WarningState, Withdrawal
from billing.warning_cases import WrongState
from billing.withdrawal_moves import WrongState as WrongWithdrawalState
from orders.models import OrderStatus
from panel.accounts.models import SuspensionCause, User
from panel.kernel.errors import Forbidden, NotFound, Refused
from panel.notifications import suspending
from panel.sandbox.payments import PaymentsSandbox
from panel.staff_groups import AGENT, APPROVER
from refunds import warning_desk
from refunds.models import PolicyVersion
from refunds.warning_desk import NothingToRefund
from tests.billing.money import balances, moved
from tests.factories import (
    HOUR,
    disputed,
    fund,
    make_customer,
    make_service,
    make_staff,
    move,
    move_dispute,
    pay_in,
    place_order,
    send_due,
)
from tests.factories.fraud_warnings import WARNED_AT, policy_that_refunds, under, warned

pytestmark = pytest.mark.django_db
LATER = WARNED_AT + HOUR


@pytest.fixture
def ada() -> User:
    return make_customer()


@pytest.fixture
def jonas() -> User:
    return make_staff("jonas", group=APPROVER)


@pytest.fixture
def holding(db: None) -> PolicyVersion:  # noqa: ARG001 - needs the database
    return policy_that_refunds()


def cause_of(customer: User) -> str:
    customer.refresh_from_db()
    return customer.suspension_cause


def dismiss(case: FraudWarning, staff: User, reason: str = "She called us.") -> FraudWarning:
    return warning_desk.dismiss(warning_id=case.pk, staff=staff, reason=reason, at=LATER)


def refund(case: FraudWarning, staff: User, *, holds: bool = False) -> FraudWarning:
    return warning_desk.refund(warning_id=case.pk, staff=staff, reason="Looks stolen.", holds=holds, at=LATER)


def spend(customer: User, amount: str) -> None:
    order = place_order(customer, make_service(rate=amount), quantity=1000)
    move(order, OrderStatus.COMPLETED, remains=0)


def test_staff_refund_by_hand(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))

    case = refund(case, jonas)

    assert (case.state, case.refund, case.holds) == (WarningState.REFUNDING, Decimal(50), False)
    assert cause_of(ada) == ""
    event = case.events.last()
    assert event is not None
    assert (event.actor, event.note) == (jonas, "Looks stolen. 50.00 USD goes back to the payment.")
    send_due(LATER)
    send_due(LATER + HOUR)
    case.refresh_from_db()
    assert case.state == WarningState.REFUNDED
    assert balances(ada) == {}


def test_a_refund_that_is_looked_at_again_after_it_arrived_leaves_the_case(
    payments: PaymentsSandbox, ada: User, jonas: User
) -> None:
    case = refund(warned(payments, pay_in(ada, payments, "50")), jonas)
    send_due(LATER)
    send_due(LATER + HOUR)
    told = case.events.count()

    asked = [send_due(LATER + day * 24 * HOUR) for day in (2, 4, 8)]

    case.refresh_from_db()
    assert asked == [1, 1, 1]
    assert (case.state, case.events.count()) == (WarningState.REFUNDED, told)


def test_staff_refund_and_hold_the_account(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))
    order = place_order(ada, make_service(rate="20"), quantity=1000)

    case = refund(case, jonas, holds=True)

    order.refresh_from_db()
    assert (case.refund, case.holds, order.status) == (Decimal(50), True, OrderStatus.CANCELED)
    assert cause_of(ada) == SuspensionCause.FRAUD_WARNING


def test_nothing_is_done_where_nothing_can_go_back(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))
    spend(ada, "50")
    before = moved(ada)

    with pytest.raises(NothingToRefund, match="the customer's balance has nothing of it"):
        refund(case, jonas, holds=True)

    case.refresh_from_db()
    assert (case.state, case.holds, moved(ada)) == (WarningState.OPEN, False, before)
    assert cause_of(ada) == ""


def test_a_disputed_payment_is_not_refunded_by_hand_either(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    deposit = pay_in(ada, payments, "50")
    case = warned(payments, deposit)
    disputed(payments, deposit)
    fund(ada, "80")

    with pytest.raises(NothingToRefund, match="disputed"):
        refund(case, jonas)

    assert not Withdrawal.objects.exists()


def test_refunding_twice_is_refused(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))
    fund(ada, "80")
    refund(case, jonas)

    with pytest.raises(WrongState):
        refund(case, jonas)

    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize("act", [refund, dismiss])
def test_only_staff_who_may_decide_and_never_about_themselves(payments: PaymentsSandbox, act: object) -> None:
    assert callable(act)
    deposit = pay_in(make_customer(), payments, "50")
    own = make_staff("hiro", group=APPROVER)
    case = warned(payments, deposit)
    of_his_own = warned(payments, pay_in(own, payments, "50"))

    for found, person in ((case, make_staff("ivy", group=AGENT)), (case, deposit.customer), (of_his_own, own)):
        with pytest.raises(Forbidden):
            act(found, person)

    assert set(FraudWarning.objects.values_list("state", flat=True)) == {WarningState.OPEN}
    assert not Withdrawal.objects.exists()


def test_a_reason_is_asked_for(payments: PaymentsSandbox, ada: User, jonas: User) -> None:
    case = warned(payments, pay_in(ada, payments, "50"))

    with pytest.raises(Refused) as refusal:
        dismiss(case, jonas, reason="  ")

    assert refusal.value.field == "reason"
    case.refresh_from_db()
    assert case.state == WarningState.OPEN


def test_there_is_no_such_case(jonas: User) -> None:
    with pytest.raises(NotFound):
        warning_desk.dismiss(warning_id=1, staff=jonas, reason="Why not.", at=LATER)


def test_a_dismissal_lets_the_account_go(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    spend(ada, "50")
    case = warned(payments, deposit)
    assert (case.state, cause_of(ada)) == (WarningState.OPEN, SuspensionCause.FRAUD_WARNING)

    case = dismiss(case, jonas)

    assert (case.state, case.holds, cause_of(ada)) == (WarningState.DISMISSED, False, "")
    with pytest.raises(WrongState):
        dismiss(case, jonas)


def test_a_dismissal_leaves_what_another_case_holds(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    spend(ada, "50")
    first, second = warned(payments, deposit), warned(payments, deposit)

    dismiss(first, jonas)
    assert cause_of(ada) == SuspensionCause.FRAUD_WARNING

    dismiss(second, jonas)
    assert cause_of(ada) == ""


def test_a_dismissal_leaves_what_staff_suspended(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    spend(ada, "50")
    suspending.suspend(customer_id=ada.pk, reason="You shout.", at=WARNED_AT)
    case = warned(payments, deposit)

    dismiss(case, jonas)

    assert cause_of(ada) == SuspensionCause.STAFF


def test_a_dispute_goes_on_holding_what_a_dismissal_lets_go(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    spend(ada, "50")
    case = warned(payments, deposit)
    dispute = disputed(payments, deposit)
    assert cause_of(ada) == SuspensionCause.DISPUTE

    dismiss(case, jonas)
    assert cause_of(ada) == SuspensionCause.DISPUTE

    move_dispute(payments, dispute, "won")
    assert cause_of(ada) == ""


def test_a_warning_goes_on_holding_what_a_won_dispute_lets_go(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    deposit = under(holding, pay_in(ada, payments, "50"))
    dispute = disputed(payments, deposit)
    case = warned(payments, deposit)

    move_dispute(payments, dispute, "won")
    assert cause_of(ada) == SuspensionCause.FRAUD_WARNING

    dismiss(case, jonas)
    assert cause_of(ada) == ""


def test_the_account_is_let_go_although_its_payment_went_back(
    payments: PaymentsSandbox, ada: User, jonas: User, holding: PolicyVersion
) -> None:
    case = warned(payments, under(holding, pay_in(ada, payments, "50")))
    with pytest.raises(WrongState):
        dismiss(case, jonas)

    warning_desk.release(warning_id=case.pk, staff=jonas, reason="It was her.", at=LATER)

    case.refresh_from_db()
    assert (case.state, case.holds, cause_of(ada)) == (WarningState.REFUNDING, False, "")
    with pytest.raises(WrongState):
        warning_desk.release(warning_id=case.pk, staff=jonas, reason="It was her.", at=LATER)


def test_a_customer_can_not_take_back_what_he_did_not_ask_for(
    payments: PaymentsSandbox, ada: User, jonas: User
) -> None:
    case = refund(warned(payments, pay_in(ada, payments, "50")), jonas)
    assert case.withdrawal is not None

    with pytest.raises(WrongWithdrawalState):
        withdrawals.cancel(withdrawal_id=case.withdrawal.pk, customer=ada, at=LATER)

    assert balances(ada) == {"held": "50.00"}
