"""The order's page tells everything that happened to it, in order, each with its rule, and where to ask for more."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import canceling
from orders.models import CancelRequest, CancelRequestState, Cause, Order, OrderStatus
from panel.accounts.models import User
from refunds.desk import talking
from tests.factories import AT, HOUR, make_provider, make_service, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    decline,
    make_agent,
    order_in_review,
    partly_delivered,
    publish_paying_for_errors,
    started,
    withdraw,
)
from tests.web import asking, pages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """It is November 2, four in the afternoon in UTC."""
    with time_machine.travel(AT + 4 * HOUR, tick=False):
        yield


def look(browser: Client, order: Order) -> pages.Response:
    return browser.get(f"/orders/{order.pk}/")


def labels(page: pages.Response) -> list[str]:
    return [step.label for step in page.context["steps"]]


def running_with_provider(ada: User) -> Order:
    order = place_order(ada, make_service(rate="10", provider=make_provider(), allows_cancel=True))
    move(order, OrderStatus.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")
    order.refresh_from_db()
    return order


def test_tells_moves_decisions_and_requests_in_the_order_of_time(browser: Client, ada: User) -> None:
    order = partly_delivered(ada)
    request = ask_for_refund(order, Cause.DROPPED, at=AT + HOUR)
    talking.message(request_id=request.pk, customer=ada, text="Secretly sad.", at=AT + 2 * HOUR)
    decline(request, make_agent(), note="All of it is there.", at=AT + 3 * HOUR)

    page = look(browser, order)

    assert labels(page) == [
        "Placed",
        "Started",
        "Partial",
        "Decided",
        "You asked for a refund",
        "You wrote",
        "Declined",
    ]
    said = pages.text(page)
    assert "The rule: The order ends before all of it is delivered" in said
    assert "The rule: Wrong link or target, results that dropped later" in said
    assert "All of it is there." in said
    assert "Secretly sad." not in said  # the conversation is on the request's page
    assert f"/refunds/{request.pk}/" in pages.links(page)


def test_a_review_is_told_once_from_its_beginning_to_its_end(browser: Client, ada: User) -> None:
    request = order_in_review(ada)
    before = look(browser, request.order)
    approve(request, make_agent(), note="The link was mended.", at=AT + HOUR)

    page = look(browser, request.order)

    assert labels(before) == ["Placed", "Canceled", "Left to a person"]
    assert labels(page) == ["Placed", "Canceled", "Left to a person", "Approved"]
    assert pages.text(page).count("4.00 USD was credited to your balance. The link was mended.") == 1


def test_what_was_settled_at_once_is_told_once(browser: Client, ada: User) -> None:
    publish_paying_for_errors()
    order = partly_delivered(ada)
    ask_for_refund(order, Cause.SYSTEM_ERROR, at=AT + HOUR)

    page = look(browser, order)

    assert labels(page) == ["Placed", "Started", "Partial", "Decided", "You asked for a refund", "Approved"]
    assert "All that you paid for this order is refunded already." in pages.text(page)
    assert f"/refunds/new/?order={order.pk}" not in pages.links(page)


def test_a_request_that_the_orders_end_settled_is_told_without_saying_the_same_twice(
    browser: Client, ada: User
) -> None:
    order = started(ada, remains=400)
    ask_for_refund(order, Cause.PLATFORM_DELAY)
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE, at=AT + HOUR)

    page = look(browser, order)

    assert labels(page)[-3:] == ["Partial", "Decided", "Settled with the order"]
    story = [step for step in page.context["steps"] if "4.00 USD was credited" in step.text]
    assert [step.label for step in story] == ["Decided"]


def test_a_refund_approved_while_the_order_runs_is_told_with_the_orders_end(browser: Client, ada: User) -> None:
    order = started(ada, remains=400)
    request = ask_for_refund(order, Cause.PLATFORM_DELAY)
    approve(request, make_agent(), remains=400, note="It is stuck.", at=AT + HOUR)

    page = look(browser, order)

    order.refresh_from_db()
    assert order.status == OrderStatus.PARTIAL
    assert labels(page)[:3] == ["Placed", "Started", "You asked for a refund"]
    assert labels(page)[3] == "Partial"
    assert labels(page)[-1] == "Approved"
    assert "4.00 USD was credited to your balance. It is stuck." in pages.text(page)


def test_the_customers_wish_to_cancel_and_its_answer_are_told(browser: Client, ada: User) -> None:
    order = running_with_provider(ada)
    canceling.cancel(customer=ada, order_id=order.pk, at=AT + HOUR)
    CancelRequest.objects.update(state=CancelRequestState.REFUSED, answered_at=AT + 2 * HOUR)

    page = look(browser, order)

    assert labels(page) == ["Placed", "Started", "You asked to cancel", "Cancel refused by the provider"]


def test_a_wish_of_staff_to_cancel_is_not_called_the_customers(browser: Client, ada: User) -> None:
    order = running_with_provider(ada)
    with transaction.atomic():
        canceling.ask_provider(order, cause=Cause.PLATFORM_DELAY, staff=make_agent(), at=AT + HOUR)

    page = look(browser, order)

    said = pages.text(page)
    assert labels(page)[-1] == "Our staff asked to cancel"
    assert "You asked" not in said
    assert "your wish" not in said
    assert "We are passing our staff's wish on to the provider." in said
    asked = browser.get(f"/orders/{order.pk}/cancel/", follow=True)
    assert "Our staff have asked to cancel this order already." in pages.text(asked)


def test_every_wish_to_cancel_is_told(browser: Client, ada: User) -> None:
    order = running_with_provider(ada)
    for hours in (1, 2):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT + hours * HOUR)
        CancelRequest.objects.filter(state=CancelRequestState.REQUESTED).update(
            state=CancelRequestState.REFUSED, answered_at=AT + hours * HOUR + timedelta(minutes=5)
        )

    assert labels(look(browser, order))[2:] == ["You asked to cancel", "Cancel refused by the provider"] * 2


class TestAskingFromThere:
    def test_leads_to_the_form(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)

        page = look(browser, order)

        assert f"{asking.NEW}?order={order.pk}" in pages.links(page)
        assert browser.get(f"{asking.NEW}?order={order.pk}").status_code == 200

    def test_names_the_open_request_and_how_it_stands(self, browser: Client, ada: User) -> None:
        request = ask_for_refund(partly_delivered(ada))

        page = look(browser, request.order)

        assert f"Request {request.pk} Waiting for us" in pages.text(page)
        assert f"/refunds/{request.pk}/" in pages.links(page)
        assert f"{asking.NEW}?order={request.order_id}" not in pages.links(page)

    def test_points_to_canceling_while_that_brings_everything_back(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service())

        page = look(browser, order)

        assert "You need not ask: cancel the order while it is pending, and all of it is back at once." in pages.text(
            page
        )
        assert asking.NEW not in " ".join(pages.links(page))

    def test_can_be_asked_again_after_it_was_taken_back(self, browser: Client, ada: User) -> None:
        request = ask_for_refund(partly_delivered(ada))
        withdraw(request)

        page = look(browser, request.order)

        assert labels(page)[-1] == "You took it back"
        assert f"{asking.NEW}?order={request.order_id}" in pages.links(page)

    def test_says_why_not_when_everything_is_back(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service())
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

        page = look(browser, order)

        assert "All that you paid for this order is refunded already." in pages.text(page)
        assert f"{asking.NEW}?order={order.pk}" not in pages.links(page)


def test_takes_the_same_queries_for_any_number_of_requests(browser: Client, ada: User) -> None:
    order = partly_delivered(ada)
    withdraw(ask_for_refund(order))
    look(browser, order)  # policy versions are read once a process
    with CaptureQueriesContext(connection) as few:
        look(browser, order)

    for _ in range(9):
        withdraw(ask_for_refund(order))
    with CaptureQueriesContext(connection) as many:
        look(browser, order)

    is_flagged = 1  # by so many, so that nothing more is measured about her
    assert len(many) == len(few) - is_flagged
