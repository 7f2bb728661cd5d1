"""A backtest reads on one snapshot of a connection of its own, which can't write, whatever is written meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InternalError, connection

from orders import canceling
from orders.models import Order
from panel.accounts.models import User
from refunds.backtesting import running
from refunds.backtesting.running import Progress
from tests.chaos.processes import until
from tests.concurrency.racing import race
from tests.factories import AT, make_customer, make_service, place_order
from tests.refunds.backtesting.periods import BEGIN, CREDIT_ONLY, END, tried

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("orders_order", "refunds_decision", "refunds_refundrequest", "refunds_policyversion", "billing_transfer")


@pytest.fixture
def ada() -> User:
    return make_customer("ada", funds="1000")


@pytest.fixture
def canceled(ada: User) -> list[Order]:
    """Four orders of 10.00, canceled by their customer."""
    service = make_service(rate="10")
    found = [place_order(ada, service) for _ in range(4)]
    for order in found:
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)
    return found


def answer(question: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question)
        ((found,),) = cursor.fetchall()
        return int(found)


def written() -> dict[str, int]:
    """Return how many rows were written to each table, as far as transactions have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [list(TABLES)],
        )
        return dict(cursor.fetchall())


@contextmanager
def asked_in_the_pass(question: str) -> Iterator[list[Any]]:
    """Collect the answers to a question that is asked of every session but this one, each time progress is told."""
    answers: list[Any] = []

    def told(_progress: Progress) -> None:
        with connection.cursor() as cursor:
            cursor.execute(question)
            answers.extend(cursor.fetchall())

    running.run(CREDIT_ONLY, since=BEGIN, until=END, told=told)
    yield answers


@pytest.mark.usefixtures("canceled")
def test_nothing_is_written_to_what_it_reads() -> None:
    before = written()

    assert tried(CREDIT_ONLY).total.changed == 4

    assert written() == before
    assert set(before) == set(TABLES)


def test_its_transaction_is_read_only_and_repeatable() -> None:
    with running._snapshot() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only'), current_setting('transaction_isolation')")
        assert cursor.fetchall() == [("on", "repeatable read")]
        with pytest.raises(InternalError, match="read-only transaction"):
            cursor.execute("UPDATE orders_order SET refunded = 0")


@pytest.mark.usefixtures("canceled")
def test_its_session_is_another_one_and_gone_afterwards() -> None:
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    before = answer(ours)

    with asked_in_the_pass(f"{ours} AND state = 'idle in transaction'") as in_transaction:
        assert in_transaction == [(1,)]

    until(lambda: answer(ours) == before)


def test_settlements_that_commit_meanwhile_are_not_seen(
    ada: User, canceled: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first chunk another session settles an order of a later one, and places and settles a new one."""
    monkeypatch.setattr(running, "CHUNK", 2)
    late = place_order(ada, make_service(rate="50"))
    told: list[Progress] = []

    def settle() -> None:
        canceling.cancel(customer=ada, order_id=late.pk, at=AT)
        new = place_order(ada, make_service(rate="50"))
        canceling.cancel(customer=ada, order_id=new.pk, at=AT)

    def on_progress(progress: Progress) -> None:
        if not told:
            assert race([settle]) == [None]
        told.append(progress)

    during = running.run(CREDIT_ONLY, since=BEGIN, until=END, told=on_progress)

    assert (during.total.orders, during.total.paid) == (4, 40)
    assert [one.order for one in during.largest] == [order.pk for order in canceled]
    assert told[-1] == Progress(4, 1.0)
    assert len(told) == 3
    after = tried(CREDIT_ONLY)
    assert (after.total.orders, after.total.paid) == (6, 140)


@pytest.mark.usefixtures("canceled")
def test_what_stops_it_leaves_no_session_behind() -> None:
    class CalledOffError(Exception):
        pass

    def told(_progress: Progress) -> None:
        raise CalledOffError

    with pytest.raises(CalledOffError):
        running.run(CREDIT_ONLY, since=BEGIN, until=END, told=told)

    in_transaction = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    )
    until(lambda: answer(in_transaction) == 0)
