"""Business days: on which days banks and people work, so that "within 5 business days" names a date.

Pure: no clock, no settings. What is a free day comes from the `holidays` library: the public holidays of a country,
one of its parts, or a financial market, and the weekend of that place in that year.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays
from holidays.holiday_base import HolidayBase

_DAY: Final = timedelta(days=1)


class UnknownCalendar(ValueError):
    """No country, part of a country or market goes by this code."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of one place. Get one from `calendar()`, which knows whether the place exists.

    After `last_known_year`, only weekends are free.
    """

    code: str

    @property
    def last_known_year(self) -> int:
        """The last year whose holidays the library knows, such as 2100; much nearer for a few places."""
        return _library(self.code, years=[]).end_year

    def is_business_day(self, day: date) -> bool:
        """Whether `day` is neither a weekend day nor a public holiday there."""
        return day not in _free_days(self.code, day.year)

    def add(self, start: date, days: int) -> date:
        """Return the `days`-th business day after `start`, which itself never counts.

        With 0 days: the first business day at or after `start`. So 0 and 1 give the same day after a free one.

        Raises ValueError when `days` is negative.
        """
        if days < 0:
            raise ValueError(f"{days} business days can't be added: the count is 0 or more")
        day, left = start, days
        if days == 0:
            while not self.is_business_day(day):
                day += _DAY
        while left:
            day += _DAY
            left -= self.is_business_day(day)
        return day

    def between(self, start: date, end: date) -> int:
        """Count the business days after `start` up to and with `end`; below 0 when `end` is before `start`.

        The reverse of `add`: `between(start, add(start, n)) == n` for every n above 0.
        """
        if end < start:
            return -self.between(end, start)
        return sum(self.is_business_day(start + _DAY * number) for number in range(1, (end - start).days + 1))


@cache
def calendar(code: str) -> Calendar:
    """Return the calendar of a country (`US`), a part of one (`US-CA`, `DE-BY`) or a market (`XNYS`, `ECB`).

    Codes are those of ISO 3166 and of the exchanges (ISO 10383), in capitals, as far as the library has them.

    Raises UnknownCalendar with a sentence that says which part of the code is unknown.
    """
    place, dash, part = code.partition("-")
    countries, markets = holidays.list_supported_countries(), holidays.list_supported_financial()
    if place not in countries and place not in markets:
        raise UnknownCalendar(
            f"{code!r} is no calendar: use a country such as US, a part such as US-CA, or a market such as XNYS"
        )
    if dash and part not in countries.get(place, []):
        raise UnknownCalendar(f"{code!r} is no calendar: {place} has no part {part!r}")
    return Calendar(code)


@cache
def _free_days(code: str, year: int) -> frozenset[date]:
    """Return the weekend days and holidays of one year.

    The library's own objects fill themselves while they are read, and mark a year as known before its holidays are
    in: another thread would take Thanksgiving for a business day. So one is built for each year and never shared.
    """
    known = _library(code, years=[year])
    first = date(year, 1, 1)
    count = (date(year, 12, 31) - first).days + 1
    every = (first + _DAY * number for number in range(count))
    return frozenset(day for day in every if not known.is_working_day(day))


def _library(code: str, *, years: Iterable[int]) -> HolidayBase:
    place, _, part = code.partition("-")
    if place in holidays.list_supported_countries():
        return holidays.country_holidays(place, subdiv=part or None, years=years, expand=False)
    return holidays.financial_holidays(place, years=years, expand=False)
