"""A withdrawal in words for its customer: where it stands, what happened, what comes next."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings

from billing import withdrawal_letters
from billing.models import GatewaySlug, LegState, Origin, Withdrawal, WithdrawalEvent, WithdrawalLeg, WithdrawalState
from billing.models.withdrawal import PROMISED, may_be_taken_back
from panel.kernel import money
from panel.web import dates
from panel.web.balance_queries import Story
from panel.web.dates import Day, Moment

_TO_BE_SENT: Final = frozenset({LegState.PLANNED, LegState.SENDING, LegState.UNKNOWN})
_SENT: Final = frozenset({LegState.SENT, LegState.PAID})
_BACK: Final = "The money is on your balance."
_STANDS: Final = {
    WithdrawalState.SENDING: "It is being sent.",
    WithdrawalState.UNKNOWN: (
        "We have no clear answer yet whether it was sent, and are finding out. It is never sent twice."
    ),
    WithdrawalState.SENT: "It was sent, and the payment processor has yet to confirm it.",
    WithdrawalState.FAILED: f"It could not be paid back. {_BACK}",
    WithdrawalState.CANCELED: f"It was canceled before it was sent. {_BACK}",
}
_ENDINGS: Final = frozenset({WithdrawalState.CANCELED, WithdrawalState.DECLINED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One step: when, the state that its mark is colored by, and what happened."""

    at: datetime
    state: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a withdrawal stands.

    Attributes:
        text: one or two sentences.
        is_late: whether something should have been sent by now and was not; what is arranged with support has no day.
        is_to_be_sent: whether something that has a day is still to be sent.
        may_cancel: for showing only; withdrawals.cancel checks again under lock.
        comes_by: until when the bank shows it; None when nothing is on its way there, or late.
        cancel_until: until when it is sure not to be sent; None when that is over, or nothing is scheduled.
        fingerprint: equal as long as nothing that the page says has changed.
    """

    text: str
    is_late: bool
    is_to_be_sent: bool
    may_cancel: bool
    earliest: Day
    send_by: Day
    comes_by: Day | None
    cancel_until: Moment | None
    fingerprint: str


def standing(story: Story, *, at: datetime) -> Standing:
    """Say where a withdrawal stands at `at`."""
    withdrawal, state = story.withdrawal, WithdrawalState(story.withdrawal.state)
    legs = {LegState(leg.state) for leg in story.legs}
    is_to_be_sent = state in PROMISED and any(_has_a_day(leg) and leg.state in _TO_BE_SENT for leg in story.legs)
    is_late = is_to_be_sent and at >= withdrawal.overdue_at
    may_cancel = withdrawal.origin == Origin.CUSTOMER and may_be_taken_back(legs) and not state.is_over
    is_waiting = may_cancel and state == WithdrawalState.SCHEDULED and at < withdrawal.send_at
    references = "".join(leg.bank_reference for leg in story.legs)
    proposed = story.arrangement.proposed_at.isoformat() if story.arrangement and story.arrangement.proposed_at else ""
    return Standing(
        text=_late_text(story, state) if is_late else _standing_text(story, state, at),
        is_late=is_late,
        is_to_be_sent=is_to_be_sent,
        may_cancel=may_cancel,
        earliest=dates.day(withdrawal.earliest_date, at=at),
        send_by=dates.day(withdrawal.send_by_date, at=at),
        comes_by=None if is_late else _comes_by(story, state, at),
        cancel_until=dates.moment(withdrawal.send_at, at=at) if is_waiting else None,
        fingerprint=f"{story.events[-1].pk if story.events else 0}:{is_late:d}:{is_waiting:d}:{references}:{proposed}",
    )


def entries(story: Story) -> list[Entry]:
    """Return what happened, oldest first. Tries and retries of sending stay inside."""
    legs = {leg.pk: leg for leg in story.legs}
    decided_at = {event.at for event in story.events if event.leg_id is None and event.to_state in _ENDINGS}
    found: list[Entry | None] = []
    for event in story.events:
        if event.leg_id is None:
            found.append(_decision(story.withdrawal, event))
        elif not (event.to_state == LegState.CANCELED and event.at in decided_at):
            found.append(_of_leg(event, legs[event.leg_id]))
    return [entry for entry in found if entry is not None]


def _standing_text(story: Story, state: WithdrawalState, at: datetime) -> str:  # noqa: PLR0911 - a sentence for each
    withdrawal = story.withdrawal
    match state:
        case WithdrawalState.REQUESTED:
            return f"No payment of yours can take this back, so another way is arranged: {_turn(story)}"
        case WithdrawalState.IN_REVIEW:
            return f"{withdrawal.review_reason} Until then the money is set aside for you."
        case WithdrawalState.SCHEDULED:
            return _scheduled_text(story, dates.day(withdrawal.send_by_date, at=at).words)
        case WithdrawalState.SENDING if turn := _turn(story):
            under_way = any(leg.state in _TO_BE_SENT for leg in story.legs)
            return f"A part {'is being' if under_way else 'was'} sent. Another way is arranged for the rest: {turn}"
        case WithdrawalState.DECLINED:
            return f"It was declined: {sentence(withdrawal.decline_reason)} {_BACK}"
        case WithdrawalState.PAID:
            return _paid_text(story)
    return _STANDS[state]


def _scheduled_text(story: Story, send_by: str) -> str:
    planned = [leg for leg in story.legs if leg.state == LegState.PLANNED]
    turn = _turn(story)
    if turn:
        amount = _money(sum((leg.amount for leg in planned), money.ZERO))
        return f"{amount} will be sent by {send_by}. Another way is arranged for the rest: {turn}"
    if any(_has_a_day(leg) for leg in planned):
        return f"It will be sent by {send_by}. You need do nothing."
    return "Our staff will send it the way that you agreed to, and write to you when it was sent. You need do nothing."


def _paid_text(story: Story) -> str:
    paid = [leg for leg in story.legs if leg.state == LegState.PAID]
    by = "our staff" if all(leg.gateway == GatewaySlug.MANUAL for leg in paid) else "the payment processor"
    if any(leg.state == LegState.FAILED for leg in story.legs):
        return f"A part was sent, as {by} confirmed, and a part came back to your balance."
    return f"It was sent, and {by} confirmed it."


def _turn(story: Story) -> str:
    """Say whose turn it is with what support arranges; empty when nothing is being arranged."""
    if all(leg.state != LegState.ARRANGING for leg in story.legs):
        return ""
    if story.arrangement is not None and story.arrangement.proposed_at is not None:
        return "support has made a proposal, and nothing of it is sent before you agree."
    return "support will write to you, and nothing of it is sent before you agree."


def _late_text(story: Story, state: WithdrawalState) -> str:
    if state == WithdrawalState.SCHEDULED:
        turn = _turn(story)
        return (
            f"A part waits to be sent. Another way is arranged for the rest: {turn}" if turn else "It waits to be sent."
        )
    return "A person is to look at it first." if state == WithdrawalState.IN_REVIEW else _STANDS[state]


def _has_a_day(leg: WithdrawalLeg) -> bool:
    """Whether a day of sending was promised: not for what is arranged with support, which waits for the customer."""
    return leg.deposit_id is not None


def _comes_by(story: Story, state: WithdrawalState, at: datetime) -> Day | None:
    """Return until when what goes to a bank is there, as far as that is known."""
    if story.withdrawal.origin == Origin.GATEWAY or (state.is_over and state != WithdrawalState.PAID):
        return None
    coming = [leg for leg in story.legs if leg.state in _SENT or (leg.state in _TO_BE_SENT and _has_a_day(leg))]
    return dates.day(withdrawal_letters.bank_by(story.withdrawal, coming), at=at) if coming else None


def _decision(withdrawal: Withdrawal, event: WithdrawalEvent) -> Entry | None:
    """Word what happened to the whole of it; what only follows its parts is told by them."""
    amount = _money(withdrawal.amount)
    if not event.from_state:
        if withdrawal.origin != Origin.CUSTOMER:
            by = "Refunded by our staff" if withdrawal.origin == Origin.GATEWAY else "Paid back by us"
            return Entry(event.at, event.to_state, by, f"{amount} goes back to your payment method.")
        looked = " A person looks at it first." if event.to_state == WithdrawalState.IN_REVIEW else ""
        return Entry(event.at, event.to_state, "Asked for", f"{amount} was set aside from your balance.{looked}")
    if event.from_state == WithdrawalState.IN_REVIEW and event.to_state == WithdrawalState.SCHEDULED:
        return Entry(event.at, event.to_state, "Approved", "A person has looked at it.")
    if event.to_state == WithdrawalState.DECLINED:
        return Entry(
            event.at,
            event.to_state,
            "Declined",
            f"{sentence(withdrawal.decline_reason)} The money is on your balance.",
        )
    if event.to_state == WithdrawalState.CANCELED:
        by = " by you" if event.actor_id == withdrawal.customer_id else ""
        return Entry(event.at, event.to_state, f"Canceled{by}", f"Nothing was sent. {_BACK}")
    return None


def _of_leg(event: WithdrawalEvent, leg: WithdrawalLeg) -> Entry | None:
    amount, to = _money(leg.amount), withdrawal_letters.destination(leg)
    match event.to_state:
        case LegState.PLANNED if event.from_state == LegState.ARRANGING:
            return Entry(event.at, event.to_state, "Agreed", f"{amount} goes the way that you agreed on with support.")
        case LegState.SENT:
            return Entry(event.at, event.to_state, "Sent", f"{amount} to {to}.")
        case LegState.PAID:
            return Entry(event.at, event.to_state, "Paid back", f"{amount} to {to}.")
        case LegState.FAILED:
            label = "Came back" if event.from_state == LegState.PAID else "Failed"
            return Entry(
                event.at, event.to_state, label, f"{amount} to {to}: {sentence(event.note)} It is on your balance."
            )
        case LegState.CANCELED:
            return Entry(event.at, event.to_state, "Put back", f"{amount} is on your balance again.")
    return None


def sentence(text: str) -> str:
    """End what staff or a gateway wrote as a sentence."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _money(amount: Decimal) -> str:
    return money.display(amount, settings.PANEL_CURRENCY)
