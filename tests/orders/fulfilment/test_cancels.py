from datetime import timedelta

import pytest

from orders import canceling
from orders.canceling import Canceled
from orders.fulfilment import cancels, submit
from orders.fulfilment.client import CancelAccepted
from orders.models import AttentionItem, AttentionKind, CancelRequest, CancelRequestState, Order, OrderStatus, Provider
from panel.sandbox.provider import Sandbox
from tests.factories import make_customer
from tests.orders.fulfilment.stage import (
    DUE,
    MINUTE,
    order_at,
    provider_of,
    status_of,
    submission_of,
    submitted,
    sync_at,
)

pytestmark = pytest.mark.django_db

HALF = timedelta(seconds=30)


def ask_to_cancel(order: Order) -> CancelRequest:
    assert canceling.cancel(customer=order.customer, order_id=order.pk, at=DUE) is Canceled.REQUESTED
    return order.cancel_requests.get()


def cancel_calls(sandbox: Sandbox) -> list[object]:
    return [order["cancel_calls"] for order in sandbox.orders()]


def test_an_accepted_cancel_refunds_only_when_the_provider_reports_it(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    request = ask_to_cancel(order)

    assert cancels.send_due(at=DUE) == 1

    request.refresh_from_db()
    assert (request.state, request.send_due_at, request.answered_at) == (CancelRequestState.ACCEPTED, None, DUE)
    assert status_of(order) == OrderStatus.PROCESSING
    assert order.refunded == 0

    sandbox.drive(order.provider_order_id, status="Canceled", remains="1000")
    sync_at(DUE + MINUTE)

    request.refresh_from_db()
    assert status_of(order) == OrderStatus.CANCELED
    assert order.refunded == order.charge
    assert request.state == CancelRequestState.CLOSED


def test_a_refused_cancel_says_why_and_may_be_asked_again(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    request = ask_to_cancel(order)
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")

    assert cancels.send_due(at=DUE) == 1

    request.refresh_from_db()
    assert (request.state, request.detail) == (CancelRequestState.REFUSED, "This order can not be canceled")
    assert status_of(order) == OrderStatus.PROCESSING
    assert canceling.cancel(customer=order.customer, order_id=order.pk, at=DUE) is Canceled.REQUESTED


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "http_500", "nonsense"])
def test_a_request_whose_answer_was_lost_is_asked_again(sandbox: Sandbox, kind: str) -> None:
    order = submitted(provider_of(sandbox))
    request = ask_to_cancel(order)
    sandbox.fault(kind, action="cancel", times=1)

    assert cancels.send_due(at=DUE) == 1
    request.refresh_from_db()
    assert (request.state, request.send_due_at) == (CancelRequestState.REQUESTED, DUE + HALF)
    assert cancels.send_due(at=DUE + timedelta(seconds=29)) == 0

    assert cancels.send_due(at=DUE + HALF) == 1
    request.refresh_from_db()
    assert request.state == CancelRequestState.ACCEPTED


def test_the_wait_grows_to_ten_minutes_and_no_further(sandbox: Sandbox) -> None:
    request = ask_to_cancel(submitted(provider_of(sandbox)))
    sandbox.fault("http_500", action="cancel")
    at, waits = DUE, []
    for _ in range(7):
        cancels.send_due(at=at)
        request.refresh_from_db()
        assert request.send_due_at is not None
        waits.append((request.send_due_at - at).total_seconds())
        at = request.send_due_at

    assert waits == [30, 30, 60, 120, 240, 480, 600]


def test_a_request_for_an_order_whose_submission_is_unknown_waits(sandbox: Sandbox) -> None:
    provider = provider_of(sandbox)
    order = order_at(provider)
    sandbox.fault("drop_after", action="add", times=1)
    for submission_id in submit.claim(limit=1, at=DUE):
        submit.send(submission_id=submission_id, at=DUE)
    assert submission_of(order).state == "unknown"
    request = ask_to_cancel(order)

    assert cancels.send_due(at=DUE + MINUTE) == 0

    request.refresh_from_db()
    assert request.state == CancelRequestState.REQUESTED
    assert cancel_calls(sandbox) == [0]


def test_a_cancel_list_that_the_provider_refuses_as_a_whole_is_asked_one_by_one(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    requests = [ask_to_cancel(submitted(provider, customer)) for _ in range(2)]
    sandbox.fault("error", action="cancel", error="Incorrect request", times=2)

    assert cancels.send_due(at=DUE) == 2

    states = [CancelRequest.objects.get(pk=request.pk).state for request in requests]
    assert sorted(states) == [CancelRequestState.ACCEPTED, CancelRequestState.REFUSED]


def test_a_refused_key_refuses_no_request(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    request = ask_to_cancel(order)
    Provider.objects.update(api_key="revoked")

    cancels.send_due(at=DUE)

    request.refresh_from_db()
    assert request.state == CancelRequestState.REQUESTED
    assert AttentionItem.objects.get().kind == AttentionKind.PROVIDER_KEY


def test_a_verdict_that_comes_after_the_order_ended_changes_nothing(sandbox: Sandbox) -> None:
    order = submitted(provider_of(sandbox))
    request = ask_to_cancel(order)
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")
    sync_at(DUE + MINUTE)

    cancels.record({request.pk: CancelAccepted()}, DUE + MINUTE)

    request.refresh_from_db()
    assert request.state == CancelRequestState.CLOSED
