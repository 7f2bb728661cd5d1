"""Events are kept once and handled until they are: a hint each, whatever their order and number."""

from datetime import datetime, timedelta
from functools import partial

import pytest

from billing import gateway_events
from billing.gateway_events import Handler
from billing.gateways.base import Notice, OutcomeUnknown
from billing.models import EventState, GatewayEvent
from panel.kernel.errors import Busy, Conflict, Forbidden, NotFound
from tests.concurrency.racing import race
from tests.factories import AT, HOUR, make_customer, make_staff

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def notice(event: str = "evt_1", kind: str = "refund.updated") -> Notice:
    return Notice(event=event, type=kind, object="re_1", created_at=AT, payload='{"id": "evt_1"}')


def store(event: str = "evt_1", kind: str = "refund.updated", *, at: datetime = AT) -> GatewayEvent:
    return gateway_events.store(notice(event, kind), gateway="stripe", at=at)


def handled(*ends: BaseException | None) -> tuple[dict[str, Handler], list[str]]:
    """A table with one handler that ends as told, time after time, and the list of what it was called with."""
    left, calls = iter(ends), []

    def handler(event: GatewayEvent, at: datetime) -> None:
        calls.append(f"{event.object} {at:%H:%M:%S}")
        end = next(left, None)
        if end is not None:
            raise end

    return {"refund.updated": handler}, calls


def run(handlers: dict[str, Handler], at: datetime = AT) -> int:
    return gateway_events.handle_due(handlers, clock=lambda: at)


def only() -> GatewayEvent:
    event: GatewayEvent = GatewayEvent.objects.get()
    return event


def test_keeps_an_event_as_it_came_and_handles_it_once() -> None:
    handlers, calls = handled()
    store()

    assert (run(handlers), run(handlers, AT + DAY)) == (1, 0)

    event = only()
    assert (event.state, event.handled_at, event.due_at, event.attempts) == (EventState.DONE, AT, None, 1)
    assert (event.payload, event.object) == ('{"id": "evt_1"}', "re_1")
    assert calls == ["re_1 12:00:00"]


def test_a_duplicate_is_counted_and_not_handled_again() -> None:
    handlers, calls = handled()
    store()
    run(handlers)

    for _ in range(3):
        store(at=AT + HOUR)

    assert (only().deliveries, only().received_at, run(handlers, AT + HOUR)) == (4, AT, 0)
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_one_event_delivered_ten_times_at_once_is_kept_once() -> None:
    results = race([store] * 10)

    assert len({event.pk for event in results}) == 1
    assert only().deliveries == 10


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_share_the_events() -> None:
    handlers, calls = handled()
    for number in range(12):
        store(f"evt_{number}")

    counts = race([partial(run, handlers)] * 4)

    assert (sum(counts), len(calls)) == (12, 12)


def test_a_type_that_nobody_handles_is_ignored() -> None:
    handlers, calls = handled()
    store(kind="customer.created")

    run(handlers)

    assert (only().state, calls) == (EventState.IGNORED, [])


@pytest.mark.parametrize(
    "error", [NotFound("no such deposit"), OutcomeUnknown("500"), Busy("locked"), Conflict("no room"), KeyError("x")]
)
def test_what_can_not_be_handled_now_is_handled_later(error: Exception) -> None:
    handlers, calls = handled(error)
    store()

    run(handlers)
    waiting = only()
    assert (waiting.state, waiting.due_at) == (EventState.WAITING, AT + 10 * SECOND)
    assert waiting.error
    assert run(handlers, AT + 9 * SECOND) == 0
    run(handlers, AT + 10 * SECOND)

    assert (only().state, only().error, len(calls)) == (EventState.DONE, "", 2)


def test_one_that_breaks_its_handler_keeps_no_other_waiting() -> None:
    handlers, calls = handled(ValueError("broken"))
    store("evt_1")
    store("evt_2")

    assert run(handlers) == 2

    assert list(GatewayEvent.objects.order_by("id").values_list("state", flat=True)) == ["waiting", "done"]
    assert len(calls) == 2


def test_is_given_up_after_three_days_for_a_person_to_see() -> None:
    handlers, calls = handled(*[NotFound("no such refund")] * 100)
    store()
    at, pauses = AT, []

    while only().state == EventState.WAITING:
        due = only().due_at
        assert due
        pauses.append(due - at)
        at = due
        run(handlers, at)

    assert timedelta(days=3) <= at - AT < timedelta(days=3, hours=6)
    assert max(pauses) == timedelta(hours=6)
    assert (only().state, only().due_at, only().error) == (EventState.FAILED, None, "no such refund")
    assert len(calls) < 40


def test_a_worker_that_died_leaves_it_to_the_next() -> None:
    handlers, calls = handled(SystemExit())
    store()
    with pytest.raises(SystemExit):
        run(handlers)

    assert run(handlers, AT + timedelta(seconds=119)) == 0
    assert run(handlers, AT + timedelta(seconds=120)) == 1

    assert (only().state, len(calls)) == (EventState.DONE, 2)


def test_staff_have_any_event_handled_once_more() -> None:
    handlers, calls = handled()
    event, grace = store(), make_staff()
    run(handlers)

    gateway_events.replay(event_id=event.pk, staff=grace, at=AT + DAY)

    assert only().state == EventState.WAITING
    assert run(handlers, AT + DAY) == 1
    assert (only().state, len(calls)) == (EventState.DONE, 2)


def test_a_replay_is_for_staff_and_for_events_that_are_not_due_anyway() -> None:
    event, grace = store(), make_staff()

    with pytest.raises(Forbidden):
        gateway_events.replay(event_id=event.pk, staff=make_customer(), at=AT)
    with pytest.raises(NotFound):
        gateway_events.replay(event_id=event.pk + 1, staff=grace, at=AT)
    with pytest.raises(Conflict):
        gateway_events.replay(event_id=event.pk, staff=grace, at=AT)

    assert only().attempts == 0
