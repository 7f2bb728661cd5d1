"""`add`."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order, OrderStatus, PlacedRequest, Service
from panel.accounts.models import User
from refunds.models import PolicyVersion
from tests.factories import fund, make_customer, make_service
from tests.orders.api_v2.conftest import key_of
from tests.orders.api_v2.panel_client import ADDRESS, LINK, MALFORMED, Api, Books, answer

REUSED = {"error": "This request_id belongs to another order"}
BAD_REQUEST_ID = {"error": "A request_id has at most 100 printable characters"}


def test_places_an_order_and_charges_it(api: Api, ada: User, reach: Service) -> None:
    body = api("add", service=reach.pk, link=LINK, quantity=1000)

    order = Order.objects.get()
    assert body == {"order": order.pk}
    assert type(body["order"]) is int
    assert (order.customer_id, order.service_id, order.link, order.quantity) == (ada.pk, reach.pk, LINK, 1000)
    assert (order.status, order.charge) == (OrderStatus.PENDING, Decimal("0.900000"))
    assert order.policy_version == PolicyVersion.objects.get().pk
    assert api("balance") == {"balance": "49.10", "currency": "USD"}


def test_keeps_where_the_call_came_from_and_believes_nobodys_header(
    client: Client, key: str, ada: User, reach: Service
) -> None:
    given = {"key": key, "action": "add", "service": reach.pk, "link": LINK, "quantity": 1000}

    client.post(ADDRESS, given, REMOTE_ADDR="2001:db8::7", headers={"X-Forwarded-For": "198.51.100.1"})

    order = Order.objects.get(customer=ada)
    assert (order.placed_through, order.placed_from) == ("api_v2", "2001:db8::7")


def test_places_a_package_for_its_whole_price(api: Api, spot: Service) -> None:
    api("add", service=spot.pk, link=LINK)

    order = Order.objects.get()
    assert (order.quantity, order.charge) == (5000, Decimal("12.500000"))


@pytest.mark.parametrize("ignored", [{"quantity": "7"}, {"quantity": "abc"}, {"runs": "5", "interval": "10"}])
def test_ignores_what_a_package_does_not_take(api: Api, spot: Service, ignored: dict[str, str]) -> None:
    api("add", service=spot.pk, link=LINK, **ignored)

    assert Order.objects.get().charge == Decimal("12.500000")


@pytest.mark.parametrize(
    "ignored",
    [
        {"comments": "one\ntwo", "usernames": "ada", "answer_number": "3"},
        {"runs": "", "interval": ""},
        {"runs": "1", "interval": "30"},
        {"interval": "30"},
        {"runs": "undefined"},
    ],
)
def test_ignores_what_a_default_service_does_not_take(api: Api, reach: Service, ignored: dict[str, str]) -> None:
    api("add", service=reach.pk, link=LINK, quantity=1000, **ignored)

    assert Order.objects.get().charge == Decimal("0.900000")


@pytest.mark.parametrize("runs", ["2", "0", "-1", "1.0", "ten", "1e1", "\u0661"])
def test_refuses_drip_feed_rather_than_ignoring_it(api: Api, reach: Service, books: Books, runs: str) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=100, runs=runs, interval=10) == MALFORMED


def test_pays_with_promotional_money_too(client: Client, reach: Service) -> None:
    grace = make_customer("grace", funds="0.40", promo="0.50")

    Api(client, key_of(grace))("add", service=reach.pk, link=LINK, quantity=1000)

    assert Order.objects.get().charge_promo == Decimal("0.500000")


def test_refuses_when_the_balance_is_too_small(client: Client, reach: Service, books: Books) -> None:
    grace = Api(client, key_of(make_customer("grace", funds="0.89")))

    with books.untouched():
        error = grace("add", service=reach.pk, link=LINK, quantity=1000)

    assert error == {"error": "Not enough funds on balance"}


def test_refuses_a_customer_who_never_paid_anything(client: Client, reach: Service) -> None:
    grace = Api(client, key_of(make_customer("grace")))

    assert grace("add", service=reach.pk, link=LINK, quantity=50) == {"error": "Not enough funds on balance"}
    assert not Order.objects.exists()


def test_takes_the_limits_themselves(api: Api, reach: Service) -> None:
    assert "order" in api("add", service=reach.pk, link=LINK, quantity=50)
    assert "order" in api("add", service=reach.pk, link=LINK, quantity=10_000)


def test_refuses_a_service_that_is_not_sold_any_more(api: Api, reach: Service, books: Books) -> None:
    reach.is_active = False
    reach.save(update_fields=["is_active"])

    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=50) == {"error": "Incorrect service ID"}


def test_refuses_a_second_order_where_a_link_takes_one(api: Api, books: Books) -> None:
    service = make_service(one_order_per_link=True)
    assert "order" in api("add", service=service.pk, link=LINK, quantity=50)

    with books.untouched():
        error = api("add", service=service.pk, link=LINK, quantity=50)

    assert error == {"error": "You have active order with this link. Please wait until order being completed."}
    assert "order" in api("add", service=service.pk, link=f"{LINK}/2", quantity=50)


def test_answers_the_same_order_for_the_same_request_id(api: Api, reach: Service, books: Books) -> None:
    first = api("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7")

    with books.untouched():
        again = api("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7")

    assert again == first


def test_answers_the_same_order_even_when_the_money_is_gone(client: Client, reach: Service) -> None:
    grace = Api(client, key_of(make_customer("grace", funds="0.09")))
    first = grace("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7")

    assert grace("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7") == first


@pytest.mark.parametrize("changed", [{"quantity": 101}, {"link": f"{LINK}/2"}, {"service": 0}])
def test_refuses_a_request_id_with_other_parameters(
    api: Api, reach: Service, books: Books, changed: dict[str, object]
) -> None:
    api("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7")

    with books.untouched():
        given = {"service": reach.pk, "link": LINK, "quantity": 100, "request_id": "spring-7", **changed}
        assert api("add", **given) == REUSED


def test_tells_the_request_ids_of_two_customers_apart(api: Api, client: Client, reach: Service) -> None:
    grace = Api(client, key_of(make_customer("grace", funds="5")))
    first = api("add", service=reach.pk, link=LINK, quantity=100, request_id="spring-7")

    second = grace("add", service=reach.pk, link=LINK, quantity=200, request_id="spring-7")

    assert second["order"] != first["order"]


def test_forgets_a_request_id_after_a_day(api: Api, reach: Service) -> None:
    given = {"service": reach.pk, "link": LINK, "quantity": 100, "request_id": "spring-7"}
    with time_machine.travel(timezone.now() - timedelta(hours=24, seconds=1), tick=False):
        first = api("add", **given)

    assert api("add", **given)["order"] > first["order"]


def test_takes_the_request_id_from_the_header(client: Client, key: str, reach: Service, books: Books) -> None:
    given = {"key": key, "action": "add", "service": reach.pk, "link": LINK, "quantity": 100}
    header = {"Idempotency-Key": "spring-7"}
    first = answer(client.post(ADDRESS, given, headers=header))

    with books.untouched():
        assert answer(client.post(ADDRESS, given, headers=header)) == first
        assert answer(client.post(ADDRESS, {**given, "request_id": "spring-7"})) == first
        assert answer(client.post(ADDRESS, {**given, "request_id": "spring-7"}, headers=header)) == first
        assert answer(client.post(ADDRESS, {**given, "request_id": "spring-8"}, headers=header)) == MALFORMED


def test_takes_a_blank_header_for_absent(client: Client, key: str, reach: Service) -> None:
    given = {"key": key, "action": "add", "service": reach.pk, "link": LINK, "quantity": 100}

    assert "order" in answer(client.post(ADDRESS, given, headers={"Idempotency-Key": "  "}))
    assert not PlacedRequest.objects.exists()


@pytest.mark.parametrize("senseless", ["x" * 101, "a\nb", "a\x07b", "a\u200bb", "a\u2028b"])
def test_refuses_a_senseless_request_id(api: Api, reach: Service, books: Books, senseless: str) -> None:
    with books.untouched():
        error = api("add", service=reach.pk, link=LINK, quantity=100, request_id=senseless)

    assert error == BAD_REQUEST_ID


@pytest.mark.usefixtures("keys_used_now")
def test_takes_a_fixed_number_of_statements(api: Api, ada: User, reach: Service) -> None:
    def count(**given: object) -> int:
        with CaptureQueriesContext(connection) as statements:
            assert "order" in api("add", service=reach.pk, link=LINK, quantity=100, **given)
        return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in statements)

    first = count()
    for _ in range(10):
        count()
    fund(ada, "3")

    assert count() == first
    assert first <= 8, "the key, and seven of placing"
    assert count(runs="1", comments="ignored") == first
