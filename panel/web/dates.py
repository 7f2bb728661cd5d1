"""Days and moments in words for people: days are the panel's, since they are promised; moments are the reader's."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from billing import promises
from panel.kernel import business_days, time_zones
from panel.notifications import writing


@dataclass(frozen=True, slots=True)
class Day:
    """A day: `Friday, November 27`, and how far off it is: `in 3 business days`."""

    date: date
    words: str
    countdown: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: `14:05 UTC` of today, `Monday, November 23, 00:05 UTC` of another day."""

    at: datetime
    words: str


def day(shown: date, *, at: datetime) -> Day:
    """Word a day of the panel's zone as seen at `at`."""
    today = at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    calendar = business_days.calendar(settings.BUSINESS_CALENDAR)
    return Day(shown, promises.in_words(shown, today=today), promises.countdown(shown, today=today, calendar=calendar))


def moment(shown: datetime, *, at: datetime) -> Moment:
    """Word an instant of the reader's zone as seen at `at`."""
    local, today = timezone.localtime(shown), timezone.localdate(at)
    clock = f"{local:%H:%M} {time_zones.mark(local)}"
    words = clock if local.date() == today else f"{promises.in_words(local.date(), today=today)}, {clock}"
    return Moment(shown, words)


def moment_in_full(shown: datetime, *, at: datetime) -> Moment:
    """Word an instant of the reader's zone with its day, whatever day it is: `Monday, November 23, 00:05 UTC`."""
    local = timezone.localtime(shown)
    day_in_words = promises.in_words(local.date(), today=timezone.localdate(at))
    return Moment(shown, f"{day_in_words}, {local:%H:%M} {time_zones.mark(local)}")


def reckoning() -> str:
    """Say whose business days and whose clock the dates are by."""
    return writing.reckoning()
