import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import User
from tests.factories import make_customer, make_provider, make_service, move, place_order
from tests.web import pages

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/orders/", "/orders/1/", "/orders/1/cancel/", "/balance/", "/settings/api/"])
def test_a_visitor_is_sent_to_sign_in(client: Client, address: str) -> None:
    response = client.get(address)

    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}")


def test_lists_own_orders_only(browser: Client, ada: User) -> None:
    own = place_order(ada, make_service())
    foreign = place_order(make_customer("ben", funds="50"), make_service(), link="https://example.com/other")

    links = pages.links(browser.get("/orders/"))

    assert f"/orders/{own.pk}/" in links
    assert f"/orders/{foreign.pk}/" not in links


def test_tabs_count_and_filter(browser: Client, ada: User) -> None:
    service = make_service()
    waiting = place_order(ada, service)
    done = place_order(ada, service)
    move(done, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)

    page = browser.get("/orders/", {"status": "completed"})

    assert "All 2 Pending 1 Processing 0 In progress 0 Completed 1 Partial 0 Canceled 0" in pages.text(page)
    assert f"/orders/{done.pk}/" in pages.links(page)
    assert f"/orders/{waiting.pk}/" not in pages.links(page)


@pytest.mark.parametrize("query", ["{number}", "#{number}", "SPRING"])
def test_finds_by_number_and_link(browser: Client, ada: User, query: str) -> None:
    wanted = place_order(ada, make_service(), link="https://example.com/spring-sale")
    other = place_order(ada, make_service(), link="https://example.com/autumn")

    links = pages.links(browser.get("/orders/", {"q": query.format(number=wanted.pk)}))

    assert f"/orders/{wanted.pk}/" in links
    assert f"/orders/{other.pk}/" not in links


@pytest.mark.parametrize("typed", ["", "1e9", "NaN", "-1", "\u0661\u0660", "\x00\x07", "9" * 40, "x" * 3000, "%_\\"])
def test_odd_input_is_no_fault(browser: Client, ada: User, typed: str) -> None:
    place_order(ada, make_service())

    for parameter in ("q", "status", "before", "after"):
        assert browser.get("/orders/", {parameter: typed}).status_code == 200


def test_pages_of_50_join_without_a_gap(browser: Client, ada: User) -> None:
    service = make_service(rate="0.10")
    numbers = {place_order(ada, service, quantity=10).pk for _ in range(60)}

    first = browser.get("/orders/")
    older = next(link for link in pages.links(first) if "before=" in link)
    second = browser.get(f"/orders/{older}" if older.startswith("?") else older)
    newer = next(link for link in pages.links(second) if "after=" in link)
    back = browser.get(f"/orders/{newer}" if newer.startswith("?") else newer)

    assert len(_numbers(first)) == 50
    assert _numbers(first) | _numbers(second) == numbers
    assert not _numbers(first) & _numbers(second)
    assert _numbers(back) == _numbers(first)


def _numbers(page: "pages.Response") -> set[int]:
    return {order.pk for order in page.context["page"].orders}


def test_takes_the_same_queries_for_5_and_50_orders(browser: Client, ada: User) -> None:
    service = make_service(rate="0.10")
    place_order(ada, service, quantity=10)
    browser.get("/orders/")  # policy versions are read once a process
    counts = []

    for wanted in (5, 50):
        for _ in range(wanted - Order.objects.count()):
            place_order(ada, service, quantity=10)
        with CaptureQueriesContext(connection) as queries:
            browser.get("/orders/")
        counts.append(len(queries))

    assert counts == [4, 4]


def test_offers_cancel_on_pending_orders_only(browser: Client, ada: User) -> None:
    waiting = place_order(ada, make_service())
    running = place_order(ada, make_service())
    move(running, OrderStatus.IN_PROGRESS)

    links = pages.links(browser.get("/orders/"))

    assert f"/orders/{waiting.pk}/cancel/" in links
    assert f"/orders/{running.pk}/cancel/" not in links


@pytest.mark.usefixtures("credit_only_policy")
def test_offers_no_cancel_where_the_policy_allows_none(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service())

    assert f"/orders/{order.pk}/cancel/" not in pages.links(browser.get("/orders/"))
    page = browser.get(f"/orders/{order.pk}/")
    assert f"/orders/{order.pk}/cancel/" not in pages.links(page)
    assert "A change of mind is not refunded once the order is placed." in pages.text(page)


def test_tells_how_a_partial_order_went_and_what_was_refunded_why(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50", provider=make_provider()))
    move(order, OrderStatus.PROCESSING)
    move(order, OrderStatus.IN_PROGRESS)
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

    said = pages.text(browser.get(f"/orders/{order.pk}/"))

    assert "600 of 1,000 delivered" in said
    assert "Delivery has begun." in said
    assert "400 of 1,000 units were not delivered." in said
    assert "Refunded 1.00 USD" in said
    assert "Paid after refunds 1.50 USD" in said
    assert order.decisions.get().sentence in said
    assert "The rule:" in said
    assert "Money-back guarantee, version 1" in said


def test_tells_a_correction_as_one(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service())
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)
    move(order, OrderStatus.PARTIAL, remains=100, cause=Cause.CORRECTION, initiator=Initiator.STAFF)

    said = pages.text(browser.get(f"/orders/{order.pk}/"))

    assert "All of it was delivered: 1,000 units." in said
    assert "Corrected by our staff: ended in part: 100 of 1,000 units were not delivered." in said


def test_another_customers_order_looks_like_none(browser: Client) -> None:
    foreign = place_order(make_customer("ben", funds="50"), make_service())
    move(foreign, OrderStatus.IN_PROGRESS)

    answers = []
    for number in (foreign.pk, 999_999, 99999999999999999999999):
        for suffix in ("", "cancel/"):
            answer = browser.get(f"/orders/{number}/{suffix}")
            answers.append((answer.status_code, pages.text(answer)))
        posted = browser.post(f"/orders/{number}/cancel/")
        answers.append((posted.status_code, pages.text(posted)))

    assert {status for status, _ in answers} == {404}
    assert len(set(answers)) == 1


def test_staff_see_other_orders_in_the_admin_and_not_here(browser: Client, ada: User) -> None:
    ada.is_staff = True
    ada.save(update_fields=["is_staff"])
    foreign = place_order(make_customer("ben", funds="50"), make_service())

    assert browser.get(f"/orders/{foreign.pk}/").status_code == 404
    assert "/admin/" in pages.links(browser.get("/orders/"))


def test_the_order_page_escapes_the_link(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(), link="https://example.com/?q=<script>alert(1)</script>'\"")

    page = browser.get(f"/orders/{order.pk}/").content + browser.get("/orders/").content

    assert b"<script>alert" not in page


def test_the_order_page_takes_the_same_queries_for_any_number_of_events(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service())
    move(order, OrderStatus.PARTIAL, remains=1, cause=Cause.CANNOT_COMPLETE)
    browser.get(f"/orders/{order.pk}/")  # policy versions are read once a process
    with CaptureQueriesContext(connection) as few:
        browser.get(f"/orders/{order.pk}/")

    for remains in range(2, 20):
        move(order, OrderStatus.PARTIAL, remains=remains, cause=Cause.CANNOT_COMPLETE)
    with CaptureQueriesContext(connection) as many:
        browser.get(f"/orders/{order.pk}/")

    assert len(many) == len(few)
