"""Asking for a refill on the order's page, and how the page tells of it."""

from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import refills
from orders.models import Initiator, Order, OrderStatus, Refill, RefillState
from panel.accounts import suspension
from panel.accounts.models import User
from tests.factories import AT, HOUR, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import completed
from tests.factories.refills import end, refill_of, refillable
from tests.web import asking, pages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(AT + 4 * HOUR, tick=False):
        yield


def look(browser: Client, order: Order) -> pages.Response:
    return browser.get(f"/orders/{order.pk}/")


def path(order: Order) -> str:
    return f"/orders/{order.pk}/refill/"


def labels(page: pages.Response) -> list[str]:
    return [step.label for step in page.context["steps"]]


def test_the_page_leads_to_the_question_and_the_answer_asks_for_it(browser: Client, ada: User) -> None:
    order = refillable(ada)
    assert path(order) in pages.links(look(browser, order))

    question = browser.get(path(order))
    assert not Refill.objects.exists()
    done = browser.post(path(order), follow=True)

    assert f"Ask for a refill of order {order.pk}?" in pages.text(question)
    assert "up to 1,000 of 1,000" in pages.text(question)
    refill = Refill.objects.get()
    assert (refill.order, refill.initiator, refill.actor) == (order, Initiator.CUSTOMER, ada)
    assert done.redirect_chain == [(f"/orders/{order.pk}/", 302)]
    assert "The refill is asked for." in pages.text(done)
    assert path(order) not in pages.links(done)
    assert labels(done)[-1] == "You asked for a refill"


def test_what_was_delivered_in_part_can_be_refilled_as_far_as_it_was(browser: Client, ada: User) -> None:
    order = refillable(ada, remains=400)

    assert "up to 600 of 1,000" in pages.text(browser.get(path(order)))


def test_asking_twice_says_so_and_asks_once(browser: Client, ada: User) -> None:
    order = refillable(ada)
    browser.post(path(order))

    again = browser.post(path(order), follow=True)
    looked = browser.get(path(order), follow=True)

    assert "was asked for already" in pages.text(again)
    assert "A refill of this order was asked for." in pages.text(looked)
    assert Refill.objects.count() == 1


@pytest.mark.parametrize("kind", ["no refill", "running", "canceled"])
def test_offers_nothing_where_nothing_can_be_refilled(browser: Client, ada: User, kind: str) -> None:
    order = completed(ada) if kind == "no refill" else place_order(ada, make_service(allows_refill=True))
    if kind == "canceled":
        move(order, OrderStatus.CANCELED, remains=1000)

    page = look(browser, order)
    posted = browser.post(path(order), follow=True)

    assert path(order) not in pages.links(page)
    assert ("Refill" in pages.text(page)) is (kind != "no refill")
    assert browser.get(path(order))["Location"] == f"/orders/{order.pk}/"
    assert refills.objection(order) in pages.text(posted)
    assert not Refill.objects.exists()


def test_a_suspended_customer_is_told_so(browser: Client, ada: User) -> None:
    order = refillable(ada)
    suspension.suspend(user=ada, reason="A payment is being checked.", at=AT)

    posted = browser.post(path(order), follow=True)

    assert "Your account is suspended: A payment is being checked." in pages.text(posted)
    assert not Refill.objects.exists()


def test_another_customers_order_is_not_found(browser: Client) -> None:
    order = refillable(make_customer("ben", funds="50"))

    for number in (order.pk, order.pk + 1):
        assert browser.get(f"/orders/{number}/refill/").status_code == 404
        assert browser.post(f"/orders/{number}/refill/").status_code == 404

    assert not Refill.objects.exists()


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (RefillState.COMPLETED, "Refilled"),
        (RefillState.REJECTED, "Refill rejected"),
        (RefillState.ERROR, "Refill failed"),
    ],
)
def test_tells_a_refill_from_its_beginning_to_its_end(
    browser: Client, ada: User, state: RefillState, label: str
) -> None:
    order = refillable(ada)
    refill = refill_of(order, at=AT + HOUR)
    refill.save(update_fields=refill.move(RefillState.IN_PROGRESS, at=AT + 2 * HOUR))
    running = look(browser, order)
    refill.detail = "The provider's own words"
    refill.save(update_fields=["detail"])
    end(refill, state, at=AT + 3 * HOUR)

    page = look(browser, order)

    assert labels(running)[-2:] == ["You asked for a refill", "Refill started"]
    assert labels(page)[-3:] == ["You asked for a refill", "Refill started", label]
    assert "The provider's own words" not in pages.text(page)
    assert path(order) in pages.links(page)


def test_a_wish_of_staff_is_not_called_the_customers(browser: Client, ada: User) -> None:
    order = refillable(ada)
    refills.ask_for_customer(staff=make_staff(), order_id=order.pk, at=AT + HOUR)

    assert labels(look(browser, order))[-1] == "Our staff asked for a refill"


def test_takes_the_same_queries_for_any_number_of_refills(browser: Client, ada: User) -> None:
    order = refillable(ada)
    end(refill_of(order))
    look(browser, order)  # policy versions are read once a process
    with CaptureQueriesContext(connection) as few:
        look(browser, order)

    for _ in range(9):
        end(refill_of(order))
    with CaptureQueriesContext(connection) as many:
        look(browser, order)

    assert len(many) == len(few)


class TestBesideTheFormForARefund:
    def test_offers_the_refill_for_a_drop_and_for_no_other_cause(self, browser: Client, ada: User) -> None:
        order = refillable(ada)

        dropped, other = (asking.quote(browser, order, cause) for cause in ("dropped", "platform_delay"))

        assert path(order) in pages.links(dropped)
        assert "This service offers refills" in pages.text(dropped)
        assert path(order) not in pages.links(other)
        assert path(order) in pages.links(asking.form_page(browser, order, "dropped"))

    def test_says_that_one_is_running(self, browser: Client, ada: User) -> None:
        order = refillable(ada)
        refill_of(order)

        page = asking.quote(browser, order, "dropped")

        assert path(order) not in pages.links(page)
        assert "A refill of this order is running" in pages.text(page)

    def test_offers_none_where_the_service_offers_none_or_the_last_one_was_refused(
        self, browser: Client, ada: User
    ) -> None:
        refused = refillable(ada)
        end(refill_of(refused), RefillState.REJECTED)

        for order in (completed(ada), refused):
            page = asking.quote(browser, order, "dropped")
            assert path(order) not in pages.links(page)
            assert "refill" not in pages.text(page)
