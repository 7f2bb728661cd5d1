"""The letters that belong to the moves of withdrawals."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from billing import gateways, pages, promises
from billing.models import Arrangement, LegState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.withdrawal_moves import Loaded, Moves
from panel.kernel import business_days, money
from panel.notifications import letters
from panel.notifications.outbox import NewEmail

_OVER: Final = frozenset({LegState.PAID, LegState.FAILED, LegState.CANCELED})
_LONG_ENOUGH_TO_MASK: Final = 8


def destination(leg: WithdrawalLeg) -> str:
    """Say where a leg goes, in words for people."""
    if leg.deposit is not None:
        return leg.deposit.method
    return "a way that support arranges with you" if leg.state == LegState.ARRANGING else "the way agreed with support"


def arrives_by(sent_at: datetime, *, bank_days: int) -> date:
    """Return the business day by which what was sent at `sent_at` is with a bank that takes at most `bank_days`."""
    return promises.arrival(
        sent_at,
        bank_days=bank_days,
        calendar=business_days.calendar(settings.BUSINESS_CALENDAR),
        zone=ZoneInfo(settings.TIME_ZONE),
    )


def bank_by(withdrawal: Withdrawal, legs: Iterable[WithdrawalLeg]) -> date:
    """Return until when these legs are with the customer: the promised day, or a later one counted from the sending.

    One whose confirmation took longer than the bank may take counts from the confirmation.
    """
    day: date = withdrawal.bank_by_date
    for leg in legs:
        days = gateways.get(leg.gateway).describe().bank_days[1]
        for at, fewest in ((leg.sent_at, days), (leg.paid_at, 0)):
            if at is not None and arrives_by(at, bank_days=fewest) > day:
                day = arrives_by(at, bank_days=days)
    return day


def opened(withdrawal: Withdrawal, legs: Sequence[WithdrawalLeg]) -> NewEmail:
    """A withdrawal was requested or approved: scheduled, to be arranged, or first looked at by a person."""
    going = [leg for leg in legs if leg.state == LegState.PLANNED]
    arranged = sum((leg.amount for leg in legs if leg.state == LegState.ARRANGING), money.ZERO)
    if withdrawal.state == WithdrawalState.IN_REVIEW:
        return letters.withdrawal_in_review(
            customer=withdrawal.customer,
            withdrawal_number=withdrawal.pk,
            amount=withdrawal.amount,
            reason=withdrawal.review_reason,
            send_by=withdrawal.send_by_date if going else None,
            arranged=arranged,
            url=pages.withdrawal(withdrawal.pk),
        )
    if not going:
        return letters.withdrawal_arranging(
            customer=withdrawal.customer,
            withdrawal_number=withdrawal.pk,
            amount=arranged,
            reason=Arrangement.objects.values_list("reason", flat=True).get(leg__withdrawal=withdrawal.pk),
            url=pages.withdrawal(withdrawal.pk),
        )
    send_by = promises.still_to_be_kept(
        withdrawal.send_by_date,
        send_at=withdrawal.send_at,
        calendar=business_days.calendar(settings.BUSINESS_CALENDAR),
        zone=ZoneInfo(settings.TIME_ZONE),
    )
    return letters.withdrawal_scheduled(
        customer=withdrawal.customer,
        withdrawal_number=withdrawal.pk,
        parts=[(leg.amount, destination(leg)) for leg in going],
        send_by=send_by,
        bank_by=_bank_by_when_sent_on(send_by, withdrawal, going),
        arranged=arranged,
        cancel_until=withdrawal.send_at,
        url=pages.withdrawal(withdrawal.pk),
    )


def canceled(withdrawal: Withdrawal, returned: Decimal) -> NewEmail:
    """It was canceled before it was sent, which put `returned` back."""
    return letters.withdrawal_canceled(
        customer=withdrawal.customer,
        withdrawal_number=withdrawal.pk,
        amount=returned,
        url=pages.withdrawal(withdrawal.pk),
    )


def declined(withdrawal: Withdrawal, returned: Decimal) -> NewEmail:
    """Staff declined it, or `returned` of it when the rest was sent already."""
    return letters.withdrawal_declined(
        customer=withdrawal.customer,
        withdrawal_number=withdrawal.pk,
        amount=returned,
        reason=withdrawal.decline_reason,
        url=pages.withdrawal(withdrawal.pk),
    )


def failed(leg: WithdrawalLeg) -> NewEmail:
    """A leg was not paid, for the reason that it carries, and is back on the balance."""
    return letters.withdrawal_failed(
        customer=leg.withdrawal.customer,
        withdrawal_number=leg.withdrawal_id,
        leg=leg.pk,
        amount=leg.amount,
        method=destination(leg),
        reason=leg.failure,
        url=pages.withdrawal(leg.withdrawal_id),
        way_out=pages.WITHDRAW,
    )


def proposed(leg: WithdrawalLeg, arrangement: Arrangement) -> NewEmail:
    """Support proposes another way for a leg. Where to stands on the page only: e-mail is read by others too."""
    return letters.alternative_proposed(
        customer=leg.withdrawal.customer,
        withdrawal_number=leg.withdrawal_id,
        leg=leg.pk,
        amount=leg.amount,
        destination=_masked(arrangement),
        url=pages.withdrawal(leg.withdrawal_id),
        proposal=arrangement.proposals,
    )


def of_outcomes(moves: Moves) -> list[NewEmail]:
    """Return the confirmations of what came to be paid, and a letter for each leg that failed just now.

    What goes back to deposits is confirmed together, and what support arranged by itself: neither waits for the other,
    and no part is told twice.
    """
    found: list[NewEmail] = []
    for item in moves.loaded:
        for group in _told_together(item):
            states = {leg.state for leg in group}
            if LegState.PAID in states and states <= _OVER and any(leg.pk in moves.legs for leg in group):
                found.append(_paid(item.withdrawal, group))
        found += [
            failed(leg)
            for leg in item.legs
            if leg.pk in moves.legs and leg.state == LegState.FAILED and leg.failed_at == moves.at
        ]
    return found


def _told_together(item: Loaded) -> list[list[WithdrawalLeg]]:
    to_deposits = [leg for leg in item.legs if leg.deposit_id is not None]
    return [to_deposits, *([leg] for leg in item.legs if leg.deposit_id is None)]


def _paid(withdrawal: Withdrawal, group: Sequence[WithdrawalLeg]) -> NewEmail:
    paid = [leg for leg in group if leg.state == LegState.PAID]
    returned = [leg.amount for leg in group if leg.state in {LegState.FAILED, LegState.CANCELED}]
    return letters.withdrawal_paid(
        customer=withdrawal.customer,
        withdrawal_number=withdrawal.pk,
        amount=sum((leg.amount for leg in paid), money.ZERO),
        parts=[(leg.amount, destination(leg), leg.bank_reference) for leg in paid],
        returned=sum(returned, money.ZERO),
        bank_by=bank_by(withdrawal, paid),
        url=pages.withdrawal(withdrawal.pk),
        leg=paid[0].pk if paid[0].deposit_id is None else None,
    )


def _bank_by_when_sent_on(send_by: date, withdrawal: Withdrawal, going: Iterable[WithdrawalLeg]) -> date:
    if send_by == withdrawal.send_by_date:
        return withdrawal.bank_by_date
    most = max(gateways.get(leg.gateway).describe().bank_days[1] for leg in going)
    return business_days.calendar(settings.BUSINESS_CALENDAR).add(send_by, most)


def _masked(arrangement: Arrangement) -> str:
    known = "".join(character for character in arrangement.destination if character.isalnum())
    kind = arrangement.get_kind_display()
    return f"{kind} ending in {known[-4:]}" if len(known) >= _LONG_ENOUGH_TO_MASK else kind
