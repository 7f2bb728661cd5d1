"""The one place that sets states: what may follow what, what the whole is then, and in how few statements."""

from datetime import timedelta
from itertools import combinations_with_replacement
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing import withdrawal_moves
from billing.models import Deposit, LegState, Withdrawal, WithdrawalEvent, WithdrawalLeg, WithdrawalState
from billing.models.withdrawal import state_of
from billing.withdrawal_moves import WrongState
from tests.billing.money import balances
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, receive_by_hand, withdraw

pytestmark = pytest.mark.django_db

ENDED = {LegState.FAILED, LegState.CANCELED}


@pytest.mark.parametrize("before", LegState)
@pytest.mark.parametrize("after", LegState)
def test_only_moves_of_the_table_are_made(before: LegState, after: LegState) -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdraw(ada, "20")
    with transaction.atomic():
        moves = withdrawal_moves.load(Withdrawal.objects.values_list("pk", flat=True), at=AT)
        leg = moves.loaded[0].legs[0]
        leg.state = before

        if before.may_become(after):
            withdrawal_moves.move_leg(moves, leg, after)
            assert leg.state == after
        else:
            with pytest.raises(WrongState):
                withdrawal_moves.move_leg(moves, leg, after)
            assert (leg.state, moves.events, moves.money) == (before, [], [])


def test_what_ended_never_moves_and_what_was_paid_only_fails() -> None:
    assert [state for state in LegState if LegState.FAILED.may_become(state)] == []
    assert [state for state in LegState if LegState.CANCELED.may_become(state)] == []
    assert [state for state in LegState if LegState.PAID.may_become(state)] == [LegState.FAILED]
    assert not any(begun.may_become(LegState.CANCELED) for begun in (LegState.SENDING, LegState.UNKNOWN, LegState.SENT))


@pytest.mark.parametrize(
    ("legs", "state"),
    [
        (["planned"], "scheduled"),
        (["arranging"], "requested"),
        (["planned", "arranging"], "scheduled"),
        (["planned", "paid"], "sending"),
        (["arranging", "paid"], "sending"),
        (["arranging", "sent"], "sending"),
        (["arranging", "failed"], "requested"),
        (["sending", "paid"], "sending"),
        (["sending", "unknown"], "unknown"),
        (["unknown", "paid", "failed"], "unknown"),
        (["sent", "paid"], "sent"),
        (["sent", "failed"], "sent"),
        (["paid"], "paid"),
        (["paid", "failed"], "paid"),
        (["paid", "canceled"], "paid"),
        (["failed"], "failed"),
        (["failed", "canceled"], "failed"),
        (["canceled"], "canceled"),
    ],
)
def test_the_whole_is_what_its_legs_say(legs: list[str], state: str) -> None:
    assert state_of([LegState(leg) for leg in legs]) == state


def test_the_whole_is_over_exactly_when_every_leg_is() -> None:
    over = ENDED | {LegState.PAID}

    for legs in combinations_with_replacement(LegState, 3):
        assert state_of(legs).is_over == (set(legs) <= over), legs


@pytest.mark.parametrize("number", [1, 20])
def test_writes_any_number_of_moves_in_as_many_statements(number: int) -> None:
    grace = make_staff()
    for _ in range(number):
        ada = make_customer()
        receive_by_hand(ada, "50", staff=grace)
        withdraw(ada, "20")

    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        moves = withdrawal_moves.load(Withdrawal.objects.values_list("pk", flat=True), at=AT + HOUR)
        for item in moves.loaded:
            withdrawal_moves.move_leg(moves, item.legs[0], LegState.CANCELED)
        withdrawal_moves.follow_legs(moves)
        withdrawal_moves.save(moves)

    assert len(moves.loaded) == number
    assert len(queries) <= 11
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {"canceled"}


def test_state_money_parts_history_and_due_time_are_written_together() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    at = AT + timedelta(minutes=5)

    with transaction.atomic():
        moves = withdrawal_moves.load([withdrawal.pk], at=at)
        withdrawal_moves.move_leg(moves, moves.loaded[0].legs[0], LegState.CANCELED, note="Why")
        assert withdrawal_moves.follow_legs(moves) == [(moves.loaded[0].withdrawal, WithdrawalState.SCHEDULED)]
        withdrawal_moves.save(moves)

    withdrawal.refresh_from_db()
    assert (withdrawal.state, withdrawal.due_at, withdrawal.ended_at) == ("canceled", None, at)
    assert (only_leg(withdrawal).state, Deposit.objects.get().reserved) == ("canceled", 0)
    assert balances(ada) == {"available": "50.00"}
    events = WithdrawalEvent.objects.filter(at=at).order_by("id").values_list("from_state", "to_state", "note")
    assert list(events) == [("planned", "canceled", "Why"), ("scheduled", "canceled", "")]


def test_nothing_of_it_is_written_when_the_money_can_not_move() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdrawal = withdraw(ada, "20")
    leg = only_leg(withdrawal)

    def cancel_and_break() -> Any:
        with transaction.atomic():
            moves = withdrawal_moves.load([withdrawal.pk], at=AT)
            withdrawal_moves.move_leg(moves, moves.loaded[0].legs[0], LegState.CANCELED)
            withdrawal_moves.save(moves)
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        cancel_and_break()

    assert only_leg(withdrawal).state == leg.state == LegState.PLANNED
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
    assert WithdrawalLeg.objects.get().deposit
