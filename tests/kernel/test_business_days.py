"""Business days by countries, their parts and markets. Dates are those of real calendars."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.kernel import business_days

THANKSGIVING = date(2026, 11, 26)
DAYS = st.dates(date(2015, 1, 1), date(2045, 12, 31))
PLACES = st.sampled_from(["US", "DE-BY", "IL", "AE", "XNYS", "ECB"]).map(business_days.calendar)


@pytest.mark.parametrize(
    ("code", "day", "works"),
    [
        ("US", date(2026, 11, 25), True),
        ("US", THANKSGIVING, False),
        ("DE", THANKSGIVING, True),
        ("US", date(2026, 11, 28), False),
        ("US", date(2026, 7, 3), False),  # July 4 is a Saturday, kept on the Friday
        ("US", date(2021, 12, 31), False),  # New Year's Day 2022 is a Saturday, kept in the year before
        ("US", date(2024, 2, 29), True),
        ("US", date(2026, 3, 31), True),
        ("US-CA", date(2026, 3, 31), False),  # Cesar Chavez Day
        ("DE", date(2026, 1, 6), True),
        ("DE-BY", date(2026, 1, 6), False),  # Epiphany, in Bavaria and two others
        ("IL", date(2026, 11, 20), False),  # a Friday
        ("IL", date(2026, 11, 22), True),  # a Sunday
        ("AE", date(2021, 11, 5), False),  # Fridays were free
        ("AE", date(2026, 11, 6), True),  # since 2022 they are not
        ("CN", date(2026, 2, 14), True),  # a Saturday worked in exchange for a day of Spring Festival
        ("XNYS", date(2026, 4, 3), False),  # Good Friday closes the exchange
        ("US", date(2026, 4, 3), True),  # but is no federal holiday
        ("ECB", date(2026, 4, 6), False),  # Easter Monday
    ],
)
def test_knows_the_free_days_of_each_place(code: str, day: date, *, works: bool) -> None:
    assert business_days.calendar(code).is_business_day(day) is works


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (date(2026, 11, 23), 1, date(2026, 11, 24)),
        (date(2026, 11, 23), 3, date(2026, 11, 27)),  # over Thanksgiving
        (date(2026, 11, 23), 5, date(2026, 12, 1)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # a Saturday: Monday is day 1
        (THANKSGIVING, 1, date(2026, 11, 27)),
        (date(2026, 12, 30), 3, date(2027, 1, 5)),  # over New Year
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
        (THANKSGIVING, 0, date(2026, 11, 27)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
    ],
)
def test_adds_business_days_without_counting_the_start(start: date, days: int, expected: date) -> None:
    assert business_days.calendar("US").add(start, days) == expected


def test_refuses_to_add_fewer_than_no_days() -> None:
    with pytest.raises(ValueError, match="-1 business days can't be added"):
        business_days.calendar("US").add(THANKSGIVING, -1)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2026, 11, 23), date(2026, 11, 27), 3),
        (date(2026, 11, 27), date(2026, 11, 23), -3),
        (date(2026, 11, 27), date(2026, 11, 29), 0),
        (date(2026, 12, 31), date(2027, 1, 4), 1),
    ],
)
def test_counts_the_business_days_between_two_dates(start: date, end: date, expected: int) -> None:
    assert business_days.calendar("US").between(start, end) == expected


@given(calendar=PLACES, start=DAYS, days=st.integers(1, 30))
def test_lands_on_a_business_day_that_is_that_many_away(
    calendar: business_days.Calendar, start: date, days: int
) -> None:
    end = calendar.add(start, days)

    assert calendar.is_business_day(end)
    assert calendar.between(start, end) == days
    assert calendar.add(end, 1) == calendar.add(start, days + 1)


@given(calendar=PLACES, start=DAYS)
def test_finds_the_first_business_day_at_or_after_the_start_when_no_days_are_added(
    calendar: business_days.Calendar, start: date
) -> None:
    first = calendar.add(start, 0)

    skipped = [start + timedelta(days=number) for number in range((first - start).days)]
    assert calendar.is_business_day(first)
    assert not any(calendar.is_business_day(day) for day in skipped)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("XX", "'XX' is no calendar: use a country such as US, a part such as US-CA, or a market such as XNYS"),
        ("", "'' is no calendar: use a country such as US, a part such as US-CA, or a market such as XNYS"),
        ("us", "'us' is no calendar: use a country such as US, a part such as US-CA, or a market such as XNYS"),
        ("HolidayBase", "'HolidayBase' is no calendar: use a country"),
        ("US-ZZ", "'US-ZZ' is no calendar: US has no part 'ZZ'"),
        ("US-", "'US-' is no calendar: US has no part ''"),
        ("XNYS-NY", "'XNYS-NY' is no calendar: XNYS has no part 'NY'"),
    ],
)
def test_refuses_a_code_that_names_no_place(code: str, sentence: str) -> None:
    with pytest.raises(business_days.UnknownCalendar) as refusal:
        business_days.calendar(code)

    assert str(refusal.value).startswith(sentence)


def test_keeps_one_calendar_for_each_code() -> None:
    assert business_days.calendar("DE-BY") is business_days.calendar("DE-BY")
    assert business_days.calendar("DE-BY") != business_days.calendar("DE")


def test_says_up_to_which_year_holidays_are_known() -> None:
    assert business_days.calendar("US").last_known_year == 2100


def test_counts_at_both_ends_of_time() -> None:
    assert business_days.calendar("US").is_business_day(date.min)  # a Monday
    assert business_days.calendar("US").is_business_day(date.max)  # a Friday


@pytest.fixture
def nimble_threads() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("nimble_threads")
def test_sees_the_same_holidays_from_many_threads_at_once() -> None:
    calendar = business_days.calendar("US")
    independence_days = [date(year, 7, 4) for year in range(1950, 2100)]
    business_days._free_days.cache_clear()

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(calendar.is_business_day, [day for day in independence_days for _ in range(8)]))

    assert not any(seen)
