"""How panels lose or pay twice for an order that is at its provider, one test each.

They were found in public panels by reading their code and their bug reports. The numbers are those of the list.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from orders import canceling, placing
from orders.canceling import Canceled
from orders.fulfilment import cancels, sync, unknowns
from orders.fulfilment.client import Missing
from orders.fulfilment.sync import Answer
from orders.lines import Line
from orders.models import AttentionItem, AttentionKind, CancelRequest, Order, OrderStatus, Submission, SubmissionState
from panel.sandbox.provider import Sandbox
from tests.factories import AT, make_customer, make_provider, make_service, place_order
from tests.factories.reports import LATER, hand_over, refunds_of, running

pytestmark = pytest.mark.django_db

LINK = "https://example.com/launch"


@pytest.mark.parametrize("said", ["error", "forgotten", "nothing"])
def test_13_an_error_or_a_forgotten_order_is_no_reason_to_refund(said: str, sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key=sandbox.key)
    order = place_order(make_customer(funds="100"), make_service(rate="10", provider=provider))
    hand_over()
    order.refresh_from_db()
    if said == "error":
        sandbox.fault("error", error="Incorrect order ID")
    elif said == "forgotten":
        sandbox.forget(order.provider_order_id)
    else:
        sandbox.fault("drop_before")

    tally = sync.sync_due(at=LATER + timedelta(hours=1))

    order.refresh_from_db()
    assert tally.moved == 0
    assert (order.status, refunds_of(order)) == ("processing", [])
    assert order.sync_due_at is not None


def test_13_a_forgotten_order_goes_to_a_person_and_is_asked_for_again() -> None:
    order = running(provider=make_provider())

    sync.record([Answer(order.pk, Missing("Incorrect order ID"))], LATER)

    order.refresh_from_db()
    assert AttentionItem.objects.get(order=order).kind == AttentionKind.MISSING_AT_PROVIDER
    assert (order.status, refunds_of(order), order.sync_due_at is None) == ("in_progress", [], False)


def test_17_more_than_a_hundred_orders_are_all_polled(sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key=sandbox.key)
    service = make_service(rate="1", provider=provider)
    ada = make_customer(funds="500")
    placing.place(customer=ada, lines=[Line(service.pk, LINK, 1000)] * 230, at=AT)
    hand_over()
    for row in sandbox.orders():
        sandbox.drive(str(row["order"]), status="Completed", remains="0")

    at, rounds = LATER + timedelta(hours=1), 0
    while sync.sync_due(at=at).polled:
        rounds += 1

    assert rounds == 3
    assert Order.objects.filter(status=OrderStatus.COMPLETED).count() == 230


def test_18_a_cancel_is_not_done_before_the_provider_says_so(sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key=sandbox.key)
    order = place_order(make_customer(funds="100"), make_service(rate="10", provider=provider, allows_cancel=True))
    hand_over()

    assert canceling.cancel(customer=order.customer, order_id=order.pk, at=LATER) is Canceled.REQUESTED
    assert cancels.send_due(at=LATER) == 1

    assert CancelRequest.objects.get(order=order).state == "accepted"
    assert (refunds_of(order), order.status) == ([], "processing")
    sandbox.drive(order.provider_order_id, status="Canceled", remains="1000")
    sync.sync_due(at=LATER + timedelta(hours=1))
    assert refunds_of(order) == [Decimal(10)]


def test_19_an_order_is_sent_once_even_when_the_answer_was_lost(sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key=sandbox.key, supports_request_id=True)
    order = place_order(make_customer(funds="100"), make_service(rate="10", provider=provider))
    sandbox.fault("drop_after")
    hand_over()
    assert Submission.objects.get(order=order).state == SubmissionState.UNKNOWN

    sandbox.clear_faults()
    unknowns.resolve(limit=10, at=LATER + timedelta(hours=1))

    order.refresh_from_db()
    assert len(sandbox.orders()) == 1
    assert order.provider_order_id == str(sandbox.orders()[0]["order"])
    assert refunds_of(order) == []


def test_19_an_order_is_not_lost_when_the_balance_at_the_provider_is_empty(sandbox: Sandbox) -> None:
    provider = make_provider(api_url=sandbox.url, api_key=sandbox.key)
    order = place_order(make_customer(funds="100"), make_service(rate="10", provider=provider))
    sandbox.set_balance("0")
    hand_over()
    assert sandbox.orders() == []
    order.refresh_from_db()
    assert (order.status, order.submit_due_at is None) == (OrderStatus.PENDING, False)

    sandbox.set_balance("1000")
    hand_over(LATER + timedelta(hours=2))

    assert len(sandbox.orders()) == 1
