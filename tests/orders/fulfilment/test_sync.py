from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Transfer
from orders import attention
from orders.attention import Concern
from orders.fulfilment import sync
from orders.fulfilment.client import Missing, Report
from orders.fulfilment.sync import Answer, Tally
from orders.models import AttentionItem, AttentionKind, Order, OrderEvent, OrderStatus, Provider
from panel.sandbox.provider import Sandbox
from refunds import publishing
from tests.factories import AT
from tests.orders.fulfilment.stage import (
    MINUTE,
    POLL,
    at_provider,
    provider_of,
    report,
    status_of,
    submitted,
    sync_at,
    tell,
)

pytestmark = pytest.mark.django_db


def repr_short(value: object) -> str | None:
    if isinstance(value, Report) and isinstance(value.remains, int):
        return "huge"  # Python refuses to write it out
    return repr(value)[:60].encode("ascii", "backslashreplace").decode()


def test_an_order_is_followed_to_its_end_and_refunded_for_what_was_not_delivered(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))

    assert sync_at(POLL) == Tally(polled=1)
    assert status_of(order) == OrderStatus.PROCESSING

    sandbox.drive(order.provider_order_id, status="In progress", start_count="310", remains="900")
    assert sync_at(POLL + MINUTE) == Tally(polled=1, moved=1)
    assert status_of(order) == OrderStatus.IN_PROGRESS
    assert (order.start_count, order.remains) == (310, 900)

    sandbox.drive(order.provider_order_id, remains="400")
    assert sync_at(POLL + 2 * MINUTE) == Tally(polled=1)
    order.refresh_from_db()
    assert order.remains == 400

    sandbox.drive(order.provider_order_id, status="Partial")
    assert sync_at(POLL + 3 * MINUTE) == Tally(polled=1, moved=1)
    assert status_of(order) == OrderStatus.PARTIAL
    assert (order.refunded, order.sync_due_at) == (Decimal("1.00"), POLL + 3 * MINUTE + timedelta(days=1))
    assert sync_at(POLL + timedelta(days=1)) == Tally()
    last = OrderEvent.objects.filter(order=order).latest("id")
    assert (last.initiator, last.cause, last.raw_status, last.remains) == (
        "provider",
        "cannot_complete",
        "Partial",
        400,
    )


@pytest.mark.parametrize(
    ("said", "status", "cause", "refunded"),
    [
        (report("Completed", "0"), "completed", "delivered", "0"),
        (report("Canceled", "1000"), "canceled", "provider_canceled", "2.50"),
        (report("Partial", "250"), "partial", "cannot_complete", "0.625"),
        (report("Partial", "0"), "partial", "cannot_complete", "0"),
        (report("cancelled", 1000), "canceled", "provider_canceled", "2.50"),
    ],
)
def test_each_end_settles_the_charge(said: Report, status: str, cause: str, refunded: str) -> None:
    [order] = at_provider()

    assert tell(order, said) == Tally(moved=1)

    assert (order.status, order.refunded) == (status, Decimal(refunded))
    assert OrderEvent.objects.filter(order=order).latest("id").cause == cause


def test_the_same_report_three_times_refunds_once() -> None:
    [order] = at_provider()

    tallies = [tell(order, report("Partial", "400")) for _ in range(3)]

    assert tallies == [Tally(moved=1), Tally(), Tally()]
    assert order.refunded == Decimal("1.00")
    assert Transfer.objects.filter(order_ref=order.pk, kind="order_refund").count() == 1
    assert OrderEvent.objects.filter(order=order, to_status="partial").count() == 1


@pytest.mark.parametrize(
    ("first", "then", "status", "refunded"),
    [
        (("Partial", "400"), ("Partial", "600"), "partial", "1.50"),
        (("Partial", "400"), ("Canceled", "1000"), "canceled", "2.50"),
        (("Partial", "400"), ("Partial", "300"), "partial", "1.00"),
        (("Partial", "400"), ("Completed", "0"), "completed", "1.00"),
    ],
    ids=["more remains", "canceled", "less remains", "completed"],
)
def test_another_report_of_an_ended_order_is_a_correction_and_never_takes_back(
    first: tuple[str, str], then: tuple[str, str], status: str, refunded: str
) -> None:
    [order] = at_provider()
    tell(order, report(*first))

    assert tell(order, report(*then)) == Tally(moved=1)

    assert (order.status, order.refunded) == (status, Decimal(refunded))
    assert OrderEvent.objects.filter(order=order).latest("id").cause == "correction"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (report("Refunded"), AttentionKind.UNKNOWN_STATUS),
        (report(""), AttentionKind.UNKNOWN_STATUS),
        (report("Partial", None), AttentionKind.MISSING_REMAINS),
        (report("Canceled", ""), AttentionKind.MISSING_REMAINS),
        (report("Partial", "-1"), AttentionKind.BAD_REMAINS),
        (report("Partial", "1001"), AttentionKind.BAD_REMAINS),
        (report("Partial", "1e2"), AttentionKind.BAD_REMAINS),
        (report("Partial", "\u0661\u0660"), AttentionKind.BAD_REMAINS),
        (report("Partial", 0.5), AttentionKind.BAD_REMAINS),
        (report("Partial", 10**5000), AttentionKind.BAD_REMAINS),
        (report("Partial", "a\x00b\ud800"), AttentionKind.BAD_REMAINS),
        (report("Partial", [1]), AttentionKind.BAD_REMAINS),
        (report("Partial", {"a": 1}), AttentionKind.BAD_REMAINS),
        (report("Completed", "5"), AttentionKind.CONTRADICTION),
        (Missing("Incorrect order ID"), AttentionKind.MISSING_AT_PROVIDER),
    ],
    ids=repr_short,
)
def test_a_report_that_makes_no_sense_leaves_the_order_and_goes_to_a_person(
    said: Report | Missing, kind: AttentionKind
) -> None:
    [order] = at_provider()

    assert tell(order, said) == Tally(concerns=1)
    assert tell(order, said, at=POLL + MINUTE) == Tally(concerns=1)

    item = AttentionItem.objects.get()
    assert (order.status, order.refunded, order.remains) == (OrderStatus.PROCESSING, Decimal(0), None)
    assert (item.kind, item.order_id, item.seen) == (kind, order.pk, 2)
    assert item.report
    assert order.sync_due_at is not None


def test_the_raw_report_is_kept_for_the_person() -> None:
    [order] = at_provider()

    tell(order, report("Partial", "a\x00b", start_count=10**30))

    assert AttentionItem.objects.get().report == {
        "status": "Partial",
        "start_count": "a number beyond all bounds",
        "remains": "a\ufffdb",
        "charge": "1.15",
    }


@pytest.mark.parametrize("status", ["Pending", "Processing"])
def test_a_started_order_is_not_moved_back(status: str) -> None:
    [order] = at_provider()
    tell(order, report("In progress", "900"))

    assert tell(order, report(status)) == Tally(concerns=1)

    assert order.status == OrderStatus.IN_PROGRESS
    assert AttentionItem.objects.get().kind == AttentionKind.ILLEGAL_MOVE


def test_an_ended_order_is_not_reopened() -> None:
    [order] = at_provider()
    tell(order, report("Canceled", "1000"))

    assert tell(order, report("In progress", "10")) == Tally(concerns=1)

    assert (order.status, order.refunded) == (OrderStatus.CANCELED, Decimal("2.50"))


def test_a_report_with_nothing_new_writes_nothing() -> None:
    [order] = at_provider()
    tell(order, report("In progress", "900"))

    with CaptureQueriesContext(connection) as queries:
        assert tell(order, report("In progress", "900")) == Tally()

    assert not [query for query in queries if "UPDATE orders_order SET" in query["sql"].replace("\n", " ")]
    assert not [query for query in queries if "INSERT" in query["sql"]]


def counted(action: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len([query for query in queries if "SAVEPOINT" not in query["sql"]])


@pytest.mark.parametrize(("status", "remains"), [("Partial", "400"), ("In progress", "900"), ("Nonsense", "1")])
def test_the_number_of_statements_of_a_batch_does_not_grow(status: str, remains: str) -> None:
    publishing.version(publishing.version_in_force(AT).pk)  # a process reads it once and keeps it
    counts = []
    for size in (1, 10, 100):
        answers = [Answer(order.pk, report(status, remains)) for order in at_provider(size)]
        counts.append(counted(lambda answers=answers: sync.record(answers, POLL)))  # type: ignore[misc]

    assert counts == [{"Partial": 12, "In progress": 4, "Nonsense": 2}[status]] * 3


def test_a_batch_of_every_kind_of_report_is_recorded_together() -> None:
    moves, ends, stays, odd, lost = at_provider(5)

    tally = sync.record(
        [
            Answer(moves.pk, report("In progress", "900")),
            Answer(ends.pk, report("Completed", "0")),
            Answer(stays.pk, report("Processing", None, None)),
            Answer(odd.pk, report("Odd")),
            Answer(lost.pk, Missing("Incorrect order ID")),
        ],
        POLL,
    )

    assert tally == Tally(moved=2, concerns=2)
    assert [status_of(order) for order in (moves, ends, stays, odd, lost)] == [
        "in_progress",
        "completed",
        "processing",
        "processing",
        "processing",
    ]


def test_more_than_a_hundred_orders_are_all_polled(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)
    at_provider(205, provider)

    polled = [sync_at(POLL).polled for _ in range(4)]

    assert polled == [100, 100, 5, 0]
    # The sandbox knows none of them: each one asked about is in the queue, so none was dropped.
    assert AttentionItem.objects.filter(kind=AttentionKind.MISSING_AT_PROVIDER).count() == 205
    assert not Order.objects.filter(sync_due_at__lte=POLL).exists()


def test_an_order_that_the_provider_forgot_is_not_refunded(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    sandbox.forget(order.provider_order_id)

    assert sync_at(POLL) == Tally(polled=1, concerns=1)

    assert status_of(order) == OrderStatus.PROCESSING
    assert order.refunded == 0
    assert AttentionItem.objects.get().kind == AttentionKind.MISSING_AT_PROVIDER


@pytest.mark.parametrize("kind", ["http_500", "http_429", "drop_before", "drop_after", "nonsense"])
def test_a_provider_that_fails_is_asked_later_and_no_order_changes(sandbox: Sandbox, kind: str) -> None:
    order = submitted(provider_of(sandbox))
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")
    sandbox.fault(kind, action="status", times=2)

    assert sync_at(POLL) == Tally(polled=1, failed=1)
    assert status_of(order) == OrderStatus.PROCESSING
    assert order.sync_due_at == POLL + 2 * MINUTE
    assert sync_at(POLL + MINUTE) == Tally()

    assert sync_at(POLL + 2 * MINUTE) == Tally(polled=1, failed=1)
    order.refresh_from_db()
    assert order.sync_due_at == POLL + 6 * MINUTE

    assert sync_at(POLL + 6 * MINUTE) == Tally(polled=1, moved=1)
    assert status_of(order) == OrderStatus.COMPLETED


def test_a_provider_that_is_down_does_not_keep_another_from_being_polled(sandbox: Sandbox) -> None:
    [waiting] = at_provider()
    order = submitted(provider_of(sandbox))
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")

    assert sync_at(POLL) == Tally(polled=2, moved=1, failed=1)
    assert (status_of(waiting), status_of(order)) == (OrderStatus.PROCESSING, OrderStatus.COMPLETED)


def test_a_refused_key_is_put_before_a_person(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    Provider.objects.update(api_key="revoked")

    assert sync_at(POLL) == Tally(polled=1, failed=1)

    item = AttentionItem.objects.get()
    assert (item.kind, item.provider_id, item.order_id) == (AttentionKind.PROVIDER_KEY, order.provider_id, None)
    assert "revoked" not in item.detail


def test_an_order_that_can_not_be_written_does_not_stop_the_others() -> None:
    fine, broken = at_provider(2)
    connection.check_constraints()
    with connection.cursor() as cursor:  # a database that refuses one order, whatever the reason may be
        cursor.execute(
            f"ALTER TABLE orders_orderevent ADD CONSTRAINT no_such_event CHECK (order_id <> {broken.pk}) NOT VALID"
        )

    tally = sync.record([Answer(order.pk, report("Canceled", "1000")) for order in (fine, broken)], POLL)

    assert tally == Tally(moved=1, failed=1)
    assert (status_of(fine), status_of(broken)) == (OrderStatus.CANCELED, OrderStatus.PROCESSING)
    assert (fine.refunded, broken.refunded) == (Decimal("2.50"), Decimal(0))


def test_polling_goes_on_while_a_person_looks() -> None:
    [order] = at_provider()
    attention.file([Concern(AttentionKind.MISSING_REMAINS, "no remains", order_id=order.pk)], AT)

    assert tell(order, report("Partial", "400")) == Tally(moved=1)
    assert order.refunded == Decimal("1.00")
