"""Stopping what waits to be paid back, because a payment is disputed or in doubt: nothing goes to a bank twice."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from billing import withdrawal_letters, withdrawal_moves
from billing.models import Dispute, LegState, Origin, WithdrawalLeg
from billing.models.withdrawal import STOPPABLE
from billing.withdrawal_moves import Moves

_WHY: Final = (
    "A payment of yours is disputed at the bank, so this was not sent. The money went back to your balance, where what"
    " is disputed is held."
)
ALL: Final = tuple(Origin)
ASKED_FOR_BY_CUSTOMERS: Final = (Origin.CUSTOMER,)


def load(*, customer_id: int, deposit_id: int | None, at: datetime, origins: Collection[Origin] = ALL) -> Moves:
    """Lock the customer's withdrawals of which something waits; only those to one deposit, if one is named."""
    waiting = _waiting(customer_id, origins)
    if deposit_id is not None:
        waiting = waiting.filter(deposit_id=deposit_id)
    return withdrawal_moves.load(waiting.values_list("withdrawal_id", flat=True), at=at)


def waits(customer_id: int, *, deposit_id: int | None = None, origins: Collection[Origin] = ALL) -> bool:
    """Whether something of the customer's withdrawals, or of those to one deposit, waits and could be stopped."""
    waiting = _waiting(customer_id, origins)
    return bool((waiting if deposit_id is None else waiting.filter(deposit_id=deposit_id)).exists())


def deposits_of(moves: Moves) -> set[int]:
    """Return the deposits that the loaded legs go back to."""
    return {leg.deposit_id for item in moves.loaded for leg in item.legs if leg.deposit_id is not None}


def stop(moves: Moves, *, deposit_id: int | None, note: str, why: str = _WHY) -> int:
    """Cancel what waits of the loaded withdrawals, which puts it on the balance again; return how many parts.

    Only what goes to one deposit, if one is named. `why` is what the customer reads, `note` what staff read. What has
    been sent already goes on. The deposits are locked.
    """
    stopped = 0
    for leg in (leg for item in moves.loaded for leg in item.legs):
        if leg.state not in STOPPABLE or deposit_id not in {None, leg.deposit_id}:
            continue
        _cancel(moves, leg, note=note, why=why)
        stopped += 1
    withdrawal_moves.follow_legs(moves)
    moves.letters += withdrawal_letters.of_outcomes(moves)
    withdrawal_moves.save(moves)
    return stopped


def stop_disputed(moves: Moves) -> None:
    """Cancel what is to be tried again towards payments that were disputed in the meantime.

    It was being sent when the dispute was opened, so `stop` let it go on; then it was put off without having been
    carried out. No statement when nothing loaded was tried before.
    """
    again = [
        leg
        for item in moves.loaded
        for leg in item.legs
        if leg.state in STOPPABLE and leg.deposit_id is not None and (leg.tries or leg.attempt > 1)
    ]
    if not again:
        return
    acted = Dispute.objects.filter(deposit__in={leg.deposit_id for leg in again}, acted_at__isnull=False)
    found = dict(acted.order_by("pk").values_list("deposit_id", "reference"))
    for leg in again:
        if leg.deposit_id in found:
            _cancel(moves, leg, note=f"Dispute {found[leg.deposit_id]}", why=_WHY)


def _cancel(moves: Moves, leg: WithdrawalLeg, *, note: str, why: str) -> None:
    leg.failure = why
    withdrawal_moves.move_leg(moves, leg, LegState.CANCELED, note=note)
    moves.letters.append(withdrawal_letters.failed(leg))


def _waiting(customer_id: int, origins: Collection[Origin]) -> QuerySet[WithdrawalLeg]:
    stoppable = [state.value for state in STOPPABLE]
    found: QuerySet[WithdrawalLeg] = WithdrawalLeg.objects.filter(
        withdrawal__customer_id=customer_id, withdrawal__origin__in=origins, state__in=stoppable
    )
    return found
