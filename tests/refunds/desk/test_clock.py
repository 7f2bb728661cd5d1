"""The countdown of a request, in words: what is left of the promised hours, how late it is, how late it was."""

from datetime import timedelta

import pytest

from refunds.desk import clock
from refunds.desk.clock import Urgency
from refunds.models import RefundRequest
from tests.factories import AT

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def opened(closed_after: timedelta | None = None) -> RefundRequest:
    """Return a request that was opened at AT and promised within 24 to 48 hours."""
    closed_at = None if closed_after is None else AT + closed_after
    return RefundRequest(opened_at=AT, answer_from=AT + 24 * HOUR, due_at=AT + 48 * HOUR, closed_at=closed_at)


@pytest.mark.parametrize(
    ("after", "urgency", "words"),
    [
        (timedelta(0), Urgency.LATER, "due in 2 d of 24 to 48 h"),
        (36 * HOUR - SECOND, Urgency.LATER, "due in 12 h of 24 to 48 h"),
        (36 * HOUR, Urgency.SOON, "due in 12 h of 24 to 48 h"),
        (timedelta(hours=42, minutes=40), Urgency.SOON, "due in 5 h 20 min of 24 to 48 h"),
        (48 * HOUR - SECOND, Urgency.SOON, "due in under a minute of 24 to 48 h"),
        (48 * HOUR, Urgency.OVERDUE, "overdue by under a minute"),
        (50 * HOUR, Urgency.OVERDUE, "overdue by 2 h"),
        (timedelta(days=5, minutes=3), Urgency.OVERDUE, "overdue by 3 d"),
    ],
)
def test_counts_down_to_what_was_promised_and_on_from_there(after: timedelta, urgency: Urgency, words: str) -> None:
    found = clock.countdown(opened(), AT + after)

    assert (found.urgency, found.words) == (urgency, words)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (30 * HOUR, "answered after 1 d 6 h, in time"),
        (48 * HOUR, "answered after 2 d, in time"),
        (49 * HOUR, "answered after 2 d 1 h, 1 h late"),
        (timedelta(0), "answered after under a minute, in time"),
    ],
)
def test_says_of_an_answered_request_whether_the_promise_was_kept(after: timedelta, words: str) -> None:
    found = clock.countdown(opened(after), AT + 100 * HOUR)

    assert (found.urgency, found.words) == (Urgency.CLOSED, words)


def test_promised_hours_are_those_of_its_opening() -> None:
    assert clock.promised_hours(opened()) == (24, 48)
