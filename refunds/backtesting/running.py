"""One backtest: a pass over the orders of a period in chunks, on one snapshot, reading only, in constant memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connections

from panel.kernel.errors import Refused
from refunds import moments
from refunds.backtesting.judging import Statements
from refunds.backtesting.results import LARGEST, OrderChange, Result, Sums
from refunds.policy.document import Policy

CHUNK: Final = 200_000
"""How many order numbers are judged at a time."""

_KIND: Final = ("keys", "scopes", "rules", "initiators", "standings", "ends")
# For a machine's disks of today, so that a chunk is found by its index; enough memory to join it in place; and more
# time than a page has, but less than after which a worker is taken for dead (runs.LEFT_ALONE_AFTER).
_SETTINGS: Final = {"work_mem": "64MB", "random_page_cost": "1.1", "statement_timeout": "240s"}


class NoPeriod(Refused):
    """The period ends before it begins, or reaches where no orders can be."""

    code = "backtest_without_period"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is. `orders` were judged so far; `part` is between 0 and 1."""

    orders: int
    part: float


Told = Callable[[Progress], None]


def run(policy: Policy, *, since: datetime, until: datetime, told: Told = lambda _progress: None) -> Result:
    """Judge the ended orders that were placed from `since` to before `until` as this policy would have judged them.

    Reads on a connection and snapshot of its own, so that writes that happen meanwhile change nothing, and writes
    nothing. `told` is called after each chunk; what it raises stops the pass.

    Raises NoPeriod.
    """
    require_period(since, until)
    with _snapshot() as cursor:
        cursor.execute("SELECT now()")
        ((read_at,),) = cursor.fetchall()
        result = Result(policy.hash, since, until, read_at)
        _Pass(policy, cursor, result).run(told)
    return result


def require_period(since: datetime, until: datetime) -> None:
    """Raise NoPeriod unless orders can have been placed from `since` to before `until`."""
    for name, moment in (("since", since), ("until", until)):
        if not moments.is_readable(moment):
            first, last = moments.EARLIEST.year, moments.LATEST.year - 1
            message = f"Name times between the years {first} and {last}."
            raise NoPeriod(message, field=name)
    if since >= until:
        raise NoPeriod("The period ends before it begins.", field="until")


@contextmanager
def _snapshot() -> Iterator[Any]:
    """Open a connection of its own on one snapshot that can't write, and close it."""
    connection = connections.create_connection("default")
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name, value in _SETTINGS.items():
                cursor.execute(f"SET LOCAL {name} = '{value}'")
            yield cursor
            cursor.execute("ROLLBACK")
    finally:
        connection.close()


@dataclass
class _Kinds:
    """The kinds of facts that were judged so far: (key, scope) to (rule, initiator, standing, has ended)."""

    known: dict[tuple[int, int], tuple[int, str, str, bool]] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)

    def parameters(self, keys: Sequence[int]) -> dict[str, list[Any]]:
        """Return the arrays that statements join."""
        wanted = set(keys)
        rows = [(*at, *found) for at, found in self.known.items() if at[0] in wanted]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _KIND]
        return dict(zip(_KIND, columns, strict=True))


class _Pass:
    """The chunks of one pass. Memory grows with the kinds of facts and the groups, not with the orders."""

    def __init__(self, policy: Policy, cursor: Any, result: Result) -> None:  # noqa: ANN401 - the driver's cursor
        self._cursor = cursor
        self._result = result
        self._rules = [rule.id for rule in policy.rules]
        self._sql = Statements(policy)
        self._kinds = _Kinds()
        self._months: list[tuple[datetime, str]] = []
        self._period = {"since": result.since, "until": result.until}

    def run(self, told: Told) -> None:
        """Judge chunk after chunk."""
        first, last = self._bounds()
        for start in range(first - 1, last, CHUNK):
            self._chunk(start, min(start + CHUNK, last))
            told(Progress(self._result.total.orders, (min(start + CHUNK, last) - first + 1) / (last - first + 1)))

    def _bounds(self) -> tuple[int, int]:
        """Return the numbers of the first and last order of the period; (1, 0) when there is none."""
        ((first, last, begin, end),) = self._fetch(
            "SELECT min(id), max(id), min(placed_at), max(placed_at) FROM orders_order"
            " WHERE placed_at >= %(since)s AND placed_at < %(until)s",
            self._period,
        )
        if first is None:
            return 1, 0
        self._months = list(_months(begin, end))
        return first, last

    def _chunk(self, first: int, last: int) -> None:
        chunk = {"first": first, "last": last, **self._period, "months": [begin for begin, _ in self._months]}
        several = [number for (number,) in self._fetch(self._sql.several, chunk)]
        given = {**chunk, "several": several, **self._kinds.parameters(self._found_kinds(chunk))}
        # Groups are few, but the planner can't know that and would sort all orders by them.
        self._cursor.execute("SET LOCAL enable_sort = off")
        self._take(self._sql.sums, self._sql.largest, given)
        self._cursor.execute("SET LOCAL enable_sort = on")
        if several:
            self._take(self._sql.sums_of_several, self._sql.largest_of_several, given)

    def _found_kinds(self, chunk: dict[str, Any]) -> list[int]:
        """Return the keys of the facts in a chunk, after judging those that are new."""
        found = self._fetch(self._sql.kinds, chunk)
        new = {(key, number, asked) for key, number, asked in found if key not in self._kinds.keys}
        if new:
            rows = self._fetch(
                self._sql.rules,
                {
                    "decisions": [number for _, number, asked in new if not asked],
                    "requests": [number for _, number, asked in new if asked],
                },
            )
            for key, scope, rule, initiator, standing, has_ended in rows:
                self._kinds.known[key, scope] = (rule, initiator, standing, has_ended)
                self._kinds.keys.add(key)
        return [key for key, _, _ in found]

    def _take(self, sums: str, largest: str, given: dict[str, Any]) -> None:
        """Add up the orders of a statement, and look for large changes among them if there are any."""
        most = Decimal(0)
        for row in self._fetch(sums, given):
            clause, rule, service, month, standing, orders, changed, paid, candidate, waiting, moved, largest_one = row
            self._result.add(
                clauses=(clause, self._rules[rule]),
                service=service,
                month=self._months[month - 1][1],
                standing=standing,
                sums=Sums(
                    orders,
                    changed,
                    paid,
                    candidate,
                    waiting,
                    more=(moved + candidate - paid) / 2,
                    less=(candidate - paid - moved) / 2,
                ),
            )
            most = max(most, largest_one)
        threshold = self._result.threshold
        if most > threshold:
            rows = self._fetch(largest, {**given, "above": threshold, "most": LARGEST})
            self._result.offer(
                OrderChange(order, service, clause, self._rules[rule], paid, candidate, waiting)
                for order, service, clause, rule, paid, candidate, waiting in rows
            )

    def _fetch(self, statement: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
        self._cursor.execute(statement, given)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows


def _months(begin: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    """Yield the start of each month in which a moment of the span lies, by the panel's clock, and its name."""
    zone = ZoneInfo(settings.TIME_ZONE)
    month = begin.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= end:
        yield month, f"{month:%Y-%m}"
        month = (month + timedelta(days=32)).replace(day=1)


LONG_AGO: Final = moments.EARLIEST
"""The start of a period that has none."""
