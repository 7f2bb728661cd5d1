"""`cancel`."""

import pytest
from django.test import Client

from orders.models import CancelRequest, Cause, Order, OrderStatus, Service
from panel.accounts.models import User
from tests.factories import make_customer, make_provider, make_service, move, place_order
from tests.orders.api_v2.panel_client import MALFORMED, UNKNOWN_ORDER, Api, Books
from tests.orders.api_v2.test_status import JUNK


def test_cancels_a_pending_order_and_refunds_it(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach, quantity=1000)

    body = api("cancel", orders=order.pk)

    order.refresh_from_db()
    assert body == [{"order": order.pk, "cancel": 1}]
    assert order.status == OrderStatus.CANCELED
    assert api("balance") == {"balance": "50.00", "currency": "USD"}
    assert api("status", order=order.pk)["charge"] == "0.00"


def test_answers_an_array_for_a_single_order_too(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach)

    assert api("cancel", order=order.pk) == [{"order": order.pk, "cancel": 1}]


def test_answers_each_order_for_itself(api: Api, ada: User, reach: Service) -> None:
    first, done, last = (place_order(ada, reach) for _ in range(3))
    move(done, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)

    body = api("cancel", orders=f"{first.pk},abc,999999,{done.pk},{last.pk}")

    assert body == [
        {"order": first.pk, "cancel": 1},
        {"order": "abc", "cancel": UNKNOWN_ORDER},
        {"order": 999999, "cancel": UNKNOWN_ORDER},
        {"order": done.pk, "cancel": {"error": f"Order {done.pk} is completed already."}},
        {"order": last.pk, "cancel": 1},
    ]


def test_handles_an_id_that_is_given_twice_once(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach)

    assert api("cancel", orders=f"{order.pk},{order.pk},0{order.pk}") == [{"order": order.pk, "cancel": 1}]


def test_refuses_to_cancel_twice(api: Api, ada: User, reach: Service, books: Books) -> None:
    order = place_order(ada, reach)
    api("cancel", order=order.pk)

    with books.untouched():
        body = api("cancel", order=order.pk)

    assert body == [{"order": order.pk, "cancel": {"error": f"Order {order.pk} is canceled already."}}]


def test_asks_for_a_running_order_without_refunding_it(api: Api, ada: User) -> None:
    order = place_order(ada, make_service(provider=make_provider(), allows_cancel=True))
    move(order, OrderStatus.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")
    before = api("balance")

    assert api("cancel", order=order.pk) == [{"order": order.pk, "cancel": 1}]

    assert CancelRequest.objects.get().order_id == order.pk
    assert api("balance") == before
    assert api("status", order=order.pk)["status"] == "In progress"


def test_refuses_a_second_request_for_a_running_order(api: Api, ada: User, books: Books) -> None:
    order = place_order(ada, make_service(provider=make_provider(), allows_cancel=True))
    move(order, OrderStatus.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")
    api("cancel", order=order.pk)

    with books.untouched():
        [row] = api("cancel", order=order.pk)

    assert row["cancel"] == {"error": "A cancel request for this order is on its way already."}


def test_refuses_a_running_order_of_a_service_that_can_not_be_canceled(api: Api, ada: User, books: Books) -> None:
    order = place_order(ada, make_service(provider=make_provider()))
    move(order, OrderStatus.IN_PROGRESS)

    with books.untouched():
        [row] = api("cancel", order=order.pk)

    assert row["cancel"] == {"error": "This order is running and its service can't be canceled."}


@pytest.mark.usefixtures("credit_only_policy")
def test_refuses_in_the_policy_s_words_when_it_gives_no_cancel(
    api: Api, ada: User, reach: Service, books: Books
) -> None:
    order = place_order(ada, reach)

    with books.untouched():
        [row] = api("cancel", order=order.pk)

    assert row["order"] == order.pk
    assert list(row["cancel"]) == ["error"]
    assert len(row["cancel"]["error"]) > 10


@pytest.mark.parametrize("junk", JUNK)
def test_refuses_an_id_that_is_none(api: Api, ada: User, reach: Service, books: Books, junk: str) -> None:
    place_order(ada, reach)

    with books.untouched():
        assert api("cancel", orders=junk) == [{"order": junk, "cancel": UNKNOWN_ORDER}]


def test_answers_another_customer_s_order_as_an_unknown_one(api: Api, reach: Service, books: Books) -> None:
    foreign = place_order(make_customer("grace", funds="5"), reach)

    with books.untouched():
        body = api("cancel", orders=f"{foreign.pk},{foreign.pk + 1}")

    assert body == [
        {"order": foreign.pk, "cancel": UNKNOWN_ORDER},
        {"order": foreign.pk + 1, "cancel": UNKNOWN_ORDER},
    ]


def test_takes_no_more_than_a_hundred_ids(api: Api, ada: User, reach: Service, books: Books) -> None:
    order = place_order(ada, reach)

    with books.untouched():
        assert api("cancel", orders=",".join([str(order.pk)] * 101)) == MALFORMED


@pytest.mark.parametrize("given", [{}, {"orders": ",,"}, {"order": "null"}, {"order": "1", "orders": "2"}])
def test_refuses_when_it_is_unclear_which_orders_are_meant(api: Api, books: Books, given: dict[str, str]) -> None:
    with books.untouched():
        assert api("cancel", **given) == MALFORMED


def test_keeps_a_cancel_when_a_later_one_of_the_call_fails(client: Client, api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach)

    Api(client, api.key)("cancel", orders=f"{order.pk},999999")

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
