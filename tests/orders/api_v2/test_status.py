"""`status`."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Cause, OrderStatus, Service
from panel.accounts.models import User
from tests.factories import make_customer, move, place_order
from tests.orders.api_v2.panel_client import ADDRESS, MALFORMED, UNKNOWN_ORDER, Api

JUNK = ["abc", "1e3", "\u0661\u0662", "-1", "9" * 30, "9223372036854775808", "0", "1.0", "0x1", "+1", "1\x07", "'"]


def test_tells_how_far_an_order_got(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach, quantity=1000)
    move(order, OrderStatus.IN_PROGRESS, remains=400)
    order.start_count = 3572
    order.save(update_fields=["start_count"])

    assert api("status", order=order.pk) == {
        "charge": "0.90",
        "start_count": "3572",
        "status": "In progress",
        "remains": "400",
        "currency": "USD",
    }


def test_charges_what_is_kept_after_refunds(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach, quantity=1000)
    move(order, OrderStatus.PARTIAL, remains=157, cause=Cause.CANNOT_COMPLETE)

    row = api("status", order=order.pk)

    assert (row["charge"], row["status"], row["remains"]) == ("0.7587", "Partial", "157")
    assert api("balance") == {"balance": "49.2413", "currency": "USD"}


def test_says_nothing_is_delivered_while_nothing_is_known(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach, quantity=1000)

    row = api("status", order=order.pk)

    assert (row["start_count"], row["remains"], row["status"]) == ("0", "1000", "Pending")


@pytest.mark.parametrize(
    ("status", "remains", "label", "charge"),
    [
        (OrderStatus.PROCESSING, None, "Processing", "0.90"),
        (OrderStatus.IN_PROGRESS, 10, "In progress", "0.90"),
        (OrderStatus.COMPLETED, 0, "Completed", "0.90"),
        (OrderStatus.PARTIAL, 500, "Partial", "0.45"),
        (OrderStatus.CANCELED, 1000, "Canceled", "0.00"),
    ],
)
def test_names_each_status_as_clients_know_it(
    api: Api, ada: User, reach: Service, status: OrderStatus, remains: int | None, label: str, charge: str
) -> None:
    order = place_order(ada, reach, quantity=1000)
    move(order, status, remains=remains, cause=Cause.CANNOT_COMPLETE)

    row = api("status", order=order.pk)

    assert (row["status"], row["charge"]) == (label, charge)


def test_answers_many_orders_by_their_ids(api: Api, ada: User, reach: Service) -> None:
    first, second = place_order(ada, reach), place_order(ada, reach)

    body = api("status", orders=f"{first.pk}, {second.pk},999999,abc,,")

    assert list(body) == [str(first.pk), str(second.pk), "999999", "abc"]
    assert body[str(first.pk)]["status"] == body[str(second.pk)]["status"] == "Pending"
    assert body["999999"] == body["abc"] == UNKNOWN_ORDER


def test_answers_a_list_under_the_singular_name_in_plural_form(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach)

    assert list(api("status", order=f"{order.pk},8")) == [str(order.pk), "8"]
    assert list(api("status", orders=order.pk)) == [str(order.pk)]
    assert api("status", order=f"{order.pk},")["status"] == "Pending"


@pytest.mark.parametrize("junk", JUNK)
def test_refuses_an_id_that_is_none(api: Api, ada: User, reach: Service, junk: str) -> None:
    order = place_order(ada, reach)

    assert api("status", order=junk) == UNKNOWN_ORDER
    body = api("status", orders=f"{junk},{order.pk}")
    assert body[junk] == UNKNOWN_ORDER
    assert body[str(order.pk)]["status"] == "Pending"


def test_answers_another_customer_s_order_exactly_as_an_unknown_one(client: Client, api: Api, reach: Service) -> None:
    foreign = place_order(make_customer("grace", funds="5"), reach)

    def raw(**given: object) -> bytes:
        return bytes(client.post(ADDRESS, {"key": api.key, "action": "status", **given}).content)

    unknown = foreign.pk + 1
    assert raw(order=foreign.pk) == raw(order=unknown) == json.dumps(UNKNOWN_ORDER).encode()
    assert raw(orders=foreign.pk).replace(b"%d" % foreign.pk, b"N") == raw(orders=unknown).replace(
        b"%d" % unknown, b"N"
    )


def test_takes_a_hundred_ids_and_no_more(api: Api, ada: User, reach: Service) -> None:
    order = place_order(ada, reach)
    hundred = [order.pk, *range(10_000_000, 10_000_099)]

    assert len(api("status", orders=",".join(map(str, hundred)))) == 100
    assert len(api("status", orders=" , ".join(map(str, hundred)) + ",,,")) == 100
    assert api("status", orders=",".join(map(str, [*hundred, 5]))) == MALFORMED
    assert api("status", order=",".join(map(str, [*hundred, 5]))) == MALFORMED


@pytest.mark.parametrize(
    "given", [{}, {"orders": ","}, {"order": " , "}, {"orders": ""}, {"order": "1", "orders": "1"}]
)
def test_refuses_when_it_is_unclear_which_orders_are_meant(api: Api, given: dict[str, str]) -> None:
    assert api("status", **given) == MALFORMED


@pytest.mark.usefixtures("keys_used_now")
def test_takes_as_many_statements_for_a_hundred_orders_as_for_one(api: Api, ada: User, reach: Service) -> None:
    pks = [place_order(ada, reach).pk for _ in range(20)]
    with CaptureQueriesContext(connection) as for_one:
        api("status", order=pks[0])

    with CaptureQueriesContext(connection) as for_many:
        api("status", orders=",".join(map(str, [*pks, *range(10_000_000, 10_000_080)])))

    assert len(for_many) == len(for_one) == 2  # key, orders
