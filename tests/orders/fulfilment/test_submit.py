from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders import canceling, handling
from orders.canceling import Canceled
from orders.fulfilment import client, outcomes, submit, unknowns
from orders.fulfilment.client import Accepted, OutcomeUnknown
from orders.models import AttentionItem, AttentionKind, Cause, OrderStatus, Provider, Submission, SubmissionState
from panel.kernel.errors import Forbidden
from panel.sandbox.provider import Sandbox
from tests.factories import AT, make_customer, make_package, make_provider, make_staff, place_order
from tests.orders.fulfilment.races import race
from tests.orders.fulfilment.stage import DUE, MINUTE, order_at, provider_of, status_of, submission_of

pytestmark = pytest.mark.django_db


def run(at: datetime = DUE) -> list[SubmissionState | None]:
    """Submit everything that is due, as the tasks do."""
    return [submit.send(submission_id=number, at=at) for number in submit.claim(limit=100, at=at)]


def attention_kinds() -> list[str]:
    return list(AttentionItem.objects.order_by("id").values_list("kind", flat=True))


def test_hands_an_order_over_with_its_link_quantity_and_request_id(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox), quantity=4000, link="https://blog.example/autumn")

    assert run() == [SubmissionState.ACCEPTED]

    order.refresh_from_db()
    [there] = sandbox.orders()
    assert (there["link"], there["quantity"]) == ("https://blog.example/autumn", 4000)
    assert there["request_id"] == str(submission_of(order).request_id)
    assert (order.status, order.provider_order_id) == (OrderStatus.PROCESSING, str(there["order"]))
    assert order.sync_due_at == DUE + MINUTE
    assert order.submit_due_at is None


def test_a_package_is_sent_without_a_quantity(sandbox: Sandbox) -> None:
    service = make_package(provider=provider_of(sandbox), provider_service_id="202")
    place_order(make_customer(funds="50"), service)

    assert run() == [SubmissionState.ACCEPTED]
    assert sandbox.orders()[0]["quantity"] == 1


def test_claims_nothing_before_the_delay_is_over(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))

    assert submit.claim(limit=10, at=AT + timedelta(seconds=59)) == []
    assert status_of(order) == OrderStatus.PENDING


@pytest.mark.parametrize(
    "fields",
    [{"is_active": False}, {"held_until": DUE + MINUTE, "held_reason": "empty balance"}],
    ids=["inactive", "held"],
)
def test_leaves_orders_of_inactive_and_held_providers_waiting(fields: dict[str, Any]) -> None:
    order = order_at(make_provider(**fields))

    assert submit.claim(limit=10, at=DUE) == []
    assert status_of(order) == OrderStatus.PENDING


def test_claims_the_oldest_due_first_and_no_more_than_asked_for() -> None:
    provider, customer = make_provider(), make_customer(funds="50")
    later = order_at(provider, customer, at=AT + timedelta(seconds=5))
    first = order_at(provider, customer)

    [submission_id] = submit.claim(limit=1, at=DUE)

    assert Submission.objects.get(pk=submission_id).order_id == first.pk
    assert status_of(later) == OrderStatus.PENDING


def test_the_number_of_statements_of_a_claim_does_not_grow() -> None:
    provider, customer = make_provider(), make_customer(funds="500")
    counts = []
    for size in (1, 10, 100):
        for _ in range(size):
            order_at(provider, customer)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(submit.claim(limit=100, at=DUE)) == size
        counts.append(len(queries))

    assert counts == [counts[0]] * 3


def test_a_submission_is_called_once_however_often_its_task_runs(sandbox: Sandbox) -> None:
    order_at(provider_of(sandbox, supports_request_id=False))
    [submission_id] = submit.claim(limit=10, at=DUE)

    first = submit.send(submission_id=submission_id, at=DUE)
    again = submit.send(submission_id=submission_id, at=DUE)

    assert (first, again) == (SubmissionState.ACCEPTED, None)
    assert [order["add_calls"] for order in sandbox.orders()] == [1]


def test_refuses_to_call_inside_a_transaction(sandbox: Sandbox) -> None:
    order_at(provider_of(sandbox))
    [submission_id] = submit.claim(limit=10, at=DUE)

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        submit.send(submission_id=submission_id, at=DUE)

    assert sandbox.orders() == []


def test_an_order_that_was_provably_not_sent_waits_its_turn_again() -> None:
    provider = make_provider(api_url="http://127.0.0.1:9/api/v2")
    order = order_at(provider)

    assert run() == [SubmissionState.NOT_SENT]

    order.refresh_from_db()
    provider.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    assert order.submit_due_at == DUE + timedelta(seconds=30)
    assert provider.held_until == DUE + timedelta(seconds=30)
    assert order.refunded == 0


def test_the_pause_doubles_up_to_ten_minutes() -> None:
    order = order_at(make_provider(api_url="http://127.0.0.1:9/api/v2"))
    at, pauses = DUE, []
    for _ in range(7):
        run(at)
        order.refresh_from_db()
        assert order.submit_due_at is not None
        pauses.append((order.submit_due_at - at).total_seconds())
        at = order.submit_due_at

    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_an_empty_balance_holds_the_provider_until_it_is_filled(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    refused, withheld = order_at(provider, customer), order_at(provider, customer)
    sandbox.set_balance("0")

    assert run() == [SubmissionState.REFUSED, SubmissionState.NOT_SENT]

    provider.refresh_from_db()
    assert (status_of(refused), status_of(withheld)) == (OrderStatus.PENDING, OrderStatus.PENDING)
    assert provider.held_until == DUE + timedelta(minutes=5)
    assert attention_kinds() == [AttentionKind.PROVIDER_BALANCE]
    assert run(DUE + timedelta(minutes=4)) == []

    sandbox.set_balance("100")
    assert run(DUE + timedelta(minutes=5)) == [SubmissionState.ACCEPTED]  # one tries whether it is filled
    assert run(DUE + timedelta(minutes=5)) == [SubmissionState.ACCEPTED]
    assert Provider.objects.filter(held_until=None, held_reason="").count() == 1
    assert len(sandbox.orders()) == 2
    assert refused.refunded == 0


def test_a_refused_key_holds_the_provider(sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key="not the key")
    order = order_at(provider)

    assert run() == [SubmissionState.REFUSED]

    provider.refresh_from_db()
    assert provider.held_until == DUE + timedelta(minutes=5)
    assert attention_kinds() == [AttentionKind.PROVIDER_KEY]
    assert status_of(order) == OrderStatus.PENDING


def test_too_many_calls_are_retried_after_a_minute(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault("http_429", action="add", times=1)

    assert run() == [SubmissionState.REFUSED]
    order.refresh_from_db()
    assert order.submit_due_at == DUE + MINUTE
    assert attention_kinds() == []
    assert run(DUE + MINUTE) == [SubmissionState.ACCEPTED]


@pytest.mark.parametrize(
    "text", ["Bad link", "Incorrect service ID", "Quantity less than minimal 5000", "Out of order"]
)
def test_a_refusal_of_the_order_itself_waits_for_a_person_and_refunds_nothing(sandbox: Sandbox, text: str) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault("error", action="add", error=text)

    assert run() == [SubmissionState.REFUSED]

    order.refresh_from_db()
    item = AttentionItem.objects.get()
    assert (order.status, order.submit_due_at, order.refunded) == (OrderStatus.PENDING, None, Decimal(0))
    assert (item.kind, item.order_id) == (AttentionKind.SUBMISSION_REFUSED, order.pk)
    assert text in item.detail
    assert run(DUE + timedelta(days=1)) == []


def test_an_order_that_the_provider_refused_can_be_canceled_by_the_customer(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault("error", action="add", error="Bad link")
    run()

    assert canceling.cancel(customer=order.customer, order_id=order.pk, at=DUE) is Canceled.AT_ONCE
    order.refresh_from_db()
    assert order.refunded == order.charge


def test_an_order_that_the_provider_refused_is_sent_again_when_staff_say_so(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault("error", action="add", error="Bad link", times=1)
    run()

    with pytest.raises(Forbidden):
        submit.send_again(order_id=order.pk, staff=order.customer, at=DUE)
    submit.send_again(order_id=order.pk, staff=make_staff(), at=DUE)

    assert run() == [SubmissionState.ACCEPTED]


def test_staff_do_not_send_an_order_of_their_own_again(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox), customer := make_customer(funds="50"))
    sandbox.fault("error", action="add", error="Bad link", times=1)
    run()
    customer.is_staff = True
    customer.save(update_fields=["is_staff"])

    with pytest.raises(Forbidden, match="Nobody handles an own order"):
        submit.send_again(order_id=order.pk, staff=customer, at=DUE)

    assert run() == []
    assert attention_kinds() == [AttentionKind.SUBMISSION_REFUSED]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "drop_after"},
        {"kind": "http_500"},
        {"kind": "nonsense", "variant": "html"},
        {"kind": "nonsense", "variant": "truncated"},
        {"kind": "nonsense", "variant": "wrong_shape"},
        {"kind": "nonsense", "variant": "not_a_number"},
        {"kind": "nonsense", "variant": "empty"},
    ],
    ids=lambda fault: "-".join(fault.values()),
)
def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(sandbox: Sandbox, fault: dict[str, str]) -> None:
    order = order_at(provider_of(sandbox))
    sandbox.fault(action="add", times=1, **fault)

    assert run() == [SubmissionState.UNKNOWN]
    assert status_of(order) == OrderStatus.PROCESSING
    assert run(DUE + timedelta(days=1)) == []  # never resubmitted


def test_a_late_or_repeated_answer_changes_nothing(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    run()
    submission = submission_of(order)

    order.refresh_from_db()
    for late in (OutcomeUnknown("late"), client.NotSent("late"), Accepted(order.provider_order_id)):
        assert outcomes.record(submission_id=submission.pk, outcome=late, at=DUE + MINUTE) == SubmissionState.ACCEPTED

    before = order.provider_order_id
    order.refresh_from_db()
    assert (order.status, order.provider_order_id) == (OrderStatus.PROCESSING, before)
    assert attention_kinds() == []


def test_a_late_answer_with_another_number_goes_to_a_person(sandbox: Sandbox) -> None:
    order = order_at(provider_of(sandbox))
    run()

    outcomes.record(submission_id=submission_of(order).pk, outcome=Accepted("99999"), at=DUE)

    order.refresh_from_db()
    assert order.provider_order_id != "99999"
    assert attention_kinds() == [AttentionKind.SUBMISSION_UNKNOWN]


def test_a_number_that_belongs_to_another_order_is_not_believed(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)
    first = order_at(provider)
    run()
    first.refresh_from_db()
    second = order_at(provider)
    [submission_id] = submit.claim(limit=10, at=DUE)

    state = outcomes.record(submission_id=submission_id, outcome=Accepted(first.provider_order_id), at=DUE)

    second.refresh_from_db()
    assert (state, second.provider_order_id) == (SubmissionState.UNKNOWN, "")
    assert attention_kinds() == [AttentionKind.SUBMISSION_UNKNOWN]


def test_staff_can_not_move_an_order_while_it_is_handed_over() -> None:
    order = order_at(make_provider())
    submit.claim(limit=10, at=DUE)

    with pytest.raises(handling.BeingSubmitted):
        handling.cancel(order_id=order.pk, cause=Cause.SYSTEM_ERROR, staff=make_staff(), at=DUE)


def test_a_cancel_asked_for_during_the_call_is_carried_out_when_nothing_was_sent() -> None:
    order = order_at(make_provider(api_url="http://127.0.0.1:9/api/v2"))
    [submission_id] = submit.claim(limit=10, at=DUE)
    assert canceling.cancel(customer=order.customer, order_id=order.pk, at=DUE) is Canceled.REQUESTED

    submit.send(submission_id=submission_id, at=DUE)

    order.refresh_from_db()
    assert (order.status, order.refunded) == (OrderStatus.CANCELED, order.charge)
    assert order.cancel_requests.get().state == "closed"


@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_each_order_once(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="500")
    for _ in range(40):
        order_at(provider, customer)
    claimed = race(*[lambda: [submit.claim(limit=5, at=DUE) for _ in range(8)]] * 2)

    numbers = [number for batches in claimed for batch in batches for number in batch]
    assert len(numbers) == len(set(numbers)) == 40
    assert Submission.objects.values("order").distinct().count() == 40


@pytest.mark.django_db(transaction=True)
def test_of_a_cancel_and_a_submission_at_the_same_time_one_wins(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="100")
    won = {"cancel": 0, "submit": 0}
    for _ in range(20):
        order = order_at(provider, customer)
        cancel, claimed = race(
            lambda order=order: canceling.cancel(customer=customer, order_id=order.pk, at=DUE),  # type: ignore[misc]
            lambda: submit.claim(limit=1, at=DUE),
        )
        assert (cancel is Canceled.AT_ONCE) == (claimed == [])
        won["submit" if claimed else "cancel"] += 1
        for submission_id in claimed:
            submit.send(submission_id=submission_id, at=DUE)
        order.refresh_from_db()
        assert order.refunded == (0 if claimed else order.charge)

    assert len(sandbox.orders()) == won["submit"]
    assert won["cancel"] + won["submit"] == 20


@pytest.mark.django_db(transaction=True)
def test_two_tasks_and_the_janitor_at_once_make_one_call(sandbox: Sandbox) -> None:
    provider, customer, late = (
        provider_of(sandbox, supports_request_id=False),
        make_customer(funds="50"),
        DUE + 2 * MINUTE,
    )
    for _ in range(15):
        order_at(provider, customer)
    claimed = submit.claim(limit=15, at=DUE)

    for number in claimed:
        race(
            partial(submit.send, submission_id=number, at=late),
            partial(submit.send, submission_id=number, at=late),
            lambda: unknowns.resolve(limit=1, at=late),
        )

    assert [order["add_calls"] for order in sandbox.orders()] == [1] * 15
