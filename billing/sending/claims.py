"""Claim what is due: write down what is about to be tried, with its key, before anything is called.

A claim lasts for a lease. If the process dies, the next sweep finds the leg `sending`, and asks before it sends again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction

from billing import gateways, stopping, withdrawal_letters, withdrawal_moves
from billing.gateways.base import RefundRequest
from billing.models import Arrangement, LegState, Origin, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.withdrawal_moves import Loaded, Moves

LEASE: Final = timedelta(minutes=3)
_OVER: Final = frozenset({LegState.FAILED, LegState.CANCELED, LegState.ARRANGING})


class Step(StrEnum):
    """What to do about a leg."""

    SEND = "send"  # nothing was tried yet under this key
    FIND = "find"  # it may have been tried: look first, then try again with the same key
    FETCH = "fetch"  # the gateway knows it by its reference: ask how it stands


@dataclass(frozen=True, slots=True)
class Claim:
    """One call to make.

    Attributes:
        number: counts the claims of this leg since its last step forward; a later one has taken over from this.
        key_may_be_forgotten: the gateway may no longer recognize the key, so it must not be sent again.
    """

    leg_id: int
    withdrawal_id: int
    gateway: str
    step: Step
    request: RefundRequest
    reference: str
    number: int
    key_may_be_forgotten: bool


def claim_due(*, limit: int, at: datetime) -> list[Claim]:
    """Claim the legs of up to `limit` withdrawals that are due at `at`, skipping those that others hold.

    Goes on past withdrawals that turn out to have nothing to call about (put before staff just now): an empty list
    means that nothing is due.
    """
    due = Withdrawal.objects.filter(due_at__lte=at).order_by("due_at")
    while True:
        with transaction.atomic(durable=True):
            ids = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:limit])
            claims = _claim(withdrawal_moves.load(ids, at=at))
        if claims or not ids:
            return claims


def claim_now(*, withdrawal_ids: Sequence[int], at: datetime) -> list[Claim]:
    """Claim the due legs of these withdrawals."""
    with transaction.atomic(durable=True):
        return _claim(withdrawal_moves.load(withdrawal_ids, at=at))


def _claim(moves: Moves) -> list[Claim]:
    claims: list[Claim] = []
    stopping.stop_disputed(moves)
    for item in moves.loaded:
        if _is_in_doubt(item) and any(leg.state == LegState.PLANNED for leg in item.legs):
            _put_before_staff(moves, item)
        for leg in item.legs:
            if leg.due_at is None or leg.due_at > moves.at or leg.state in _OVER:
                continue
            if leg.state == LegState.PLANNED and item.withdrawal.state == WithdrawalState.IN_REVIEW:
                continue
            claims.append(_begin(moves, leg))
    withdrawal_moves.follow_legs(moves)
    moves.letters += withdrawal_letters.of_outcomes(moves)
    withdrawal_moves.save(moves)
    return claims


def _is_in_doubt(item: Loaded) -> bool:
    """Whether the customer was suspended since; a refund after a fraud warning goes to the card all the same."""
    return item.withdrawal.customer.is_suspended and item.withdrawal.origin != Origin.WARNING


def _put_before_staff(moves: Moves, item: Loaded) -> None:
    """Stop what was not sent yet of a customer who was suspended since: a person decides."""
    if item.withdrawal.state != WithdrawalState.IN_REVIEW:
        item.withdrawal.review_reason = "The account was suspended after the request."
        withdrawal_moves.move(moves, item.withdrawal, WithdrawalState.IN_REVIEW, note=item.withdrawal.review_reason)


def _begin(moves: Moves, leg: WithdrawalLeg) -> Claim:
    if leg.reference is not None:
        step = Step.FETCH
    elif leg.state == LegState.PLANNED:
        step = Step.SEND
        leg.attempted_at = moves.at
        withdrawal_moves.move_leg(moves, leg, LegState.SENDING)
    else:
        step = Step.FIND
    leg.due_at = moves.at + LEASE
    leg.tries += 1
    withdrawal_moves.touch(moves, leg)
    memory = gateways.get(leg.gateway).describe().key_memory
    attempted_at = leg.attempted_at or moves.at
    return Claim(
        leg_id=leg.pk,
        withdrawal_id=leg.withdrawal_id,
        gateway=leg.gateway,
        step=step,
        request=request_of(leg),
        reference=leg.reference or "",
        number=leg.tries,
        key_may_be_forgotten=moves.at - attempted_at >= memory,
    )


def request_of(leg: WithdrawalLeg) -> RefundRequest:
    """Return what the gateway is asked for about this leg; its withdrawal and deposit come with the row."""
    destination = ""
    if leg.deposit is None:
        arrangement = Arrangement.objects.get(leg=leg)
        destination = arrangement.way
    return RefundRequest(
        key=leg.key,
        leg=leg.pk,
        attempt=leg.attempt,
        payment_reference=(leg.deposit.payment_reference or "") if leg.deposit else "",
        amount=leg.amount,
        currency=leg.withdrawal.currency,
        destination=destination,
    )
