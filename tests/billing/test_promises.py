"""Promised dates, through holidays, year ends, time zones and clock changes. Calendar of the United States."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import promises
from panel.kernel import business_days

US = business_days.calendar("US")
NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")
UTC_ZONE = ZoneInfo("UTC")


def promise(requested_at: datetime, zone: ZoneInfo = UTC_ZONE) -> promises.Promise:
    return promises.promise(requested_at, window=(3, 5), bank_days=(5, 10), calendar=US, zone=zone)


def test_promises_both_spans_over_thanksgiving() -> None:
    asked_on_monday = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

    assert promise(asked_on_monday) == promises.Promise(
        earliest=date(2026, 11, 27),
        send_by=date(2026, 12, 1),
        overdue_at=datetime(2026, 12, 2, 0, 0, tzinfo=UTC),
        bank_from=date(2026, 12, 4),
        bank_by=date(2026, 12, 15),
    )


def test_promises_over_christmas_and_new_year() -> None:
    made = promise(datetime(2026, 12, 23, 9, 0, tzinfo=UTC))

    assert (made.earliest, made.send_by) == (date(2026, 12, 29), date(2026, 12, 31))
    assert (made.bank_from, made.bank_by) == (date(2027, 1, 6), date(2027, 1, 15))
    assert made.overdue_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_what_is_sent_arrives_counted_from_its_date_in_the_zone() -> None:
    late_in_new_york = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)

    by_zone = [
        promises.arrival(late_in_new_york, bank_days=days, calendar=US, zone=zone)
        for zone in (NEW_YORK, UTC_ZONE)
        for days in (0, 1, 5)
    ]

    november = [date(2026, 11, day) for day in (24, 25, 25, 27)]
    assert by_zone == [*november[:2], date(2026, 12, 2), *november[2:], date(2026, 12, 3)]


@pytest.mark.parametrize(("day", "named"), [(20, 24), (24, 24), (25, 27), (28, 30)])
def test_a_day_of_sending_that_is_over_is_not_named_any_more(day: int, named: int) -> None:
    send_at = datetime(2026, 11, day, 12, 0, tzinfo=UTC)

    found = promises.still_to_be_kept(date(2026, 11, 24), send_at=send_at, calendar=US, zone=UTC_ZONE)

    assert found == date(2026, 11, named)


@pytest.mark.parametrize("day", [27, 28, 29])
def test_counts_from_monday_when_asked_from_friday_to_sunday(day: int) -> None:
    made = promise(datetime(2026, 11, day, 12, 0, tzinfo=UTC))

    assert (made.earliest, made.send_by) == (date(2026, 12, 2), date(2026, 12, 4))


def test_counts_the_day_after_a_holiday_as_the_first_when_asked_on_it() -> None:
    made = promise(datetime(2026, 11, 26, 12, 0, tzinfo=UTC))

    assert (made.earliest, made.send_by) == (date(2026, 12, 1), date(2026, 12, 3))


def test_counts_from_the_date_on_the_panel_s_clock() -> None:
    thursday_night_in_new_york = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)

    assert promise(thursday_night_in_new_york, NEW_YORK).send_by == date(2026, 11, 27)
    assert promise(thursday_night_in_new_york, UTC_ZONE).send_by == date(2026, 11, 30)
    assert promise(thursday_night_in_new_york.astimezone(ZoneInfo("Asia/Tokyo")), NEW_YORK).send_by == date(
        2026, 11, 27
    )


def test_counts_a_friday_night_as_friday_or_saturday_alike() -> None:
    friday_night_in_new_york = datetime(2026, 12, 5, 3, 0, tzinfo=UTC)

    in_new_york, in_utc = promise(friday_night_in_new_york, NEW_YORK), promise(friday_night_in_new_york)

    assert in_new_york.send_by == in_utc.send_by == date(2026, 12, 11)
    assert in_new_york.overdue_at - in_utc.overdue_at == timedelta(hours=5)


@pytest.mark.parametrize(
    ("day", "zone", "ends_at"),
    [
        (date(2026, 11, 27), "America/New_York", datetime(2026, 11, 28, 5, 0, tzinfo=UTC)),
        (date(2026, 7, 10), "America/New_York", datetime(2026, 7, 11, 4, 0, tzinfo=UTC)),
        (date(2026, 11, 1), "America/New_York", datetime(2026, 11, 2, 5, 0, tzinfo=UTC)),  # a day of 25 hours
        (date(2026, 3, 8), "America/New_York", datetime(2026, 3, 9, 4, 0, tzinfo=UTC)),  # a day of 23 hours
        (date(2026, 11, 27), "Pacific/Kiritimati", datetime(2026, 11, 27, 10, 0, tzinfo=UTC)),
        (date(2018, 11, 3), "America/Sao_Paulo", datetime(2018, 11, 4, 3, 0, tzinfo=UTC)),  # midnight was left out
        (date(2018, 2, 17), "America/Sao_Paulo", datetime(2018, 2, 18, 3, 0, tzinfo=UTC)),  # 23:00 to 24:00 came twice
        (date(2026, 10, 31), "America/Havana", datetime(2026, 11, 1, 4, 0, tzinfo=UTC)),  # midnight comes twice
    ],
)
def test_ends_a_day_at_its_last_instant_in_the_zone(day: date, zone: str, ends_at: datetime) -> None:
    end = promises.end_of(day, zone=ZoneInfo(zone))

    assert end == ends_at
    assert (end - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == day
    assert end.astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)


def test_keeps_the_days_when_clocks_change_in_between() -> None:
    before = promise(datetime(2026, 3, 27, 23, 30, tzinfo=UTC), LONDON)  # London's clocks go forward on March 29

    assert before.send_by == date(2026, 4, 3)
    assert before.overdue_at == datetime(2026, 4, 3, 23, 0, tzinfo=UTC)


def test_sends_on_the_next_business_day_at_once_when_the_window_starts_at_none() -> None:
    made = promises.promise(
        datetime(2026, 11, 28, 12, tzinfo=UTC), window=(0, 1), bank_days=(0, 0), calendar=US, zone=UTC_ZONE
    )

    assert made.earliest == made.send_by == made.bank_from == made.bank_by == date(2026, 11, 30)


@given(
    requested_at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 - hypothesis wants naive bounds
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"]).map(ZoneInfo),
    window=st.tuples(st.integers(0, 10), st.integers(0, 10)).map(lambda days: (min(days), max(days))),
)
def test_orders_its_dates_and_names_business_days_only(
    requested_at: datetime, zone: ZoneInfo, window: tuple[int, int]
) -> None:
    made = promises.promise(requested_at, window=window, bank_days=(5, 10), calendar=US, zone=zone)

    dates = [made.earliest, made.send_by, made.bank_from, made.bank_by]
    assert all(US.is_business_day(day) for day in dates)
    assert requested_at.astimezone(zone).date() <= made.earliest <= made.send_by < made.bank_by
    assert made.earliest < made.bank_from < made.bank_by
    assert requested_at < made.overdue_at


def test_refuses_an_instant_without_a_zone() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        promise(datetime(2026, 11, 23, 15, 0))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize(("window", "bank_days"), [((5, 3), (5, 10)), ((-1, 3), (5, 10)), ((3, 5), (10, 5))])
def test_refuses_a_span_that_ends_before_it_starts(window: tuple[int, int], bank_days: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="business days is no span"):
        promises.promise(
            datetime(2026, 11, 23, tzinfo=UTC), window=window, bank_days=bank_days, calendar=US, zone=UTC_ZONE
        )


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 27), "Friday, November 27"),
        (date(2026, 12, 1), "Tuesday, December 1"),
        (date(2027, 1, 5), "Tuesday, January 5, 2027"),
        (date(2025, 12, 31), "Wednesday, December 31, 2025"),
    ],
)
def test_writes_a_date_with_the_year_only_when_it_is_another(day: date, words: str) -> None:
    assert promises.in_words(day, today=date(2026, 11, 23)) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 25), "today"),
        (date(2026, 11, 26), "tomorrow"),
        (date(2026, 11, 27), "in 1 business day"),  # Thanksgiving lies in between
        (date(2026, 11, 30), "in 2 business days"),
        (date(2026, 12, 2), "in 4 business days"),
        (date(2026, 11, 24), "yesterday"),
        (date(2026, 11, 23), "2 business days ago"),
        (date(2026, 11, 20), "3 business days ago"),
    ],
)
def test_counts_down_in_business_days(day: date, words: str) -> None:
    assert promises.countdown(day, today=date(2026, 11, 25), calendar=US) == words


def test_counts_plain_days_when_no_business_day_lies_in_between() -> None:
    friday, sunday = date(2026, 11, 27), date(2026, 11, 29)

    assert promises.countdown(sunday, today=friday, calendar=US) == "in 2 days"
    assert promises.countdown(date(2026, 11, 28), today=date(2026, 11, 30), calendar=US) == "1 business day ago"
