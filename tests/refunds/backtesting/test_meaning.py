"""What a backtest says of orders that the use cases settled: sums, the largest changes, what is left to people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from orders import canceling, handling
from orders.models import Cause, Initiator, Order, OrderStatus, Service
from panel.accounts.models import Standing, User
from refunds.backtesting import results, running
from refunds.backtesting.results import OrderChange, Result, Sums
from refunds.backtesting.running import Progress
from refunds.policy import loader
from refunds.policy.document import Policy
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    completed,
    confirm,
    decline,
    order_in_review,
    partly_delivered,
    started,
)
from tests.refunds.backtesting.periods import BEGIN, CREDIT_ONLY, END, GUARANTEE, tried
from tests.refunds.policy import widened

pytestmark = pytest.mark.django_db(transaction=True)

OCTOBER = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


@pytest.fixture
def ada() -> User:
    return make_customer("ada", funds="1000")


@pytest.fixture
def reach() -> Service:
    return make_service(rate="10")


@pytest.fixture
def podcast() -> Service:
    return make_service(rate="20")


def sums(orders: int, paid: str, candidate: str, *, changed: int = 0, waiting: str = "0", more: str = "0") -> Sums:
    change = Decimal(candidate) - Decimal(paid)
    return Sums(
        orders, changed, Decimal(paid), Decimal(candidate), Decimal(waiting), Decimal(more), change - Decimal(more)
    )


@pytest.fixture
def history(ada: User, reach: Service, podcast: Service) -> dict[str, Order]:
    """Orders under the guarantee: two months, two services, three standings, and one that still runs."""
    bea, cora = make_customer("bea", funds="100"), make_customer("cora", funds="100")
    User.objects.filter(pk=bea.pk).update(standing=Standing.ABUSE_FLAGGED)
    User.objects.filter(pk=cora.pk).update(standing=Standing.FRAUD_SUSPECTED)
    placed = {
        "canceled": place_order(ada, reach, at=OCTOBER),
        "partial": place_order(ada, reach),
        "system error": place_order(ada, podcast),
        "flagged": place_order(bea, podcast),
        "suspected": place_order(cora, podcast),
        "running": place_order(ada, podcast),
    }
    canceling.cancel(customer=ada, order_id=placed["canceled"].pk, at=OCTOBER)
    move(placed["partial"], OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)
    move(
        placed["system error"],
        OrderStatus.PARTIAL,
        remains=400,
        cause=Cause.SYSTEM_ERROR,
        initiator=Initiator.STAFF,
    )
    move(placed["flagged"], OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)
    move(placed["suspected"], OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)
    move(placed["running"], OrderStatus.IN_PROGRESS)
    return placed


def paying_for_partial_orders() -> Policy:
    """Return the guarantee as it would be if a partial order gave everything back."""
    text = widened.without_examples(GUARANTEE.text)
    clause = text.index('id = "partly-delivered"')
    return loader.loads(
        text[:clause] + text[clause:].replace('refund = "undelivered"', 'refund = "full"', 1), "a generous policy"
    )


def since_october() -> Result:
    return tried(CREDIT_ONLY, since=OCTOBER)


@pytest.mark.usefixtures("history")
def test_sums_are_told_by_clause_service_month_and_standing(reach: Service, podcast: Service) -> None:
    found = since_october()

    assert found.policy_hash == CREDIT_ONLY.hash
    assert found.total == sums(5, "34", "12", changed=2)
    assert found.by_clause == {
        ("canceled-by-customer", "change-of-mind"): sums(1, "10", "0", changed=1),
        ("partly-delivered", "partial"): sums(1, "4", "4"),
        ("our-error", "partial"): sums(1, "20", "8", changed=1),
        ("standing-in-doubt", "abuse-or-fraud"): sums(1, "0", "0"),
        ("completed", "abuse-or-fraud"): sums(1, "0", "0"),
    }
    assert found.by_service == {
        reach.pk: sums(2, "14", "4", changed=1),
        podcast.pk: sums(3, "20", "8", changed=1),
    }
    assert found.by_month == {"2026-10": sums(1, "10", "0", changed=1), "2026-11": sums(4, "24", "12", changed=1)}
    assert found.by_standing == {
        "clear": sums(3, "34", "12", changed=2),
        "abuse_flagged": sums(1, "0", "0"),
        "fraud_suspected": sums(1, "0", "0"),
    }


@pytest.mark.usefixtures("history")
def test_every_table_adds_up_to_the_total() -> None:
    found = since_october()

    for table in (found.by_clause, found.by_service, found.by_month, found.by_standing):
        total = Sums()
        for part in table.values():
            total.add(part)
        assert total == found.total
    assert found.total.change == found.total.more + found.total.less == Decimal(-22)


def test_the_largest_changes_come_first(history: dict[str, Order], reach: Service, podcast: Service) -> None:
    found = since_october()

    error, canceled = history["system error"], history["canceled"]
    assert found.largest == [
        OrderChange(error.pk, podcast.pk, "our-error", "partial", Decimal(20), Decimal(8), Decimal(0)),
        OrderChange(
            canceled.pk, reach.pk, "canceled-by-customer", "change-of-mind", Decimal(10), Decimal(0), Decimal(0)
        ),
    ]


def test_of_many_changes_the_largest_are_kept_and_of_equal_ones_the_first(
    ada: User, reach: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)
    monkeypatch.setattr(running, "LARGEST", 3)
    monkeypatch.setattr(results, "LARGEST", 3)
    placed = [place_order(ada, reach, quantity=quantity) for quantity in (100, 300, 200, 300, 300, 100, 200)]
    for order in placed:
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    found = tried(CREDIT_ONLY)

    assert found.total.changed == 7
    assert [one.order for one in found.largest] == [placed[1].pk, placed[3].pk, placed[4].pk]


def test_a_result_is_read_back_as_it_was_written(history: dict[str, Order]) -> None:
    found = since_october()

    assert len(history) == 6
    assert Result.from_dict(found.as_dict()) == found


# --- what people are left, and what they decided


@pytest.mark.usefixtures("credit_only_policy")
def test_what_it_would_ask_people_stands_apart_from_what_it_pays(ada: User, reach: Service) -> None:
    order = place_order(ada, reach)
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)

    found = tried(GUARANTEE)

    assert found.total == sums(1, "0", "0", waiting="4")
    assert found.largest == []


def test_what_people_granted_stays_where_it_would_ask_people_too() -> None:
    approve(order_in_review(), make_staff("ida"))

    assert tried(GUARANTEE).total == sums(1, "4", "4")


def test_what_people_granted_goes_where_it_would_ask_nobody() -> None:
    approve(order_in_review(), make_staff("ida"))

    assert tried(CREDIT_ONLY).total == sums(1, "4", "0", changed=1)


def test_what_people_declined_does_not_wait_any_more() -> None:
    decline(order_in_review(), make_staff("ida"))

    assert tried(GUARANTEE).total == sums(1, "0", "0")


def test_a_claim_that_people_granted_stays_where_it_would_ask_people_too() -> None:
    approve(ask_for_refund(partly_delivered(), Cause.SYSTEM_ERROR, at=LATER), make_staff("ida"), at=LATER)

    assert tried(GUARANTEE).total == sums(1, "10", "10")


def test_a_claim_that_people_granted_goes_where_it_would_ask_nobody() -> None:
    approve(ask_for_refund(completed(), Cause.SYSTEM_ERROR, at=LATER), make_staff("ida"), at=LATER)

    assert tried(CREDIT_ONLY).total == sums(1, "10", "0", changed=1)


def test_a_claim_that_nobody_has_looked_at_waits() -> None:
    ask_for_refund(partly_delivered(), Cause.SYSTEM_ERROR, at=LATER)

    assert tried(GUARANTEE).total == sums(1, "4", "4", waiting="6")


def test_what_waits_was_looked_at_only_if_that_came_later() -> None:
    order = partly_delivered()
    decline(ask_for_refund(order, at=LATER), make_staff("ida"), at=LATER)
    handling.cancel(
        order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=LATER + timedelta(hours=1), remains=900
    )

    assert tried(GUARANTEE).total == sums(1, "4", "4", waiting="5")


def test_an_end_that_people_made_is_not_paid_twice_where_it_pays_more_by_itself() -> None:
    """The desk ended the order and granted 7.00, of which the end itself was to pay 4.00."""
    ida, hiro = make_staff("ida"), make_staff("hiro")
    request = approve(ask_for_refund(started(remains=400)), ida, "7", remains=400, at=LATER)
    confirm(request, hiro, at=LATER)

    generous = running.run(paying_for_partial_orders(), since=BEGIN, until=END)

    assert generous.total == sums(1, "7", "10", changed=1, more="3")


# --- which orders


def test_a_period_without_orders_comes_to_nothing() -> None:
    told: list[Progress] = []

    found = running.run(CREDIT_ONLY, since=BEGIN, until=END, told=told.append)

    assert found.total == Sums()
    assert (found.by_clause, found.by_month, found.largest, told) == ({}, {}, [], [])


def test_open_orders_are_left_out() -> None:
    started(remains=400)

    assert tried(CREDIT_ONLY).total == Sums()


@pytest.mark.parametrize(
    ("since", "until", "orders"),
    [
        (AT, AT + timedelta(microseconds=1), 1),
        (AT - timedelta(days=1), AT, 0),
        (AT + timedelta(microseconds=1), END, 0),
        (AT, END, 1),
    ],
)
def test_a_period_has_its_first_moment_and_not_its_last(since: datetime, until: datetime, orders: int) -> None:
    partly_delivered()

    assert tried(CREDIT_ONLY, since=since, until=until).total.orders == orders


def test_refuses_a_period_that_ends_as_it_begins() -> None:
    with pytest.raises(running.NoPeriod) as refused:
        tried(CREDIT_ONLY, since=AT, until=AT)

    assert refused.value.field == "until"


def test_months_are_those_of_the_panels_clock(ada: User, reach: Service, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours before UTC in November
    for at in (datetime(2026, 10, 31, 10, 59, tzinfo=UTC), datetime(2026, 10, 31, 11, 0, tzinfo=UTC)):
        order = place_order(ada, reach, at=at)
        canceling.cancel(customer=ada, order_id=order.pk, at=at)

    found = tried(GUARANTEE, since=OCTOBER)

    assert {month: one.orders for month, one in found.by_month.items()} == {"2026-10": 1, "2026-11": 1}


def test_progress_is_told_chunk_by_chunk(ada: User, reach: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)
    for _ in range(5):
        canceling.cancel(customer=ada, order_id=place_order(ada, reach).pk, at=AT)
    told: list[Progress] = []

    running.run(GUARANTEE, since=BEGIN, until=END, told=told.append)

    assert told == [Progress(2, 0.4), Progress(4, 0.8), Progress(5, 1.0)]
