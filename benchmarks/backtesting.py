"""Backtesting: a whole backtest of a million decided orders; the floor is one full aggregate over the same rows.

The rows are written set by set, not by the use cases, in a period of their own long ago, and are kept for the next run
of the same size.
"""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import floor, ground
from benchmarks.rates import Rates
from orders.models import Order
from panel.accounts.models import User
from refunds import order_policy
from refunds.backtesting import running
from refunds.policy import loader
from refunds.policy.document import Policy

WHAT: Final = "orders judged a second by a whole backtest; floor: orders joined to decisions and summed up likewise"
ORDERS: Final = 1_000_000
SINCE: Final = datetime(2010, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2012, 1, 1, tzinfo=UTC)
CANDIDATE: Final = Path(__file__).resolve().parent.parent / "docs" / "examples" / "fair-reach.toml"
PERIOD: Final = {"since": SINCE, "until": UNTIL}

_Found = TypeVar("_Found")


def measure(seconds: int, rounds: int, orders: int = ORDERS) -> list[Rates]:  # noqa: ARG001 - a pass takes what it takes
    """Let floor and backtest take turns on the same rows, at least as often as asked for."""
    _fill(orders)
    policy = loader.load_file(CANDIDATE)
    _floor()  # the rows come into memory
    measured = [_round(policy) for _ in range(rounds)]
    with _without_parallel_workers():
        alone = _round(policy)
    last = measured[-1]
    notes = (*last.notes, f"without parallel workers, both: ratio {alone.ratio:.2f}")
    return [*measured[:-1], Rates(WHAT, last.panel, last.floor, notes=notes)]


def _fill(orders: int) -> None:
    """Write so many orders, unless there are as many from an earlier run."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # rows that no trigger has to look at
        if Order.objects.filter(placed_at__gte=SINCE, placed_at__lt=UNTIL).count() != orders:
            cursor.execute((floor.SQL / "past_orders.sql").read_text(encoding="utf-8"), _given(orders))
        cursor.execute("VACUUM ANALYZE orders_order, refunds_decision, refunds_refundrequest")
    connection.close()


def _given(orders: int) -> dict[str, Any]:
    people = ground.people()
    return {
        **PERIOD,
        "orders": orders,
        "first_customer": people.customer_ids[0],
        "customers": len(people.customer_ids),
        "first_service": people.service_ids[0],
        "services": len(people.service_ids),
        "staff": User.objects.filter(is_staff=True).latest("pk").pk,
        "policy": order_policy.version_in_force(timezone.now(), None),
    }


def _round(policy: Policy) -> Rates:
    (decisions, floor_took), before = _timed(_floor), _peak_memory()
    result, took = _timed(lambda: running.run(policy, since=SINCE, until=UNTIL))
    grown = _peak_memory() - before
    orders = result.total.orders
    assert 0 < orders <= decisions, (orders, decisions)
    note = (
        f"{orders:,} orders in {took:.2f} s, the aggregate in {floor_took:.2f} s: {took / floor_took:.1f} times;"
        f" the process's peak memory grew by {grown / 1024:.1f} MB"
    )
    return Rates(WHAT, orders / took, orders / floor_took, notes=(note,))


def _timed(work: Callable[[], _Found]) -> tuple[_Found, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _peak_memory() -> int:
    """Return the most memory that this process has had at once, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _floor() -> int:
    """Aggregate the ended orders of the period with their decisions as a backtest groups them; return how many rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '64MB'")  # as much as a backtest takes
        cursor.execute(
            """
            SELECT sum(decisions) FROM (
                SELECT d.clause, o.service_id, date_trunc('month', o.placed_at), d.facts->>'standing',
                       count(*) AS decisions, sum(o.refunded), sum(d.owed), sum(d.credited), max(o.charge)
                FROM orders_order o JOIN refunds_decision d ON d.order_id = o.id
                WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s
                  AND o.status IN ('partial', 'canceled', 'completed')
                GROUP BY 1, 2, 3, 4
            ) groups
            """,
            PERIOD,
        )
        return int(cursor.fetchone()[0])


@contextmanager
def _without_parallel_workers() -> Iterator[None]:
    """Let sessions that are opened from here on do everything themselves."""
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    before = options["options"]
    options["options"] = f"{before} -c max_parallel_workers_per_gather=0"
    connection.close()
    try:
        yield
    finally:
        options["options"] = before
        connection.close()
