"""Arrangements: support and a customer agree on another way for what no deposit can take back.

Why, who was verified and how, where to, and the customer's consent to exactly that are recorded before money moves.
"""

from datetime import datetime

from django.db import transaction

from billing import withdrawal_letters, withdrawal_moves
from billing.models import Arrangement, LegState, PayoutKind, WithdrawalLeg
from billing.withdrawal_moves import Moves, WrongState
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound, Refused
from panel.locking import busy_when_locked


class NoSuchArrangement(NotFound):
    """There is nothing to arrange here."""

    code = "arrangement_not_found"


class NothingProposed(WrongState):
    """Support has not proposed a way yet, or proposed another one since."""

    code = "arrangement_not_proposed"


def propose(
    *, arrangement_id: int, kind: PayoutKind, destination: str, verification: str, staff: User, at: datetime
) -> Arrangement:
    """Record how the customer was verified and where the money would go, and ask for consent. Replaces a proposal.

    Raises Refused (a field is empty), Forbidden (not staff, or one's own), WrongState (consented, canceled), Busy.
    """
    for field, text in (("destination", destination), ("verification", verification)):
        if not text.strip():
            raise Refused("Both the destination and how the customer was verified are needed.", field=field)
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, leg, arrangement = _load(arrangement_id, at)
        _require_other(staff, leg)
        arrangement.proposals += 1
        arrangement.kind = kind
        arrangement.destination = destination.strip()[:300]
        arrangement.verification = verification.strip()[:500]
        arrangement.proposed_by = staff
        arrangement.proposed_at = at
        arrangement.save(
            update_fields=["kind", "destination", "verification", "proposals", "proposed_by", "proposed_at"]
        )
        moves.letters.append(withdrawal_letters.proposed(leg, arrangement))
        withdrawal_moves.save(moves)
        return arrangement


def consent(*, arrangement_id: int, customer: User, way: str, at: datetime) -> Arrangement:
    """Record that the customer agrees, on the page, to the `way` that he was shown; the leg is then due.

    Raises NoSuchArrangement, AccountSuspended, NothingProposed, WrongState, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, leg, arrangement = _load(arrangement_id, at)
        if leg.withdrawal.customer_id != customer.pk:
            raise NoSuchArrangement("There is nothing to agree to here.")
        suspension.require_active_now(customer.pk)
        _require_proposed(arrangement, way)
        return _agree(moves, leg, arrangement, by=customer, note="On the page of the withdrawal.")


def record_consent(*, arrangement_id: int, way: str, note: str, staff: User, at: datetime) -> Arrangement:
    """Record a consent to `way` that the customer gave elsewhere; `note` says how and when. The leg is then due.

    Raises Refused (no note), Forbidden (not staff, or one's own), NothingProposed, WrongState, Busy.
    """
    if not note.strip():
        raise Refused("Say how and when the customer agreed.", field="note")
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, leg, arrangement = _load(arrangement_id, at)
        _require_other(staff, leg)
        _require_proposed(arrangement, way)
        return _agree(moves, leg, arrangement, by=staff, note=note.strip()[:500])


def give_up(*, arrangement_id: int, actor: User, at: datetime) -> Arrangement:
    """Put the money back on the balance, by the customer or by staff, as long as nobody has consented.

    Raises NoSuchArrangement, WrongState, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, leg, arrangement = _load(arrangement_id, at)
        if leg.withdrawal.customer_id != actor.pk and not actor.is_staff:
            raise NoSuchArrangement("There is nothing to give up here.")
        withdrawal_moves.move_leg(moves, leg, LegState.CANCELED, actor=actor, note="Put back on the balance")
        withdrawal_moves.follow_legs(moves)
        if actor.pk != leg.withdrawal.customer_id:
            moves.letters.append(withdrawal_letters.canceled(leg.withdrawal, leg.amount))
        moves.letters += withdrawal_letters.of_outcomes(moves)
        withdrawal_moves.save(moves)
        return arrangement


def _load(arrangement_id: int, at: datetime) -> tuple[Moves, WithdrawalLeg, Arrangement]:
    """Lock the withdrawal, its legs and the arrangement, in that order."""
    leg_id = Arrangement.objects.filter(pk=arrangement_id).values_list("leg_id", "leg__withdrawal_id").first()
    if leg_id is None:
        raise NoSuchArrangement("There is no such arrangement.")
    moves = withdrawal_moves.load([leg_id[1]], at=at)
    leg = next(leg for item in moves.loaded for leg in item.legs if leg.pk == leg_id[0])
    arrangement = Arrangement.objects.locked().get(pk=arrangement_id)
    if leg.state != LegState.ARRANGING:
        raise WrongState("This is settled already: it was agreed to, or put back on the balance.")
    return moves, leg, arrangement


def _require_other(staff: User, leg: WithdrawalLeg) -> None:
    if not staff.is_staff or staff.pk == leg.withdrawal.customer_id:
        raise Forbidden("Another way is arranged by staff, and never for oneself.")


def _require_proposed(arrangement: Arrangement, way: str) -> None:
    """Refuse a consent to anything but what is proposed now, under lock."""
    if arrangement.proposed_at is None:
        raise NothingProposed("Support has not proposed a way yet.")
    if arrangement.way != way:
        raise NothingProposed("The proposal has changed. Please look at it again.")


def _agree(moves: Moves, leg: WithdrawalLeg, arrangement: Arrangement, *, by: User, note: str) -> Arrangement:
    arrangement.consent_at = moves.at
    arrangement.consent_by = by
    arrangement.consent_note = note
    arrangement.save(update_fields=["consent_at", "consent_by", "consent_note"])
    leg.due_at = max(moves.at, leg.withdrawal.send_at)
    withdrawal_moves.move_leg(moves, leg, LegState.PLANNED, actor=by, note="Agreed")
    withdrawal_moves.follow_legs(moves)
    withdrawal_moves.save(moves)
    return arrangement
