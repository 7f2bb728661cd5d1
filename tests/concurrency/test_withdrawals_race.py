"""Withdrawals raced by real threads: whoever comes first, no amount goes back twice and none is lost."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction

from billing import gateway_refunds, withdrawals
from billing.models import Deposit, LegState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.sending import calls, claims, outcomes
from billing.withdrawal_moves import WrongState
from orders import placing
from orders.lines import Line
from panel import webhooks
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel.errors import PanelError, Refused
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from tests.billing import letters
from tests.billing.money import balances, moved
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, make_service, only_leg, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db(transaction=True)

DUE = AT + HOUR
LINK = "https://example.com/launch"


def test_of_fifty_withdrawals_of_the_whole_balance_one_is_opened(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    for _ in range(2):
        pay_in(ada, payments, "25")
    plan = balance_refunds.quote(customer=ada, amount=Decimal(50), at=AT).plan.digest

    results = race(
        [
            partial(balance_refunds.request, customer=ada, amount=Decimal(50), key=uuid4(), confirmed=plan, at=AT)
            for _ in range(50)
        ]
    )

    refusals = of(Refused, results)
    assert len(of(Withdrawal, results)) == 1
    assert len(refusals) == 49
    # Whoever comes after the winner's commit is refused by the policy, and before it under lock.
    assert {error.message for error in refusals} <= {
        "You can withdraw at most 0.00 USD.",
        "A balance of 5.00 USD or more can be withdrawn; yours is 0.00 USD.",
    }
    assert balances(ada) == {"held": "50.00"}
    assert (Withdrawal.objects.count(), WithdrawalLeg.objects.count(), letters.count("withdrawal_scheduled")) == (
        1,
        2,
        1,
    )
    assert set(Deposit.objects.values_list("reserved", flat=True)) == {Decimal(25)}


def test_one_form_sent_ten_times_at_once_is_one_withdrawal(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")

    results = race([partial(withdraw, ada, "20", key=uuid4())] * 10)

    assert len({withdrawal.pk for withdrawal in results}) == 1
    assert (balances(ada), letters.count("withdrawal_scheduled")) == ({"available": "30.00", "held": "20.00"}, 1)


def test_different_amounts_at_once_never_take_more_than_there_is(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    for _ in range(3):
        pay_in(ada, payments, "20")

    results = race([partial(withdraw, ada, amount) for amount in ("7", "11", "13", "17", "19", "23", "29", "31")])

    opened, refused = of(Withdrawal, results), of(PanelError, results)
    assert len(opened) + len(refused) == 8
    assert opened
    taken = sum(withdrawal.amount for withdrawal in opened)
    reserved = sum(Deposit.objects.values_list("reserved", flat=True))
    assert taken == reserved <= 60


@pytest.mark.parametrize("hands", [2, 4])
def test_a_withdrawal_an_order_and_a_refund_by_hand_never_give_the_same_money_twice(
    payments: PaymentsSandbox, hands: int
) -> None:
    """The refund by hand, with the account suspended, takes the money from wherever it is by then."""
    reach = make_service(rate="50")
    for round_number in range(8):
        ada = make_customer(f"ada{round_number}")
        deposit = pay_in(ada, payments, "50")
        payments.refund_by_hand(str(deposit.payment_reference))

        results = race(
            [
                partial(withdraw, ada, "50"),
                partial(placing.place, customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT),
                partial(suspend_, ada),
                *[partial(gateway_refunds.refresh_payment, str(deposit.payment_reference), gateway="stripe", at=AT)]
                * hands,
            ]
        )
        send_due()

        assert {type(error) for error in of(Exception, results)} <= {
            placing.NotEnoughFunds,
            suspension.AccountSuspended,
            balance_refunds.NotAllowed,
            withdrawals.BadAmount,
            withdrawals.PlanChanged,
        }
        deposit.refresh_from_db()
        assert (deposit.refunded, deposit.reserved) == (Decimal(50), Decimal(0))
        assert [move for move in moved(ada) if move[0] == "withdrawal_paid"] == [("withdrawal_paid", "50.00")]
        ordered = bool(of(placing.Placed, results))
        assert balances(ada) == ({"debt": "\N{MINUS SIGN}50.00"} if ordered else {})
    assert len(payments.refunds()) == 8


def suspend_(customer: User) -> None:
    suspension.suspend(user=customer, reason="The bank asks about this payment.", at=AT)


def test_a_cancel_and_a_claim_never_both_win(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "200")

    for round_number in range(1, 13):
        withdrawal = withdraw(ada, "10")

        canceled, sent = race(
            [partial(withdrawals.cancel, withdrawal_id=withdrawal.pk, customer=ada, at=DUE), partial(send_due, DUE)]
        )

        state = only_leg(withdrawal).state
        made = len(
            [refund for refund in payments.refunds() if refund["metadata"]["leg"] == str(only_leg(withdrawal).pk)]
        )
        if isinstance(canceled, WrongState):
            assert (sent, state, made) == (1, LegState.PAID, 1)
        else:
            assert (sent, state, made, canceled.state) == (0, LegState.CANCELED, 0, WithdrawalState.CANCELED)
        assert letters.count("withdrawal_paid") + letters.count("withdrawal_canceled") == round_number


def test_claimers_at_once_never_take_the_same_part_and_leave_alone_what_others_hold(
    payments: PaymentsSandbox,
) -> None:
    customers = [make_customer(name) for name in ("ada", "ben", "cleo", "dan")]
    for customer in customers:
        pay_in(customer, payments, "30")
    asked = [withdraw(customer, "10") for customer in customers for _ in range(3)]
    held = asked[0]

    with transaction.atomic():
        Withdrawal.objects.locked().get(pk=held.pk)
        results = race([partial(claims.claim_due, limit=5, at=DUE)] * 4)
    results.append(claims.claim_due(limit=5, at=DUE))

    claimed = [claim.withdrawal_id for result in results for claim in result]
    assert sorted(claimed) == [withdrawal.pk for withdrawal in asked]
    assert results[-1][0].withdrawal_id == held.pk
    assert set(WithdrawalLeg.objects.values_list("tries", flat=True)) == {1}


def test_six_senders_at_once_pay_each_of_twelve_once(payments: PaymentsSandbox) -> None:
    customers = [make_customer(name) for name in ("ada", "ben", "cleo")]
    for customer in customers:
        pay_in(customer, payments, "40")
    asked = [withdraw(customer, "10") for _ in range(4) for customer in customers]

    results = race([partial(send_due, DUE)] * 6)

    assert sum(results) == 12
    assert len(payments.refunds()) == 12
    assert len({refund["metadata"]["leg"] for refund in payments.refunds()}) == 12
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {WithdrawalState.PAID}
    assert letters.count("withdrawal_paid") == len(asked)


def test_the_sender_s_own_record_and_the_webhooks_about_it_book_a_refund_once(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "200")
    for event in payments.queued():
        payments.drop(event.id)

    for _ in range(6):
        withdraw(ada, "10")
        answers = calls.carry_out(claims.claim_due(limit=10, at=DUE))
        for event in payments.queued():
            assert payments.deliver(event.id) == [200]
        race(
            [
                partial(outcomes.record, answers, at=DUE),
                *[webhooks.handle_due] * 3,
            ]
        )

    assert len(payments.refunds()) == 6
    assert [kind for kind, _ in moved(ada)].count("withdrawal_paid") == 6
    assert (balances(ada), letters.count("withdrawal_paid")) == ({"available": "140.00"}, 6)
