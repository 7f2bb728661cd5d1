"""What a gateway says of refunds by itself: of our own legs, and of refunds that were made by hand in its dashboard.

A refund by hand has taken the customer's money out of the panel already, so it is booked like a withdrawal: from the
available balance as far as that reaches, the rest as debt. Never clamped away, and never twice for one reference.
"""

from datetime import datetime
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone

from billing import gateways, ledger, withdrawal_letters, withdrawal_moves
from billing.gateways.base import RefundReport, RefundStanding
from billing.ledger import NewTransfer
from billing.models import (
    Deposit,
    LegState,
    Origin,
    TransferKind,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.sending import outcomes
from billing.withdrawal_moves import Moves
from panel.kernel import money
from panel.kernel.errors import Conflict, NotFound
from panel.locking import busy_when_locked

log = structlog.get_logger()

_WENT_WRONG = frozenset({RefundStanding.FAILED, RefundStanding.CANCELED})


class NotKnown(NotFound):
    """The refund is of a payment that we don't know, or don't know yet."""

    code = "refund_not_known"


class NotClear(Conflict):
    """The refund is not ours and nobody can say whether it moved money; a person has to look."""

    code = "refund_not_clear"


class NoRoomYet(Conflict):
    """A withdrawal that is being sent holds what was refunded by hand; its outcome will make room."""

    code = "refund_without_room"


def refresh(reference: str, *, gateway: str, at: datetime) -> None:
    """Read a refund anew at the gateway, because it said that something happened, and take it in.

    Raises NotKnown, NoRoomYet, Busy, GatewayError.
    """
    take_in(gateways.get(gateway).fetch_refund(reference), gateway=gateway, at=at)


def refresh_payment(payment_reference: str, *, gateway: str, at: datetime) -> None:
    """Read all refunds of a payment anew and take them in. Raises NotKnown, NoRoomYet, Busy, GatewayError."""
    for report in gateways.get(gateway).refunds_of(payment_reference):
        take_in(report, gateway=gateway, at=at)


def take_in(report: RefundReport, *, gateway: str, at: datetime) -> None:
    """Apply a report to the leg that it is about, or book it as made by hand. The same report again changes nothing.

    Raises NotKnown, NotClear, NoRoomYet, Busy.
    """
    leg = _leg_of(report, gateway)
    if leg and outcomes.record_report(report, leg_id=leg.pk, withdrawal_id=leg.withdrawal_id, at=at):
        return
    if report.standing in _WENT_WRONG:
        return
    deposit = Deposit.objects.filter(gateway=gateway, payment_reference=report.payment_reference).first()
    if deposit is None:
        message = f"{report.reference} is a refund of no deposit of this panel."
        raise NotKnown(message)
    if report.standing == RefundStanding.UNRECOGNIZED:
        message = f"{report.reference} is in a state that is not known: {report.status}."
        raise NotClear(message)
    booked = _book(report, deposit, at)
    outcomes.record_report(report, leg_id=booked.pk, withdrawal_id=booked.withdrawal_id, at=at)


def _leg_of(report: RefundReport, gateway: str) -> WithdrawalLeg | None:
    by_reference: WithdrawalLeg | None = WithdrawalLeg.objects.filter(
        gateway=gateway, reference=report.reference
    ).first()
    if by_reference or report.leg is None:
        return by_reference
    ours: WithdrawalLeg | None = (
        WithdrawalLeg.objects.select_related("deposit").filter(pk=report.leg, gateway=gateway).first()
    )
    payment = (ours.deposit.payment_reference if ours.deposit else "") if ours else None
    return ours if payment == report.payment_reference else None


def _book(report: RefundReport, found: Deposit, at: datetime) -> WithdrawalLeg:
    """Insert a withdrawal with one leg, begun, and take its money. One reference is inserted once."""
    log.warning("refund_by_hand", reference=report.reference, deposit=found.pk, amount=str(report.amount))
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, deposit = _lock(found, at)
        again: WithdrawalLeg | None = WithdrawalLeg.objects.filter(
            gateway=deposit.gateway, reference=report.reference
        ).first()
        if again is not None:
            return again
        wallet = ledger.lock_wallets([deposit.customer_id])[deposit.customer_id]
        returned = _make_room(moves, deposit, report, available=wallet.available)
        today = timezone.localdate(at)
        bank_days = gateways.get(deposit.gateway).describe().bank_days[1]
        withdrawal = Withdrawal.objects.create(
            customer_id=deposit.customer_id,
            origin=Origin.GATEWAY,
            state=WithdrawalState.SENDING,
            amount=report.amount,
            currency=settings.PANEL_CURRENCY,
            sentence="Refunded by our staff at the payment processor.",
            requested_at=at,
            send_at=at,
            earliest_date=today,
            send_by_date=today,
            bank_by_date=withdrawal_letters.arrives_by(at, bank_days=bank_days),
            overdue_at=at,
            due_at=at,
        )
        leg = WithdrawalLeg.objects.create(
            withdrawal=withdrawal,
            deposit=deposit,
            gateway=deposit.gateway,
            state=LegState.SENDING,
            amount=report.amount,
            attempted_at=at,
            reference=report.reference,
            due_at=at,
        )
        WithdrawalEvent.objects.create(
            withdrawal=withdrawal, at=at, to_state=WithdrawalState.SENDING, note="Refunded by hand at the gateway"
        )
        available = min(wallet.available + returned, report.amount)
        sides = ((wallet.available_id, available, "balance"), (wallet.debt_id, report.amount - available, "debt"))
        ledger.post(
            [
                NewTransfer(
                    key=f"leg:{leg.pk}:taken:{name}",
                    kind=TransferKind.GATEWAY_REFUND,
                    debit=account,
                    credit=wallet.held_id,
                    amount=money.exact(amount),
                    customer_id=deposit.customer_id,
                    deposit_id=deposit.pk,
                    withdrawal_id=withdrawal.pk,
                )
                for account, amount, name in sides
                if amount > 0
            ],
            at=at,
        )
        return leg


def _lock(found: Deposit, at: datetime) -> tuple[Moves, Deposit]:
    """Lock the withdrawals that have planned legs of a deposit, and then the deposit."""
    planned = WithdrawalLeg.objects.filter(deposit=found, state=LegState.PLANNED)
    moves = withdrawal_moves.load(planned.values_list("withdrawal_id", flat=True), at=at)
    deposit: Deposit = Deposit.objects.locked().get(pk=found.pk)
    return moves, deposit


def _make_room(moves: Moves, deposit: Deposit, report: RefundReport, *, available: Decimal) -> Decimal:
    """Cancel planned legs of the deposit as far as the refund needs their room or their money; return how much it was.

    The money too: staff may have refunded by hand the very wish that is planned, and it must not be sent as well.
    Raises NoRoomYet.
    """
    returned = money.ZERO
    # Not less what disputes claim: the refund has happened, and refund and dispute both take from what we have.
    room = deposit.amount - deposit.refunded - deposit.reserved
    for leg in (leg for item in moves.loaded for leg in item.legs):
        if room >= report.amount and available + returned >= report.amount:
            break
        if leg.state == LegState.PLANNED and leg.deposit_id == deposit.pk:
            leg.failure = "Our staff refunded this payment at the payment processor, so it was not sent a second time."
            withdrawal_moves.move_leg(moves, leg, LegState.CANCELED, note="Refunded by hand at the gateway")
            moves.letters.append(withdrawal_letters.failed(leg))
            room += leg.amount
            returned += leg.amount
    if room < report.amount:
        message = f"{report.reference} has no room on deposit {deposit.pk} while a withdrawal of it is being sent."
        raise NoRoomYet(message)
    withdrawal_moves.follow_legs(moves)
    moves.letters += withdrawal_letters.of_outcomes(moves)
    withdrawal_moves.save(moves)
    Deposit.objects.filter(pk=deposit.pk).update(
        disputed=Least("disputed", F("amount") - F("refunded") - F("reserved") - report.amount)
    )
    return returned
