from datetime import datetime, timedelta

import pytest

from orders.fulfilment import submit, unknowns
from orders.models import AttentionItem, AttentionKind, Order, OrderStatus, Submission, SubmissionState
from panel.kernel.errors import Forbidden, Refused
from panel.sandbox.provider import Sandbox
from tests.factories import make_staff
from tests.orders.fulfilment.stage import DUE, MINUTE, order_at, provider_of, status_of, submission_of, submitted

pytestmark = pytest.mark.django_db

HALF = timedelta(seconds=30)


def unknown_order(sandbox: Sandbox, *, kind: str = "drop_after", supports_request_id: bool = True) -> Order:
    """An order whose `add` was never answered."""
    order = order_at(provider_of(sandbox, supports_request_id=supports_request_id))
    sandbox.fault(kind, action="add", times=1)
    [submission_id] = submit.claim(limit=1, at=DUE)
    assert submit.send(submission_id=submission_id, at=DUE) == SubmissionState.UNKNOWN
    return order


def resolve(at: datetime) -> int:
    return unknowns.resolve(limit=10, at=at)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "nonsense", "http_500"])
def test_asks_again_under_the_same_request_id_and_finds_one_order(sandbox: Sandbox, kind: str) -> None:
    order = unknown_order(sandbox, kind=kind)

    assert resolve(DUE + timedelta(seconds=29)) == 0
    assert resolve(DUE + HALF) == 1

    [there] = sandbox.orders()
    assert there["add_calls"] == (1 if kind in {"drop_before", "http_500"} else 2)
    order.refresh_from_db()
    assert (order.status, order.provider_order_id) == (OrderStatus.PROCESSING, str(there["order"]))
    assert submission_of(order).state == SubmissionState.ACCEPTED
    assert AttentionItem.objects.count() == 0


def test_never_asks_again_where_repeats_are_not_safe_but_tells_a_person(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox, supports_request_id=False)

    for hours in (1, 10, 22, 24, 48):
        assert resolve(DUE + timedelta(hours=hours)) == (1 if hours == 24 else 0)

    assert [there["add_calls"] for there in sandbox.orders()] == [1]
    item = AttentionItem.objects.get()
    assert (item.kind, item.order_id, item.seen) == (AttentionKind.SUBMISSION_UNKNOWN, order.pk, 2)
    assert "Look for the order" in item.detail
    assert status_of(order) == OrderStatus.PROCESSING
    assert order.refunded == 0


def test_the_wait_between_repeats_doubles_up_to_an_hour(sandbox: Sandbox) -> None:
    unknown_order(sandbox)
    sandbox.fault("drop_before", action="add")
    asked: list[datetime] = []
    at = DUE
    while len(asked) < 11:
        at += HALF
        if resolve(at):
            asked.append(at)

    waits = [(later - earlier).total_seconds() for earlier, later in zip([DUE, *asked], asked, strict=False)]
    assert waits == [30, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_stops_asking_before_the_provider_forgets_the_request_id(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox)

    assert resolve(DUE + timedelta(hours=23)) == 1
    assert resolve(DUE + timedelta(hours=23, minutes=30)) == 0

    assert [there["add_calls"] for there in sandbox.orders()] == [1]
    assert AttentionItem.objects.get().kind == AttentionKind.SUBMISSION_UNKNOWN
    assert submission_of(order).state == SubmissionState.UNKNOWN


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "error", "error": "Not enough funds on balance"}, True),
        ({"kind": "error", "error": "You have active order with this link."}, True),
        ({"kind": "error", "error": "Bad link"}, True),
        ({"kind": "http_429"}, False),
    ],
    ids=["no funds", "duplicate link", "bad link", "too many calls"],
)
def test_a_repeat_that_is_refused_proves_nothing_about_the_first_call(
    sandbox: Sandbox, fault: dict[str, str], *, told: bool
) -> None:
    order = unknown_order(sandbox)
    sandbox.fault(action="add", times=1, **fault)

    assert resolve(DUE + HALF) == 1

    assert submission_of(order).state == SubmissionState.UNKNOWN
    assert status_of(order) == OrderStatus.PROCESSING
    assert AttentionItem.objects.exists() is told
    assert resolve(DUE + MINUTE) == 1
    assert submission_of(order).state == SubmissionState.ACCEPTED
    assert len(sandbox.orders()) == 1


def test_a_repeat_that_can_not_be_sent_proves_nothing_about_the_first_call(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox)
    order.provider.api_url = "http://127.0.0.1:9/api/v2"  # type: ignore[union-attr]
    order.provider.save(update_fields=["api_url"])  # type: ignore[union-attr]

    assert resolve(DUE + HALF) == 1

    assert submission_of(order).state == SubmissionState.UNKNOWN
    assert status_of(order) == OrderStatus.PROCESSING


def test_sends_what_was_claimed_and_never_called(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox, supports_request_id=False))
    submit.claim(limit=1, at=DUE)

    assert resolve(DUE + timedelta(seconds=59)) == 0
    assert resolve(DUE + MINUTE) == 1

    order.refresh_from_db()
    assert order.provider_order_id
    assert [there["add_calls"] for there in sandbox.orders()] == [1]


@pytest.mark.parametrize(("supports_request_id", "calls"), [(True, 1), (False, 0)])
def test_a_call_whose_worker_died_becomes_unknown(sandbox: Sandbox, *, supports_request_id: bool, calls: int) -> None:
    order = order_at(provider_of(sandbox, supports_request_id=supports_request_id))
    [submission_id] = submit.claim(limit=1, at=DUE)
    Submission.objects.filter(pk=submission_id).update(state=SubmissionState.CALLING, called_at=DUE)

    assert resolve(DUE + timedelta(seconds=79)) == 0
    assert resolve(DUE + timedelta(seconds=80)) == 1
    assert submission_of(order).state == SubmissionState.UNKNOWN
    resolve(DUE + timedelta(seconds=200))

    assert len(sandbox.orders()) == calls
    assert AttentionItem.objects.count() == 1 - calls


def test_leaves_an_inactive_provider_alone(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox)
    order.provider.is_active = False  # type: ignore[union-attr]
    order.provider.save(update_fields=["is_active"])  # type: ignore[union-attr]

    assert resolve(DUE + HALF) == 0


def test_staff_find_the_order_at_the_provider(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox, supports_request_id=False)
    submission, staff = submission_of(order), make_staff()
    number = str(sandbox.orders()[0]["order"])

    unknowns.found(submission_id=submission.pk, provider_order_id=f" {number} ", staff=staff, at=DUE + MINUTE)

    order.refresh_from_db()
    item = AttentionItem.objects.get()
    assert (order.provider_order_id, order.sync_due_at) == (number, DUE + 2 * MINUTE)
    assert (item.resolved_by, item.resolution) == (staff, f"Found at the provider as {number}")
    with pytest.raises(unknowns.NotUnknown):
        unknowns.found(submission_id=submission.pk, provider_order_id=number, staff=staff, at=DUE)


def test_refuses_a_number_that_is_another_orders_or_none_at_all(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox, kind="drop_before")
    other = submitted(order.provider)  # type: ignore[arg-type]
    submission, staff = submission_of(order), make_staff()

    with pytest.raises(unknowns.NumberTaken, match="another order"):
        unknowns.found(submission_id=submission.pk, provider_order_id=other.provider_order_id, staff=staff, at=DUE)
    for number in ("", "0", "12,13", "x" * 61, "a b"):
        with pytest.raises(Refused):
            unknowns.found(submission_id=submission.pk, provider_order_id=number, staff=staff, at=DUE)

    assert submission_of(order).state == SubmissionState.UNKNOWN


def test_staff_say_that_it_is_not_there_and_it_is_sent_once_more(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox, kind="drop_before", supports_request_id=False)
    submission = submission_of(order)

    unknowns.not_there(submission_id=submission.pk, staff=make_staff(), at=DUE + MINUTE)

    assert status_of(order) == OrderStatus.PENDING
    assert AttentionItem.objects.filter(resolved_at__isnull=True).count() == 0
    [again] = submit.claim(limit=1, at=DUE + MINUTE)
    assert submit.send(submission_id=again, at=DUE + MINUTE) == SubmissionState.ACCEPTED
    assert len(sandbox.orders()) == 1


def test_only_staff_settle_submissions(sandbox: Sandbox) -> None:
    order = unknown_order(sandbox)

    with pytest.raises(Forbidden):
        unknowns.not_there(submission_id=submission_of(order).pk, staff=order.customer, at=DUE)

    assert submission_of(order).state == SubmissionState.UNKNOWN
