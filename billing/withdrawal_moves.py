"""Moving withdrawals and their legs: the only place that sets their states.

`move_leg` and `move` collect; `save` writes it all in a fixed number of statements, however many withdrawals: states,
events, the transfers that belong to each move, and the letters. So a state and its money commit together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from billing import debts, disputes, gateways, ledger, warning_cases, withdrawal_rows
from billing.ledger import NewTransfer, Wallet
from billing.models import (
    Deposit,
    LegState,
    TransferKind,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.models.withdrawal import state_of
from panel.accounts.models import User
from panel.kernel.errors import Conflict
from panel.notifications import outbox
from panel.notifications.outbox import NewEmail

# States that a person has decided; legs don't change them.
_DECIDED: Final = frozenset({WithdrawalState.DECLINED, WithdrawalState.CANCELED})
_TO_BE_REVIEWED: Final = frozenset({LegState.PLANNED, LegState.ARRANGING})


class WrongState(Conflict):
    """The withdrawal has moved on, and this can't be done to it any more."""

    code = "withdrawal_wrong_state"


@dataclass(slots=True)
class Loaded:
    """A withdrawal with all of its legs, locked."""

    withdrawal: Withdrawal
    legs: list[WithdrawalLeg]


@dataclass(slots=True)
class Moves:
    """What is to be written for one point in time."""

    at: datetime
    loaded: list[Loaded]
    legs: dict[int, WithdrawalLeg] = field(default_factory=dict)
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    events: list[WithdrawalEvent] = field(default_factory=list)
    money: list[tuple[WithdrawalLeg, LegState]] = field(default_factory=list)
    letters: list[NewEmail] = field(default_factory=list)
    methods_gone: set[int] = field(default_factory=set)


def load(withdrawal_ids: Iterable[int], *, at: datetime) -> Moves:
    """Lock these withdrawals and their legs, in that order, and return them ready to be moved."""
    rows = list(Withdrawal.objects.locked().select_related("customer").filter(pk__in=list(withdrawal_ids)))
    by_id = {row.pk: Loaded(row, []) for row in rows}
    legs = WithdrawalLeg.objects.locked().select_related("deposit").filter(withdrawal_id__in=list(by_id))
    for leg in legs:
        leg.withdrawal = by_id[leg.withdrawal_id].withdrawal
        by_id[leg.withdrawal_id].legs.append(leg)
    return Moves(at=at, loaded=list(by_id.values()))


def touch(moves: Moves, leg: WithdrawalLeg) -> None:
    """Have a leg written though its state stays."""
    moves.legs[leg.pk] = leg


def move_leg(moves: Moves, leg: WithdrawalLeg, to: LegState, *, note: str = "", actor: User | None = None) -> None:
    """Move one loaded leg and remember the money that goes with it. Raises WrongState for a move that there is not."""
    before = LegState(leg.state)
    if not before.may_become(to):
        message = f"A part that is {before.label.lower()} can't become {to.label.lower()}."
        raise WrongState(message)
    leg.state = to
    if to in {LegState.SENT, LegState.PAID} and leg.sent_at is None:
        leg.sent_at = moves.at
    if to == LegState.PAID:
        leg.paid_at = moves.at
    if to == LegState.FAILED:
        leg.failed_at = moves.at
    if to in {LegState.FAILED, LegState.CANCELED}:
        leg.due_at = None
    if before == LegState.PAID or (before.is_held and not to.is_held):
        moves.money.append((leg, before))
    moves.legs[leg.pk] = leg
    moves.events.append(_event(moves, leg.withdrawal, leg, before, to, note, actor))


def move(
    moves: Moves, withdrawal: Withdrawal, to: WithdrawalState, *, note: str = "", actor: User | None = None
) -> None:
    """Set the state of a loaded withdrawal."""
    before = WithdrawalState(withdrawal.state)
    withdrawal.state = to
    withdrawal.ended_at = moves.at if to.is_over else None
    moves.withdrawals[withdrawal.pk] = withdrawal
    if before != to:
        moves.events.append(_event(moves, withdrawal, None, before, to, note, actor))


def follow_legs(moves: Moves) -> list[tuple[Withdrawal, WithdrawalState]]:
    """Bring each loaded withdrawal to the state and due time that its legs say; return those that moved."""
    moved = []
    for item in moves.loaded:
        withdrawal, before = item.withdrawal, WithdrawalState(item.withdrawal.state)
        due = _next_due(item)
        if due != withdrawal.due_at:
            withdrawal.due_at = due
            moves.withdrawals[withdrawal.pk] = withdrawal
        after = state_of([LegState(leg.state) for leg in item.legs])
        if _follows(item) and after != before:
            move(moves, withdrawal, after)
            moved.append((withdrawal, before))
    return moved


def save(moves: Moves) -> None:
    """Write everything that was collected. Runs in the caller's transaction."""
    _lock_deposits(moves)
    withdrawal_rows.write_withdrawals(moves.withdrawals.values())
    withdrawal_rows.write_legs(moves.legs.values())
    if moves.events:
        WithdrawalEvent.objects.bulk_create(moves.events)
    warning_cases.follow(moves.withdrawals.values(), at=moves.at)
    if moves.money:
        # What was to go back and did not is there for a dispute's claim again.
        disputes.refresh_claims(sorted({leg.deposit_id for leg, _ in moves.money if leg.deposit_id is not None}))
        wallets = ledger.lock_wallets(sorted({leg.withdrawal.customer_id for leg, _ in moves.money}))
        ledger.post([_transfer(leg, before, wallets) for leg, before in moves.money], at=moves.at)
        returned = [leg for leg, _ in moves.money if leg.state != LegState.PAID]
        debts.pay_first({leg.withdrawal.customer_id: f"leg:{leg.pk}:debt" for leg in returned}, at=moves.at)
    outbox.put(moves.letters, at=moves.at)


def _follows(item: Loaded) -> bool:
    """Whether the state is what the legs say; while something waits for a review it is not."""
    if item.withdrawal.state == WithdrawalState.IN_REVIEW:
        return _TO_BE_REVIEWED.isdisjoint(leg.state for leg in item.legs)
    return item.withdrawal.state not in _DECIDED


def _lock_deposits(moves: Moves) -> None:
    """Lock the deposits whose parts move, in order: the trigger on legs would take them in the order of the legs."""
    touched = {leg.deposit_id for leg, _ in moves.money if leg.deposit_id is not None} | moves.methods_gone
    if touched:
        list(Deposit.objects.locked().filter(pk__in=touched).values_list("pk"))
    if moves.methods_gone:
        Deposit.objects.filter(pk__in=moves.methods_gone).update(method_gone=True)


def _next_due(item: Loaded) -> datetime | None:
    """Return when the next leg is due; what waits for a review is not."""
    waiting = item.withdrawal.state == WithdrawalState.IN_REVIEW
    due = [leg.due_at for leg in item.legs if leg.due_at and not (waiting and leg.state == LegState.PLANNED)]
    return min(due, default=None)


def _event(
    moves: Moves,
    withdrawal: Withdrawal,
    leg: WithdrawalLeg | None,
    before: str,
    to: str,
    note: str,
    actor: User | None,
) -> WithdrawalEvent:
    return WithdrawalEvent(
        withdrawal=withdrawal, leg=leg, at=moves.at, from_state=before, to_state=to, note=note[:300], actor=actor
    )


def _transfer(leg: WithdrawalLeg, before: LegState, wallets: dict[int, Wallet]) -> NewTransfer:
    """Return the transfer that belongs to a leg's move: each of the three happens at most once to a leg."""
    wallet = wallets[leg.withdrawal.customer_id]
    clearing = gateways.get(leg.gateway).describe().clearing.value
    if leg.state == LegState.PAID:
        what, kind, debit, credit = "paid", TransferKind.WITHDRAWAL_PAID, wallet.held_id, clearing
    elif before == LegState.PAID:
        what, kind, debit, credit = "reversed", TransferKind.WITHDRAWAL_REVERSED, clearing, wallet.available_id
    else:
        what, kind, debit, credit = "returned", TransferKind.WITHDRAWAL_RETURNED, wallet.held_id, wallet.available_id
    return NewTransfer(
        key=f"leg:{leg.pk}:{what}",
        kind=kind,
        debit=debit,
        credit=credit,
        amount=leg.amount,
        customer_id=leg.withdrawal.customer_id,
        deposit_id=leg.deposit_id,
        withdrawal_id=leg.withdrawal_id,
    )
