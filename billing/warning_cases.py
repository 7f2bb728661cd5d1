"""Cases of early fraud warnings: the only place that sets their states, and how they follow the refund sent for them.

What a warning leads to is decided above (refunds.fraud_warnings).
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from billing.models import FraudWarning, FraudWarningEvent, Origin, WarningState, Withdrawal, WithdrawalState
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict

_MOVED: Final = ("state", "refund", "withdrawal", "handled_at", "holds")


class WrongState(Conflict):
    """The case has moved on, and this can't be done to it any more."""

    code = "fraud_warning_wrong_state"


def insert(case: FraudWarning, note: str) -> None:
    """Keep a new case with its first event, in the caller's transaction, which holds the customer's lock."""
    FraudWarning.objects.bulk_create([case])
    _write(case, "", note, case.created_at, None)


def move(case: FraudWarning, to: WarningState, *, note: str, at: datetime, actor: User | None = None) -> None:
    """Move a locked case, and save what goes with its state. Raises WrongState for a move that there is not."""
    before = WarningState(case.state)
    if not before.may_become(to):
        message = f"This case is {before.label.lower()}: it can't become {to.label.lower()}."
        raise WrongState(message)
    case.state = to
    case.handled_at = None if to == WarningState.OPEN else at
    if to in {WarningState.OPEN, WarningState.DISMISSED}:
        case.refund = money.ZERO
    case.save(update_fields=_MOVED)
    _write(case, before, note, at, actor)


def note(case: FraudWarning, words: str, *, at: datetime, actor: User | None = None) -> None:
    """Save a locked case and add to its timeline something that did not move its state."""
    case.save(update_fields=_MOVED)
    _write(case, case.state, words, at, actor)


def follow(withdrawals: Collection[Withdrawal], *, at: datetime) -> None:
    """Bring cases to what became of the refunds that were sent for them: paid, or to be decided anew.

    The withdrawals are locked, and written before.
    """
    states: dict[int | None, WithdrawalState] = {
        row.pk: WithdrawalState(row.state) for row in withdrawals if row.origin == Origin.WARNING
    }
    if not states:
        return
    for case in FraudWarning.objects.locked().filter(withdrawal__in=[pk for pk in states if pk is not None]):
        state = states[case.withdrawal_id]
        if state == WithdrawalState.PAID and case.state == WarningState.REFUNDING:
            move(case, WarningState.REFUNDED, note="The gateway confirmed the refund.", at=at)
        elif state in {WithdrawalState.FAILED, WithdrawalState.CANCELED} and case.state != WarningState.OPEN:
            move(case, WarningState.OPEN, note="The refund did not go through: decide again.", at=at)


def _write(case: FraudWarning, before: str, note: str, at: datetime, actor: User | None) -> None:
    FraudWarningEvent.objects.create(
        warning=case, at=at, from_state=before, to_state=case.state, note=note[:300], actor=actor
    )
