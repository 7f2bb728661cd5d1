"""How much of the promised time is left for an answer, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from refunds.models import RefundRequest
from refunds.models.request import DUE_SOON
from refunds.policy import wording


class Urgency(StrEnum):
    """How pressing an answer is; the words of the queue's tabs."""

    OVERDUE = "overdue"
    SOON = "due_soon"
    LATER = "later"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Countdown:
    """How a request stands against its promise."""

    urgency: Urgency
    words: str


def countdown(request: RefundRequest, at: datetime) -> Countdown:
    """Say how long an answer may still take, and of how many hours; or how the promise was kept."""
    promised = wording.span(*promised_hours(request))
    if request.closed_at is not None:
        late = request.closed_at - request.due_at
        kept = f"{span(late)} late" if late > timedelta(0) else "in time"
        return Countdown(Urgency.CLOSED, f"answered after {span(request.closed_at - request.opened_at)}, {kept}")
    if request.due_at <= at:
        return Countdown(Urgency.OVERDUE, f"overdue by {span(at - request.due_at)}")
    words = f"due in {span(request.due_at - at)} of {promised} h"
    return Countdown(Urgency.SOON if request.due_at <= at + DUE_SOON else Urgency.LATER, words)


def promised_hours(request: RefundRequest) -> tuple[int, int]:
    """Return from how many hours to how many the policy promised when the request was opened."""
    hour = timedelta(hours=1)
    return (request.answer_from - request.opened_at) // hour, (request.due_at - request.opened_at) // hour


def span(length: timedelta) -> str:
    """Write a length of time with its two largest units: `5 h 20 min`, `2 d 3 h`, `under a minute`."""
    minutes = int(length.total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "d"), (hours, "h"), (minutes % 60, "min")]
    first = next((place for place, (number, _) in enumerate(parts) if number), None)
    if first is None:
        return "under a minute"
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)
