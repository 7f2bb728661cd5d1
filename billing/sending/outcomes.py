"""Record what came of the calls. Sweep, webhook and reconciliation all end here, in any order and any number.

Legs move forward only. What a gateway says of a leg is applied to the leg as it is now, under lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from billing import withdrawal_letters, withdrawal_moves
from billing.gateways.base import GatewayError, OutcomeUnknown, RefundReport, RefundStanding, Refusal, Refused, TryLater
from billing.models import LegState, WithdrawalLeg
from billing.sending.calls import NotBegun, NotThere, Outcome
from billing.sending.claims import Step
from billing.withdrawal_moves import Moves
from panel.locking import busy_when_locked

log = structlog.get_logger()

_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_SHORT_OF_FUNDS_PAUSE: Final = timedelta(hours=1)
_NOT_SENT_YET_PAUSE: Final = timedelta(minutes=15)
_PENDING_PAUSES: Final = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
# A refund that succeeded may fail up to about 30 days later; these catch it when the webhook is lost.
RECHECKS: Final = tuple(timedelta(days=days) for days in (1, 3, 7, 14, 21, 31, 40))

_WORDS: Final = {
    Refusal.ALREADY_REFUNDED: "The payment was given back already.",
    Refusal.DISPUTED: "The payment is under dispute at the bank.",
    Refusal.METHOD_GONE: "The card or account no longer takes money back.",
    Refusal.NOT_FOUND: "The payment could not be found at the gateway.",
    Refusal.NOT_OFFERED: "This method can't take money back.",
    Refusal.SHORT_OF_FUNDS: "The gateway can't pay at the moment.",
    Refusal.KEY_REUSED: "The gateway knows this request with another content.",
    Refusal.OTHER: "The gateway refused it.",
}


def record(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """Apply these outcomes: one transaction, a fixed number of statements. Raises Busy."""
    if not outcomes:
        return
    by_leg = {outcome.claim.leg_id: outcome for outcome in outcomes}
    with busy_when_locked(), transaction.atomic(durable=True):
        moves = withdrawal_moves.load({outcome.claim.withdrawal_id for outcome in outcomes}, at=at)
        for item in moves.loaded:
            for leg in item.legs:
                outcome = by_leg.get(leg.pk)
                if outcome is not None and _is_current(outcome, leg):
                    _apply(moves, leg, outcome)
        _finish(moves)


def record_report(report: RefundReport, *, leg_id: int, withdrawal_id: int, at: datetime) -> bool:
    """Apply a report that came by itself (webhook, reconciliation) to a leg; return whether it is about that leg.

    It is not when it reports another attempt, or when the leg has another reference or ended without one. Raises Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        moves = withdrawal_moves.load([withdrawal_id], at=at)
        for leg in (leg for item in moves.loaded for leg in item.legs if leg.pk == leg_id):
            begun = leg.attempted_at is not None and leg.attempt == report.attempt
            ended = leg.state in {LegState.FAILED, LegState.CANCELED}
            if leg.reference == report.reference or (leg.reference is None and begun and not ended):
                _apply_report(moves, leg, report)
                _finish(moves)
                return True
    return False


def _is_current(outcome: Outcome, leg: WithdrawalLeg) -> bool:
    """Whether an outcome still tells something about a leg: a late one may come when another worker has taken over.

    A report is a fact whoever brings it. An error says how one call ended, and nothing about a call made since: "not
    carried out" would then have a leg sent again that is being carried out. Nothing about a leg that has ended since
    either: it would be due for ever.
    """
    claim = outcome.claim
    if claim.request.attempt != leg.attempt:
        log.error("outcome_of_an_old_attempt", leg=leg.pk, attempt=claim.request.attempt)
        return False
    ended = leg.state in {LegState.FAILED, LegState.CANCELED}
    return isinstance(outcome.found, RefundReport) or (claim.number == leg.tries and not ended)


def _finish(moves: Moves) -> None:
    withdrawal_moves.follow_legs(moves)
    moves.letters += withdrawal_letters.of_outcomes(moves)
    withdrawal_moves.save(moves)


def _apply(moves: Moves, leg: WithdrawalLeg, outcome: Outcome) -> None:
    match outcome.found:
        case RefundReport() as report:
            _apply_report(moves, leg, report)
        case NotBegun() | TryLater() as error:
            _put_off(moves, leg, error, sent=outcome.claim.step == Step.FIND)
        case NotThere() as error:
            _start_anew(moves, leg, error, pause=timedelta())
        case Refused() as error if outcome.claim.step == Step.FETCH:
            _unclear(moves, leg, error)
        case Refused() as error:
            _refused(moves, leg, error)
        case error:
            _unclear(moves, leg, error)


def _apply_report(moves: Moves, leg: WithdrawalLeg, report: RefundReport) -> None:
    if leg.state in {LegState.FAILED, LegState.CANCELED}:
        return
    if report.amount != leg.amount or report.currency.upper() != leg.withdrawal.currency:
        log.error("refund_of_another_amount", leg=leg.pk, reference=report.reference, amount=str(report.amount))
        _unclear(moves, leg, OutcomeUnknown("The gateway reports another amount."))
        return
    leg.gateway_words = report.status[:100]
    leg.failure = ""
    leg.reference = report.reference
    leg.bank_reference = report.bank_reference[:100] or leg.bank_reference
    withdrawal_moves.touch(moves, leg)
    match report.standing:
        case RefundStanding.TO_DO:
            leg.due_at = moves.at + _NOT_SENT_YET_PAUSE
            if leg.state == LegState.UNKNOWN:
                withdrawal_moves.move_leg(moves, leg, LegState.SENDING)
        case RefundStanding.PENDING:
            _pending(moves, leg)
        case RefundStanding.PAID:
            _paid(moves, leg)
        case RefundStanding.FAILED | RefundStanding.CANCELED:
            _failed(moves, leg, report.refusal or Refusal.OTHER, report.failure, reason=report.reason)
        case RefundStanding.UNRECOGNIZED:
            log.error("refund_state_unrecognized", leg=leg.pk, status=report.status)
            _pending(moves, leg)


def _pending(moves: Moves, leg: WithdrawalLeg) -> None:
    """Note that the gateway has it; a leg that counts as paid stays so."""
    if leg.state == LegState.PAID:
        leg.due_at = _next_recheck(leg, moves.at)
        return
    if leg.state != LegState.SENT:
        leg.tries = 0
        withdrawal_moves.move_leg(moves, leg, LegState.SENT)
    leg.due_at = moves.at + _PENDING_PAUSES[min(leg.tries, len(_PENDING_PAUSES) - 1)]


def _paid(moves: Moves, leg: WithdrawalLeg) -> None:
    if leg.state != LegState.PAID:
        withdrawal_moves.move_leg(moves, leg, LegState.PAID)
    leg.due_at = _next_recheck(leg, moves.at)


def _next_recheck(leg: WithdrawalLeg, at: datetime) -> datetime | None:
    paid_at = leg.paid_at or at
    return next((paid_at + after for after in RECHECKS if paid_at + after > at), None)


def _failed(moves: Moves, leg: WithdrawalLeg, refusal: Refusal, words: str, *, reason: str = "") -> None:
    said = _WORDS[refusal] if refusal != Refusal.OTHER or not words else words
    leg.failure = (reason or said)[:300]
    gone = refusal == Refusal.METHOD_GONE or (refusal == Refusal.OTHER and _failed_before(leg))
    if gone and leg.deposit_id is not None:
        moves.methods_gone.add(leg.deposit_id)
    withdrawal_moves.move_leg(moves, leg, LegState.FAILED, note=leg.failure)


def _failed_before(leg: WithdrawalLeg) -> bool:
    """Whether this payment failed to take money back before: a second time, nobody plans it a third time."""
    if leg.deposit is None:
        return False
    failed = WithdrawalLeg.objects.filter(deposit=leg.deposit, state=LegState.FAILED)
    return bool(failed.exclude(pk=leg.pk).exists())


def _refused(moves: Moves, leg: WithdrawalLeg, error: Refused) -> None:
    """Definitely not carried out, so the money can go back to the balance, or be sent again under a new key."""
    if leg.state not in {LegState.SENDING, LegState.UNKNOWN}:
        return
    match error.refusal:
        case Refusal.SHORT_OF_FUNDS:
            log.error("gateway_short_of_funds", leg=leg.pk, amount=str(leg.amount))
            _start_anew(moves, leg, error, pause=_SHORT_OF_FUNDS_PAUSE)
        case Refusal.KEY_REUSED | Refusal.NOT_FOUND:
            # A bug of ours, or keys of another account: no reason to tell customers that their payments are gone.
            log.error("gateway_does_not_know_us", leg=leg.pk, refusal=error.refusal, error=error.message)
            _unclear(moves, leg, error)
        case refusal:
            _failed(moves, leg, refusal, error.message)


def _put_off(moves: Moves, leg: WithdrawalLeg, error: GatewayError, *, sent: bool) -> None:
    """Nothing happened this time. What may have been sent before stays in doubt; what was not can be canceled again."""
    _note(moves, leg, error)
    if leg.state == LegState.SENDING and leg.reference is None:
        withdrawal_moves.move_leg(moves, leg, LegState.UNKNOWN if sent else LegState.PLANNED, note=error.message)


def _start_anew(moves: Moves, leg: WithdrawalLeg, error: GatewayError, *, pause: timedelta) -> None:
    """Plan a new attempt with a new key: the last one was definitely not carried out."""
    if leg.state not in {LegState.SENDING, LegState.UNKNOWN}:
        return
    leg.attempt += 1
    leg.attempted_at = None
    leg.tries = 0
    leg.failure = error.message[:300]
    leg.due_at = moves.at + pause
    withdrawal_moves.move_leg(moves, leg, LegState.PLANNED, note=error.message)


def _unclear(moves: Moves, leg: WithdrawalLeg, error: GatewayError) -> None:
    _note(moves, leg, error)
    if leg.state == LegState.SENDING and leg.reference is None:
        withdrawal_moves.move_leg(moves, leg, LegState.UNKNOWN, note=error.message)


def _note(moves: Moves, leg: WithdrawalLeg, error: GatewayError) -> None:
    """Keep what went wrong for staff, unless the gateway has the refund already, and set the next time."""
    if leg.state not in {LegState.SENT, LegState.PAID}:
        leg.failure = error.message[:300]
    leg.due_at = _next_recheck(leg, moves.at) if leg.state == LegState.PAID else moves.at + _pause(leg)
    withdrawal_moves.touch(moves, leg)


def _pause(leg: WithdrawalLeg) -> timedelta:
    pause: timedelta = _FIRST_PAUSE * 2 ** min(leg.tries, 10)
    return min(pause, _LONGEST_PAUSE)
