"""Canceling a withdrawal: all of it is back, unless it is being sent already."""

from datetime import timedelta
from functools import partial

import pytest

from billing import withdrawals
from billing.models import Deposit, Withdrawal, WithdrawalState
from billing.sending import claims
from billing.withdrawal_moves import WrongState
from billing.withdrawals import NotYours
from panel.accounts.models import User
from tests.billing import letters
from tests.billing.money import balances
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, fund, make_customer, only_leg, receive_by_hand, send_due
from tests.factories.withdrawals import open_one

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


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
    assert letters.to(ada) == ["deposit_receipt", "withdrawal_scheduled", "withdrawal_canceled"]
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
