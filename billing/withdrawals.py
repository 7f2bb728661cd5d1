"""Withdrawals: hold a part of the balance and plan its way back; cancel, approve or decline it before it is sent.

Whether and on what terms the policy allows it is decided above (refunds.balance_refunds). Opening one makes no call:
the legs are due rows that `billing.sending` carries out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing import ledger, planning, withdrawal_letters, withdrawal_moves
from billing.ledger import NewTransfer, Wallet
from billing.models import (
    Arrangement,
    Deposit,
    DepositState,
    GatewaySlug,
    LegState,
    Origin,
    TransferKind,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.models.withdrawal import BEGUN, STOPPABLE, state_of
from billing.planning import Plan
from billing.withdrawal_moves import Loaded, Moves, WrongState
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from panel.locking import busy_when_locked
from panel.notifications import outbox


class BadAmount(Refused):
    """The amount can't be withdrawn."""

    code = "bad_withdrawal_amount"


class PlanChanged(Conflict):
    """What would go where is no longer what the customer confirmed; nothing was opened."""

    code = "withdrawal_plan_changed"


class NoWayBack(Refused):
    """No deposit can take the amount, and the policy knows no other way."""

    code = "no_way_back"


class NotYours(NotFound):
    """There is no such withdrawal of this customer."""

    code = "withdrawal_not_found"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy said, and what is promised. `review_reason` is empty when nobody has to look first."""

    policy_version: int
    clause: str
    sentence: str
    review_reason: str
    alternative_allowed: bool
    send_at: datetime
    earliest: date
    send_by: date
    overdue_at: datetime
    bank_by: date


def open(  # noqa: A001 - read at call sites as withdrawals.open
    *, customer: User, amount: Decimal, terms: Terms, key: UUID, confirmed: str, at: datetime
) -> Withdrawal:
    """Hold `amount` (whole units of the currency) and plan its legs. The same `key` again returns the same withdrawal.

    `confirmed` is the digest of the plan that the customer saw.

    Raises BadAmount, PlanChanged, NoWayBack, AccountSuspended, Conflict (key used for another withdrawal), Busy.
    """
    if not money.fits(amount) or amount <= 0 or planning.whole_units(amount) != amount:
        raise BadAmount("The amount must be above 0 and in whole units of the currency.", field="amount")
    amount = money.exact(amount)
    with busy_when_locked(), transaction.atomic(durable=True):
        deposits = list(
            Deposit.objects.locked().filter(
                pk__in=[deposit.pk for deposit in planning.refundable_deposits(customer.pk)], state=DepositState.PAID
            )
        )
        wallet = ledger.lock_wallets([customer.pk])[customer.pk]
        found: Withdrawal | None = Withdrawal.objects.filter(key=key).first()
        if found is not None:
            return _same(found, customer, amount)
        suspension.require_active_now(customer.pk)
        _require_covered(amount, wallet)
        plan = planning.plan(amount, deposits, at=at)
        if plan.digest != confirmed:
            raise PlanChanged("Something about your deposits has changed. Please look at the plan again.")
        if plan.arranged and not terms.alternative_allowed:
            message = f"{money.display(plan.arranged, settings.PANEL_CURRENCY)} can't go back: {plan.why_arranged}"
            raise NoWayBack(message, field="amount")
        return _insert(customer, amount, plan, terms, key, wallet, at)


def cancel(*, withdrawal_id: int, customer: User, at: datetime) -> Withdrawal:
    """Cancel before anything is sent; the money is back on the balance at once. Canceling twice changes nothing.

    Raises NotYours, withdrawal_moves.WrongState (something of it was sent, or it is over), Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, item = _load(withdrawal_id, at)
        if item.withdrawal.customer_id != customer.pk:
            raise NotYours("There is no such withdrawal.")
        if item.withdrawal.state == WithdrawalState.CANCELED:
            return item.withdrawal
        if item.withdrawal.origin != Origin.CUSTOMER:
            raise WrongState("You did not ask for this one, so it can't be canceled. Please write to us about it.")
        if not BEGUN.isdisjoint(leg.state for leg in item.legs):
            raise WrongState(_too_late(item.withdrawal))
        returned = _cancel_legs(moves, item, actor=customer)
        withdrawal_moves.move(moves, item.withdrawal, WithdrawalState.CANCELED, actor=customer)
        withdrawal_moves.follow_legs(moves)
        moves.letters.append(withdrawal_letters.canceled(item.withdrawal, returned))
        withdrawal_moves.save(moves)
        return item.withdrawal


def approve(*, withdrawal_id: int, staff: User, at: datetime) -> Withdrawal:
    """Release a withdrawal from review: it is sent after a last while in which the customer can take it back.

    Raises Forbidden (not staff, or one's own), withdrawal_moves.WrongState, NotYours, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, item = _load(withdrawal_id, at)
        _require_reviewer(item.withdrawal, staff)
        suspension.require_active_now(item.withdrawal.customer_id)
        item.withdrawal.reviewed_by = staff
        item.withdrawal.send_at = max(item.withdrawal.send_at, at + settings.WITHDRAWAL_CANCEL_WINDOW)
        for leg in item.legs:
            if leg.state == LegState.PLANNED:
                leg.due_at = item.withdrawal.send_at
                withdrawal_moves.touch(moves, leg)
        withdrawal_moves.move(moves, item.withdrawal, WithdrawalState.SCHEDULED, actor=staff, note="Approved")
        withdrawal_moves.follow_legs(moves)
        moves.letters.append(withdrawal_letters.opened(item.withdrawal, item.legs))
        withdrawal_moves.save(moves)
        return item.withdrawal


def decline(*, withdrawal_id: int, staff: User, reason: str, at: datetime) -> Withdrawal:
    """Decline a withdrawal in review; the money is back on the balance at once.

    Of one that was put in review when a part was sent already, the rest is declined, and the part goes on.

    Raises Refused (no reason), Forbidden (not staff, or one's own), withdrawal_moves.WrongState, NotYours, Busy.
    """
    if not reason.strip():
        raise Refused("Say why: the customer will read it.", field="reason")
    with busy_when_locked(), transaction.atomic(durable=True):
        moves, item = _load(withdrawal_id, at)
        _require_reviewer(item.withdrawal, staff)
        item.withdrawal.reviewed_by = staff
        item.withdrawal.decline_reason = reason.strip()[:300]
        returned = _cancel_legs(moves, item, actor=staff)
        legs = [LegState(leg.state) for leg in item.legs]
        to = state_of(legs) if set(legs) & BEGUN else WithdrawalState.DECLINED
        withdrawal_moves.move(moves, item.withdrawal, to, actor=staff, note=reason.strip())
        withdrawal_moves.follow_legs(moves)
        moves.letters += [
            withdrawal_letters.declined(item.withdrawal, returned),
            *withdrawal_letters.of_outcomes(moves),
        ]
        withdrawal_moves.save(moves)
        return item.withdrawal


def _same(found: Withdrawal, customer: User, amount: Decimal) -> Withdrawal:
    if (found.customer_id, found.amount) != (customer.pk, amount):
        raise Conflict("This form was used for another withdrawal. Please open the page again.")
    return found


def _require_covered(amount: Decimal, wallet: Wallet) -> None:
    if amount > wallet.withdrawable:
        most = money.display(planning.whole_units(wallet.withdrawable), settings.PANEL_CURRENCY)
        message = f"You can withdraw at most {most}."
        raise BadAmount(message, field="amount")


def _insert(
    customer: User, amount: Decimal, plan: Plan, terms: Terms, key: UUID, wallet: Wallet, at: datetime
) -> Withdrawal:
    state = WithdrawalState.IN_REVIEW if terms.review_reason else WithdrawalState.SCHEDULED
    if state == WithdrawalState.SCHEDULED and not plan.parts:
        state = WithdrawalState.REQUESTED
    withdrawal = Withdrawal.objects.create(
        key=key,
        customer=customer,
        state=state,
        amount=amount,
        currency=settings.PANEL_CURRENCY,
        policy_version=terms.policy_version,
        clause=terms.clause,
        sentence=terms.sentence,
        review_reason=terms.review_reason,
        requested_at=at,
        send_at=terms.send_at,
        earliest_date=terms.earliest,
        send_by_date=terms.send_by,
        bank_by_date=terms.bank_by,
        overdue_at=terms.overdue_at,
        due_at=terms.send_at if state == WithdrawalState.SCHEDULED else None,
    )
    legs = _insert_legs(withdrawal, plan, at)
    WithdrawalEvent.objects.create(withdrawal=withdrawal, at=at, to_state=state, actor=customer)
    ledger.post([_held(withdrawal, wallet)], at=at)
    outbox.put([withdrawal_letters.opened(withdrawal, legs)], at=at)
    return withdrawal


def _insert_legs(withdrawal: Withdrawal, plan: Plan, at: datetime) -> Sequence[WithdrawalLeg]:
    legs = [
        WithdrawalLeg(
            withdrawal=withdrawal,
            deposit_id=part.deposit_id,
            gateway=part.gateway,
            state=LegState.PLANNED,
            amount=part.amount,
            due_at=withdrawal.send_at,
        )
        for part in plan.parts
    ]
    if plan.arranged:
        legs.append(
            WithdrawalLeg(
                withdrawal=withdrawal, gateway=GatewaySlug.MANUAL, state=LegState.ARRANGING, amount=plan.arranged
            )
        )
    WithdrawalLeg.objects.bulk_create(legs)
    if plan.arranged:
        Arrangement.objects.create(leg=legs[-1], reason=plan.why_arranged[:300], opened_at=at)
    return legs


def _held(withdrawal: Withdrawal, wallet: Wallet) -> NewTransfer:
    return NewTransfer(
        key=f"withdrawal:{withdrawal.pk}:opened",
        kind=TransferKind.WITHDRAWAL_OPENED,
        debit=wallet.available_id,
        credit=wallet.held_id,
        amount=withdrawal.amount,
        customer_id=withdrawal.customer_id,
        withdrawal_id=withdrawal.pk,
    )


def _load(withdrawal_id: int, at: datetime) -> tuple[Moves, Loaded]:
    moves = withdrawal_moves.load([withdrawal_id], at=at)
    if not moves.loaded:
        raise NotYours("There is no such withdrawal.")
    return moves, moves.loaded[0]


def _require_reviewer(withdrawal: Withdrawal, staff: User) -> None:
    if not staff.is_staff or staff.pk == withdrawal.customer_id:
        raise Forbidden("Withdrawals are reviewed by staff, and never one's own.")
    if withdrawal.state != WithdrawalState.IN_REVIEW:
        message = f"This withdrawal is not in review: it is {withdrawal.get_state_display().lower()}."
        raise WrongState(message)


def _cancel_legs(moves: Moves, item: Loaded, *, actor: User) -> Decimal:
    """Cancel the legs that were not begun, which returns their money; return how much. Raises WrongState for none."""
    stopped = [leg for leg in item.legs if leg.state in STOPPABLE]
    if not stopped:
        raise WrongState(_too_late(item.withdrawal))
    for leg in stopped:
        withdrawal_moves.move_leg(moves, leg, LegState.CANCELED, actor=actor)
    return sum((leg.amount for leg in stopped), money.ZERO)


def _too_late(withdrawal: Withdrawal) -> str:
    return f"This withdrawal can no longer be stopped: it is {withdrawal.get_state_display().lower()}."
