"""A crawler that follows every link as a visitor, a customer and staff: none may be dead."""

from collections import Counter
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from orders.models import Cause, OrderStatus
from panel.accounts import keys
from panel.accounts.models import User
from refunds.uploads import Upload
from tests.factories import make_customer, make_package, make_provider, make_service, make_staff, move, place_order
from tests.factories.desk import ask_for_refund, partly_delivered
from tests.factories.refills import refill_of, refillable
from tests.web import pages
from tests.web.asking import png
from tests.web.people import confirm, sign_in

pytestmark = pytest.mark.django_db

PAGES_PER_ROUTE = 6
HOST = "http://testserver"


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - needs the database
    """A customer with orders in every state, a cancel, a refill, a refund request with a file, and a key."""
    ada = make_customer("ada", funds="500")
    confirm(ada)
    service = make_service(provider=make_provider(), allows_cancel=True, refund_after_start=False)
    place_order(ada, make_package())
    for status, remains in (
        (OrderStatus.PROCESSING, None),
        (OrderStatus.IN_PROGRESS, None),
        (OrderStatus.PARTIAL, 400),
        (OrderStatus.CANCELED, 1000),
        (OrderStatus.COMPLETED, 0),
    ):
        move(place_order(ada, service), status, remains=remains, cause=Cause.CANNOT_COMPLETE)
    refill_of(refillable(ada))
    refillable(ada, remains=400)
    ask_for_refund(partly_delivered(ada), files=(Upload("screen.png", png()),))
    keys.create(user=ada, name="shop")
    return ada


def _dead_links(client: Client, start: str) -> tuple[dict[str, str], set[str]]:
    """Return what is wrong by address (dead, or an anchor that leads nowhere), and the routes that were seen."""
    queue, seen, routes = [(start, "the start")], {start}, Counter[str]()
    wrong: dict[str, str] = {}
    while queue:
        address, source = queue.pop(0)
        response = client.get(address, follow=True)
        if response.status_code != 200:
            wrong[address] = f"{response.status_code}, linked from {source}"
            continue
        if response.streaming:  # a file
            response.getvalue()  # read to its end, it closes itself
            continue
        if not response["Content-Type"].startswith("text/html"):
            continue
        body = response.content.decode()
        here = response.request["PATH_INFO"]
        for href in pages.links(response):
            target, fragment = urldefrag(urljoin(HOST + here, href))
            parts = urlsplit(target)
            if fragment and href.startswith("#") and f'id="{fragment}"' not in body:
                wrong[f"{address}#{fragment}"] = "no such place on the page"
            if parts.scheme not in {"http", "https"} or parts.netloc != "testserver":
                continue
            local = parts.path + (f"?{parts.query}" if parts.query else "")
            route = parts.path if parts.path.startswith("/static/") else resolve(parts.path).route
            if local not in seen and routes[route] < PAGES_PER_ROUTE:
                seen.add(local)
                routes[route] += 1
                queue.append((local, address))
    return wrong, set(routes)


@pytest.mark.usefixtures("ada")
def test_no_link_is_dead_for_a_visitor(client: Client) -> None:
    wrong, routes = _dead_links(client, "/")

    assert wrong == {}
    assert {"refund-policy/", "accounts/login/", "accounts/signup/", "accounts/password/reset/"} <= routes


def test_no_link_is_dead_for_a_customer(client: Client, ada: User) -> None:
    sign_in(client, ada)

    wrong, routes = _dead_links(client, "/orders/")

    assert wrong == {}
    assert {
        "orders/<int:order_id>/cancel/",
        "settings/api/<int:key_id>/revoke/",
        "refund-policy/<int:version_id>/",
        "refunds/new/",
        "refunds/<int:number>/withdraw/",
        "refunds/<int:number>/files/<int:position>/",
        "accounts/2fa/totp/activate/",
        "balance/",
    } <= routes


@pytest.mark.usefixtures("ada")
def test_no_link_is_dead_for_staff(client: Client) -> None:
    client.force_login(make_staff())

    wrong, routes = _dead_links(client, "/")

    assert wrong == {}
    assert "admin/" in routes
