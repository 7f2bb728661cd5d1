"""Letters to staff."""

from collections.abc import Sequence
from datetime import date, datetime

from panel.accounts.models import User
from panel.notifications import writing
from panel.notifications.outbox import NewEmail


def staff_digest(
    *,
    staff: User,
    day: date,
    overdue: int,
    due_soon: int,
    lines: Sequence[str],
    urgent: Sequence[tuple[str, str]],
    url: str,
) -> NewEmail:
    """What waits at the desk on the morning of `day`: one letter a day and person.

    `overdue` and `due_soon` count everything of that kind; `lines` are sentences that say what it is; `urgent` are the
    most urgent rows, each with the address of its page.
    """
    counted = [f"{number:,} {word}" for number, word in ((overdue, "overdue"), (due_soon, "due soon")) if number]
    context = {
        "day": writing.day(day),
        "counted": ", ".join(counted) or "nothing is late",
        "lines": list(lines),
        "urgent": [f"{words}: {writing.link(address)}" for words, address in urgent],
        "url": writing.link(url),
    }
    return writing.letter(staff, f"digest:{day.isoformat()}:{staff.pk}", "staff_digest", context)


def dispute_due(
    *, staff: User, dispute: int, claim: str, respond_by: datetime, hours: int, state: str, url: str
) -> NewEmail:
    """A dispute has to be answered within `hours`; `state` says in a sentence how far its evidence is."""
    context = {
        "dispute": str(dispute),
        "amount": claim,
        "respond_by": writing.moment(respond_by, reader=staff),
        "hours": str(hours),
        "state": state,
        "url": writing.link(url),
    }
    key = f"dispute:{dispute}:due:{respond_by:%Y%m%d%H%M}:{hours}:{staff.pk}"
    return writing.letter(staff, key, "dispute_due", context)
