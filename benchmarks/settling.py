"""Settling: one sync batch of 100 after another in one process; the floor is pgbench writing the same rows singly."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from benchmarks import floor, ground
from benchmarks.rates import Rates
from orders import placing
from orders.fulfilment import sync
from orders.lines import Line
from orders.models import Order, Provider, Service
from panel import celery
from panel.accounts.models import User
from panel.supervision import commands

WHAT = "sync batches of 100 orders reported partial, in one process; floor: 8 clients"
ORDERS_A_SECOND = 5000  # more than can be settled
LINES = 1000


def measure(seconds: int, rounds: int) -> list[Rates]:
    """Let floor and panel take turns, each on orders of its own."""
    celery.spare_loaded_code()  # as each worker process does when it starts
    with _provider() as url:
        return [_round(url, seconds) for _ in range(rounds)]


def _round(url: str, seconds: int) -> Rates:
    _running_orders(url, ORDERS_A_SECOND * seconds)
    settled, started = 0, time.monotonic()
    while time.monotonic() - started < seconds:
        tally = sync.sync_due(at=timezone.now() + timedelta(days=1))
        if not tally.polled:
            break
        assert tally.moved == tally.polled, tally
        settled += tally.moved
    panel = settled / (time.monotonic() - started)

    first, each, policy = _running_orders(url, ORDERS_A_SECOND * seconds)
    eight = floor.transactions_per_second(
        "settling.sql", clients=ground.CUSTOMERS, seconds=seconds, first_order=first, each=each, n=0, policy=policy
    )
    last_customer = first + (ground.CUSTOMERS - 1) * each
    left = Order.objects.filter(pk__gte=last_customer, status="in_progress").order_by("pk")[0].pk
    one = floor.transactions_per_second(
        "settling.sql", clients=1, seconds=max(seconds // 4, 1), first_order=left, each=0, n=0, policy=policy
    )
    note = f"against a floor of one client, as the panel is one process: {one:.0f}/s, ratio {panel / one:.2f}"
    return Rates(WHAT, panel, eight, notes=(note,))


def _running_orders(url: str, wanted: int) -> tuple[int, int, int]:
    """Place orders that run at the provider; return the first one's number, how many a customer, their policy."""
    Order.objects.filter(sync_due_at__isnull=False).update(sync_due_at=None)  # what earlier rounds left
    people = ground.people()
    provider, _ = Provider.objects.update_or_create(name="Bench", defaults={"api_url": url, "api_key": "bench"})
    Service.objects.filter(pk__in=people.service_ids).update(provider=provider, provider_service_id="1")
    each = max(wanted // ground.CUSTOMERS // LINES, 1) * LINES
    lines = [Line(people.service_ids[n % ground.SERVICES], "https://example.com/launch", 1000) for n in range(LINES)]
    ids: list[int] = []
    for customer in User.objects.filter(pk__in=people.customer_ids).order_by("pk"):
        for _ in range(each // LINES):
            ids += placing.place(customer=customer, lines=lines, at=timezone.now()).order_ids
    with connection.cursor() as cursor:  # what submitting would have done, one by one
        cursor.execute(
            "UPDATE orders_order SET status = 'in_progress', provider_order_id = id::text, submit_due_at = NULL,"
            " sync_due_at = now() WHERE id BETWEEN %s AND %s",
            [ids[0], ids[-1]],
        )
    with connection.cursor() as cursor:  # what is left of earlier rounds is no part of a day's work
        cursor.execute("VACUUM (ANALYZE)")
    return ids[0], each, Order.objects.get(pk=ids[0]).policy_version


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.provider"]
    process = subprocess.Popen(command, cwd=commands.ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/api/v2"
    finally:
        process.terminate()
        process.wait(10)
