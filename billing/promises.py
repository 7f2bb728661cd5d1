"""When money will move, as dates and in words: "sent by Friday, November 27".

Pure. The edge passes in the calendar (`BUSINESS_CALENDAR`), the panel's time zone (`PANEL_TIME_ZONE`) and the clock.
A promise counts from the request and is made once: a review, a retry or a late start of sending doesn't move it. When
the money reaches the bank counts from the sending instead, once that was later than promised (`arrival`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from panel.kernel.business_days import Calendar


@dataclass(frozen=True, slots=True)
class Promise:
    """The dates of one withdrawal, in the panel's time zone; every date is a business day.

    * `earliest` to `send_by`: when the panel sends the money (the first span).
    * `overdue_at`: the instant in UTC at which `send_by` has ended in the panel's zone; from then on staff are alerted.
    * `bank_from` to `bank_by`: when it is with the customer (the second span). Its early end assumes sending on
      `earliest` and a fast bank, its late end sending on `send_by` and a slow one. So neither end promises more than
      the panel and the bank together keep, though a withdrawal sent before `earliest` may be there sooner.
    """

    earliest: date
    send_by: date
    overdue_at: datetime
    bank_from: date
    bank_by: date


def promise(
    requested_at: datetime, *, window: tuple[int, int], bank_days: tuple[int, int], calendar: Calendar, zone: ZoneInfo
) -> Promise:
    """Return what a customer who asks at `requested_at` may rely on.

    Business days are counted from the date of the request in `zone`; that date never counts, so day 1 is the next
    business day, on whatever day or hour the request came. `window` (from the policy's `withdrawals.business_days`)
    is within how many days the panel sends, `bank_days` how many more the bank takes.

    Raises ValueError when `requested_at` is naive or a span is not `0 <= from <= to`.
    """
    if requested_at.utcoffset() is None:
        raise ValueError(f"{requested_at} has no time zone, so its date is unknown")
    for fewest, most in (window, bank_days):
        if not 0 <= fewest <= most:
            raise ValueError(f"{fewest} to {most} business days is no span")
    requested = requested_at.astimezone(zone).date()
    earliest = calendar.add(requested, window[0])
    send_by = calendar.add(requested, window[1])
    return Promise(
        earliest=earliest,
        send_by=send_by,
        overdue_at=end_of(send_by, zone=zone),
        bank_from=calendar.add(earliest, bank_days[0]),
        bank_by=calendar.add(send_by, bank_days[1]),
    )


def arrival(sent_at: datetime, *, bank_days: int, calendar: Calendar, zone: ZoneInfo) -> date:
    """Return the business day by which a bank that takes at most `bank_days` has what was sent at `sent_at`.

    The date of `sent_at` in `zone` never counts; with 0 days it is that date, or the next business day.
    """
    return calendar.add(sent_at.astimezone(zone).date(), bank_days)


def still_to_be_kept(send_by: date, *, send_at: datetime, calendar: Calendar, zone: ZoneInfo) -> date:
    """Return the day to name for a sending that begins at `send_at`: `send_by`, or, when that is over, the next one."""
    begins = send_at.astimezone(zone).date()
    return send_by if begins <= send_by else calendar.add(begins, 1)


def end_of(day: date, *, zone: ZoneInfo) -> datetime:
    """Return the first instant after `day` in `zone`, in UTC; right too where clocks change at midnight."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone).astimezone(UTC)


def in_words(day: date, *, today: date) -> str:
    """Write a date for people: `Friday, November 27`, with the year when it is not this one."""
    words = f"{day:%A, %B} {day.day}"
    return words if day.year == today.year else f"{words}, {day.year}"


def countdown(day: date, *, today: date, calendar: Calendar) -> str:
    """Write how far off a date is: `today`, `tomorrow`, `in 3 business days`, `yesterday`, `2 business days ago`.

    Counts plain days when no business day lies in between, as between a Friday and the Sunday after it.
    """
    days = (day - today).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if days in near:
        return near[days]
    count = abs(calendar.between(today, day))
    unit = "business day" if count else "day"
    count = count or abs(days)
    span = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {span}" if days > 0 else f"{span} ago"
