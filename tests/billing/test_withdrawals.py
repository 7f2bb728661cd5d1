"""Withdrawals until they are sent: held once, planned over the deposits, canceled, approved or declined."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest

from billing import deposits, gateways, planning, withdrawals
from billing.models import (
    Arrangement,
    Deposit,
    LegState,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.sending import claims
from billing.withdrawal_moves import WrongState
from billing.withdrawals import BadAmount, NotYours, NoWayBack, PlanChanged, Terms
from orders.models import Order
from panel.accounts import suspension
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Conflict, Forbidden, Refused
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from tests.billing.money import balances, moved
from tests.concurrency.racing import of, race
from tests.factories import (
    AT,
    HOUR,
    fund,
    make_customer,
    make_service,
    make_staff,
    only_leg,
    pay_in,
    place_order,
    receive_by_hand,
    send_due,
    withdraw,
)

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")
MINUTE = timedelta(minutes=1)
TERMS = Terms(
    policy_version=1,
    clause="withdrawals",
    sentence="It is sent within 3 to 5 business days.",
    review_reason="",
    alternative_allowed=True,
    send_at=AT + HOUR,
    earliest=date(2026, 11, 5),
    send_by=date(2026, 11, 9),
    overdue_at=AT + timedelta(days=8),
    bank_by=date(2026, 11, 24),
)


def digest(customer: User, amount: str) -> str:
    deposits = list(planning.refundable_deposits(customer.pk))
    return planning.plan(Decimal(amount), deposits, at=AT).digest


def open_one(
    customer: User, amount: str, *, terms: Terms = TERMS, key: UUID | None = None, confirmed: str | None = None
) -> Withdrawal:
    return withdrawals.open(
        customer=customer,
        amount=Decimal(amount),
        terms=terms,
        key=key or uuid4(),
        confirmed=digest(customer, amount) if confirmed is None else confirmed,
        at=AT,
    )


def reviewed(customer: User, amount: str = "20") -> Withdrawal:
    return open_one(customer, amount, terms=replace(TERMS, review_reason="Large."))


def suspend(customer: User) -> None:
    suspension.suspend(user=User.objects.get(pk=customer.pk), reason="Chargeback.", at=AT)


def templates(customer: User) -> list[str]:
    return list(Email.objects.filter(customer=customer).order_by("id").values_list("template", flat=True))[1:]


@pytest.fixture
def ada() -> User:
    """Has 50.00, paid by bank transfer."""
    customer = make_customer()
    receive_by_hand(customer, "50")
    return customer


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
    disputed, gone, fine = (pay_in(ada, payments, "20", at=AT + n * MINUTE) for n in range(3))
    Deposit.objects.filter(pk=disputed.pk).update(disputed=1)
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


def test_canceling_puts_all_of_it_back(ada: User) -> None:
    fund(ada, "10")
    withdrawal = open_one(ada, "60")

    canceled = withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=AT + MINUTE)
    again = withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=AT + 2 * MINUTE)

    assert (canceled.state, canceled.ended_at, canceled.due_at) == (WithdrawalState.CANCELED, AT + MINUTE, None)
    assert again.ended_at == AT + MINUTE
    assert set(withdrawal.legs.values_list("state", flat=True)) == {"canceled"}
    assert balances(ada) == {"available": "60.00"}
    assert Deposit.objects.get().reserved == 0
    assert templates(ada) == ["withdrawal_scheduled", "withdrawal_canceled"]
    assert send_due(AT + timedelta(days=1)) == 0


def test_a_stranger_can_not_cancel_it(ada: User) -> None:
    withdrawal = open_one(ada, "20")

    for number in (withdrawal.pk, withdrawal.pk + 1):
        with pytest.raises(NotYours):
            withdrawals.cancel(withdrawal_id=number, customer=make_customer("ben"), at=AT)

    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_what_is_being_sent_can_not_be_canceled(ada: User) -> None:
    withdrawal = open_one(ada, "20")
    claims.claim_due(limit=1, at=AT + HOUR)

    with pytest.raises(WrongState, match="being sent"):
        withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=AT + HOUR)

    assert balances(ada) == {"available": "30.00", "held": "20.00"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_a_cancel_and_a_sender_at_once_have_one_winner(turn: int) -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = open_one(ada, "20")
    cancel = partial(withdrawals.cancel, withdrawal_id=withdrawal.pk, customer=ada, at=AT + HOUR)
    claim = partial(claims.claim_due, limit=10, at=AT + HOUR)

    results = race([cancel, claim] if turn % 2 else [claim, cancel])

    canceled, claimed = of(Withdrawal, results), [row for rows in of(list, results) for row in rows]
    assert len(canceled) + len(claimed) == 1
    assert only_leg(withdrawal).state == ("canceled" if canceled else "sending")
    assert balances(ada) == ({"available": "50.00"} if canceled else {"available": "30.00", "held": "20.00"})


def test_what_waits_for_a_review_is_not_sent(ada: User) -> None:
    reviewed(ada)

    assert send_due(AT + timedelta(days=30)) == 0
    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_an_approved_one_is_sent_after_another_hour_to_cancel(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()

    approved = withdrawals.approve(withdrawal_id=withdrawal.pk, staff=grace, at=AT + MINUTE)

    assert (approved.state, approved.due_at, approved.reviewed_by) == ("scheduled", AT + HOUR + MINUTE, grace)
    assert templates(ada) == ["withdrawal_in_review", "withdrawal_scheduled"]
    assert (send_due(AT + HOUR), send_due(AT + HOUR + MINUTE)) == (0, 1)


def test_one_approved_after_its_day_names_days_that_are_still_to_come(ada: User) -> None:
    withdrawal = reviewed(ada)

    withdrawals.approve(withdrawal_id=withdrawal.pk, staff=make_staff(), at=datetime(2026, 11, 25, 12, tzinfo=UTC))

    letter = Email.objects.get(template="withdrawal_scheduled")
    assert letter.context["send_by"] == "Friday, November 27, 2026"  # the day after Thanksgiving
    assert letter.context["bank_by"] == "Friday, December 4, 2026"


def test_a_declined_one_is_back_on_the_balance_with_its_reason(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()

    declined = withdrawals.decline(withdrawal_id=withdrawal.pk, staff=grace, reason=" Unverified. ", at=AT + MINUTE)

    assert (declined.state, declined.decline_reason, declined.ended_at) == ("declined", "Unverified.", AT + MINUTE)
    assert balances(ada) == {"available": "50.00"}
    assert templates(ada) == ["withdrawal_in_review", "withdrawal_declined"]
    assert WithdrawalEvent.objects.filter(to_state="declined", actor=grace, note="Unverified.").count() == 1


def test_a_review_is_decided_once(ada: User) -> None:
    first, second, grace = reviewed(ada), reviewed(ada), make_staff()
    withdrawals.approve(withdrawal_id=first.pk, staff=grace, at=AT)
    withdrawals.decline(withdrawal_id=second.pk, staff=grace, reason="No.", at=AT)

    for done in (first, second):
        with pytest.raises(WrongState):
            withdrawals.approve(withdrawal_id=done.pk, staff=grace, at=AT)
        with pytest.raises(WrongState):
            withdrawals.decline(withdrawal_id=done.pk, staff=grace, reason="No.", at=AT)

    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_nobody_reviews_their_own_and_customers_review_none() -> None:
    grace, ben = make_staff(), make_customer("ben")
    receive_by_hand(grace, "50")
    withdrawal = reviewed(grace)

    for person in (grace, ben):
        with pytest.raises(Forbidden):
            withdrawals.approve(withdrawal_id=withdrawal.pk, staff=person, at=AT)
        with pytest.raises(Forbidden):
            withdrawals.decline(withdrawal_id=withdrawal.pk, staff=person, reason="No.", at=AT)

    assert only_leg(withdrawal).state == LegState.PLANNED


def test_a_decline_needs_a_reason_and_an_approval_an_active_account(ada: User) -> None:
    withdrawal, grace = reviewed(ada), make_staff()
    suspend(ada)

    with pytest.raises(Refused):
        withdrawals.decline(withdrawal_id=withdrawal.pk, staff=grace, reason=" ", at=AT)
    with pytest.raises(AccountSuspended):
        withdrawals.approve(withdrawal_id=withdrawal.pk, staff=grace, at=AT)

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.IN_REVIEW


def test_one_whose_owner_was_suspended_since_goes_to_a_person_instead_of_out(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    withdrawal = withdraw(ada, "20")
    suspend(ada)

    assert send_due() == 0

    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.due_at) == (WithdrawalState.IN_REVIEW, None)
    assert withdrawal.review_reason == "The account was suspended after the request."
    assert payments.refunds() == []
    withdrawals.decline(withdrawal_id=withdrawal.pk, staff=make_staff(), reason="Chargeback.", at=AT + HOUR)
    assert balances(ada) == {"available": "50.00"}


def test_a_part_that_was_not_sent_yet_can_be_declined_though_another_was_paid(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "20", at=AT - HOUR)
    second = pay_in(ada, payments, "30", card="bank_debit")
    payments.advance(7200)
    deposits.refresh(second.pk, at=AT)
    withdrawal = withdraw(ada, "50")
    payments.fault("http_429", path="/v1/refunds", method="POST", times=1)
    send_due()
    assert sorted(WithdrawalLeg.objects.values_list("state", flat=True)) == ["paid", "planned"]
    with pytest.raises(WrongState):
        withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=AT + HOUR)
    paid, waiting = WithdrawalLeg.objects.order_by("state")
    suspend(ada)
    send_due(AT + 2 * HOUR)

    declined = withdrawals.decline(
        withdrawal_id=withdrawal.pk, staff=make_staff(), reason="Chargeback.", at=AT + 3 * HOUR
    )

    assert (declined.state, declined.decline_reason) == (WithdrawalState.PAID, "Chargeback.")
    waiting.refresh_from_db()
    assert waiting.state == LegState.CANCELED
    letter = Email.objects.get(template="withdrawal_declined")
    assert letter.context["amount"] == f"{waiting.amount:.2f} USD"
    assert balances(ada) == {"available": f"{waiting.amount:.2f}"}
    assert [kind for kind, _ in moved(ada)][-2:] == ["withdrawal_paid", "withdrawal_returned"]
    assert paid.amount + waiting.amount == 50
