"""Staff move orders on their page: what is shown beforehand is what is booked, and refusals are sentences."""

from decimal import Decimal

import pytest
from django.urls import reverse

from orders import handling, placing
from orders.insertion import Origin
from orders.lines import Line
from orders.models import Cause, Initiator, Order, OrderStatus, PlacedThrough, Submission, SubmissionState
from panel.accounts.models import User
from refunds.models import Decision
from tests.admin.pages import action, clerk, confirm, detail, hidden_of, listing, said, signed_in, submit, text_of
from tests.factories import AT, fund, make_customer, make_provider, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db


def order_of(customer: User | None = None, *, rate: str = "2.50") -> Order:
    return place_order(customer or make_customer(funds="50"), make_service(rate=rate))


def test_starts_an_order_with_its_start_count() -> None:
    order, client = order_of(), signed_in(make_staff())

    page = said(client, submit(client, action("orders_order", "start", order.pk), {"start_count": "1200"}))

    order.refresh_from_db()
    assert (order.status, order.start_count) == (OrderStatus.IN_PROGRESS, 1200)
    assert f"Order {order.pk} is in progress." in page
    assert order.events.get(to_status="in_progress").initiator == Initiator.STAFF


def test_asks_in_whole_sentences_also_about_a_single_unit() -> None:
    service = make_service(rate="2500", min_quantity=1)
    order, client = place_order(make_customer(funds="5000"), service, quantity=1), signed_in(make_staff())

    page = text_of(client.get(action("orders_order", "set_partial", order.pk)))

    assert f"Set order {order.pk} to partial" in page
    assert ": 1 unit for " in page


def test_partial_shows_the_refund_first_and_then_books_exactly_it() -> None:
    order, client = order_of(), signed_in(make_staff())
    address = action("orders_order", "set_partial", order.pk)

    preview = submit(client, address, {"remains": "250", "cause": "cannot_complete", "note": "gave up"})
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    assert "0.625" in text_of(preview)
    client.post(address, hidden_of(preview))

    order.refresh_from_db()
    assert (order.status, order.remains, order.refunded) == (OrderStatus.PARTIAL, 250, Decimal("0.625"))
    assert order.events.get(to_status="partial").note == "gave up"


def test_cancel_offers_what_each_cause_refunds_before_anything_is_chosen() -> None:
    order, client = order_of(), signed_in(make_staff())

    page = text_of(client.get(action("orders_order", "cancel", order.pk)))

    assert "What the policy refunds for each cause" in page
    for cause in Cause:
        assert (cause.label.replace("'", "&#x27;") in page) == (cause is not Cause.DELIVERED)
    assert "2.50 USD" in page


def test_cancel_books_the_remains_that_the_preview_showed() -> None:
    order = order_of()
    move(order, OrderStatus.IN_PROGRESS, remains=600)
    client = signed_in(make_staff())

    page = said(client, confirm(client, action("orders_order", "cancel", order.pk), {"cause": "staff_canceled"}))

    order.refresh_from_db()
    assert (order.status, order.remains) == (OrderStatus.CANCELED, 600)
    assert f"Order {order.pk} is canceled." in page


def test_asks_again_when_the_outcome_changed_between_preview_and_confirmation() -> None:
    order, client = order_of(), signed_in(make_staff())
    address = action("orders_order", "set_partial", order.pk)
    preview = submit(client, address, {"remains": "250", "cause": "cannot_complete", "note": ""})
    move(order, OrderStatus.PARTIAL, remains=900, cause=Cause.CANNOT_COMPLETE)

    second = client.post(address, hidden_of(preview))

    assert "has changed since you looked" in text_of(second)
    order.refresh_from_db()
    assert order.remains == 900


def test_completes_an_order_and_corrects_a_completed_one_to_partial() -> None:
    order, client = order_of(), signed_in(make_staff())

    confirm(client, action("orders_order", "complete", order.pk))
    order.refresh_from_db()
    assert (order.status, order.remains, order.recognized) == (OrderStatus.COMPLETED, 0, Decimal("2.50"))
    confirm(client, action("orders_order", "set_partial", order.pk), {"remains": "1000", "cause": "correction"})

    order.refresh_from_db()
    assert (order.status, order.remains) == (OrderStatus.PARTIAL, 1000)


@pytest.mark.parametrize("remains", ["", "1001", "-1", "1e3", "2.5", "\u0661\u0660", "NaN", "9" * 30, "\x00"])
def test_refuses_remains_that_make_no_sense_beside_their_field(remains: str) -> None:
    order, client = order_of(), signed_in(make_staff())

    answer = submit(
        client, action("orders_order", "set_partial", order.pk), {"remains": remains, "cause": "cannot_complete"}
    )

    assert answer.status_code == 200
    assert "remains" in answer.context["form"].errors
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING


def test_refuses_what_the_status_forbids_with_a_sentence() -> None:
    order, client = order_of(), signed_in(make_staff())
    handling.complete(order_id=order.pk, staff=make_staff(), at=AT)

    answer = submit(client, action("orders_order", "start", order.pk))

    assert answer.context["form"].non_field_errors() == [f"Order {order.pk} is completed and can't become in progress."]


def test_refuses_a_move_to_where_the_order_stands_already() -> None:
    order, client = order_of(), signed_in(make_staff())
    move(order, OrderStatus.CANCELED, remains=1000, cause=Cause.NOT_STARTED)

    answer = submit(client, action("orders_order", "cancel", order.pk), {"cause": "staff_canceled"})

    assert "with these remains already" in text_of(answer)
    assert Decision.objects.filter(order=order).count() == 1


def test_refuses_while_the_order_is_being_handed_to_its_provider() -> None:
    provider = make_provider()
    order = place_order(make_customer(funds="50"), make_service(provider=provider))
    Submission.objects.create(order=order, provider=provider, state=SubmissionState.UNKNOWN)
    client = signed_in(make_staff())

    answer = confirm(client, action("orders_order", "cancel", order.pk), {"cause": "staff_canceled"})

    assert "is being handed to its provider" in text_of(answer)
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    assert order.refunded == 0


def test_refuses_an_order_of_ones_own() -> None:
    staff = make_staff()
    fund(staff, "50")
    order, client = order_of(staff), signed_in(staff)

    answer = confirm(client, action("orders_order", "cancel", order.pk), {"cause": "staff_canceled"})

    assert "Nobody handles an own order." in text_of(answer)
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING


def test_who_may_only_look_sees_no_button_and_gets_no_form() -> None:
    order, client = order_of(), signed_in(clerk("orders.view_order"))

    page = client.get(detail("orders_order", order.pk))

    assert page.status_code == 200
    assert page.context["actions_detail"] == []
    assert "Decisions" not in [panel.title for panel in page.context["panels"]]
    for name in ("start", "set_partial", "complete", "cancel"):
        assert client.get(action("orders_order", name, order.pk)).status_code == 403
        assert client.post(action("orders_order", name, order.pk), {"_asked": "1"}).status_code == 403
    assert client.get(listing("refunds_decision")).status_code == 403


def test_where_an_order_came_from_is_shown_to_those_who_see_customers() -> None:
    origin = Origin(PlacedThrough.WEB, "203.0.113.7")
    line = Line(make_service().pk, "https://example.com/launch", 1000)
    placed = placing.place(customer=make_customer(funds="50"), lines=[line], at=AT, origin=origin)
    address = detail("orders_order", placed.order_ids[0])

    agent = text_of(signed_in(clerk("orders.view_order", "accounts.view_user")).get(address))
    visitor = text_of(signed_in(clerk("orders.view_order")).get(address))

    assert "Website" in agent
    assert "203.0.113.7" in agent
    assert "203.0.113.7" not in visitor


def test_an_address_without_an_order_is_not_found() -> None:
    client = signed_in(make_staff())

    for address in (action("orders_order", "start", 987_654_321), reverse("admin:orders_order_cancel", args=["x"])):
        assert client.get(address).status_code == 404


class TestManyOrders:
    def choose(self, client: object, name: str, orders: list[Order], **more: object) -> object:
        chosen = {"action": name, "_selected_action": [order.pk for order in orders], **more}
        return client.post(listing("orders_order"), chosen)  # type: ignore[attr-defined] # Django's test client

    def test_cancels_each_and_reports_the_one_that_can_not_be(self) -> None:
        provider = make_provider()
        customer = make_customer(funds="50")
        stuck = place_order(customer, make_service(provider=provider))
        Submission.objects.create(order=stuck, provider=provider, state=SubmissionState.CALLING)
        fine = [order_of(customer), order_of(customer)]
        client = signed_in(make_staff())
        everything = [*fine, stuck]

        form = self.choose(client, "cancel_chosen", everything)
        assert "Cancel 3 orders" in text_of(form)
        preview = self.choose(
            client, "cancel_chosen", everything, _asked="1", cause="service_unavailable", note="provider is gone"
        )
        seen = hidden_of(preview)["_seen"]
        done = self.choose(
            client, "cancel_chosen", everything, _asked="1", _seen=seen, cause="service_unavailable", note=""
        )

        page = said(client, done)
        assert f"2 of 3 are canceled: {fine[0].pk}, {fine[1].pk}." in page
        assert f"Order {stuck.pk}: Order {stuck.pk} is being handed to its provider." in page
        for order in fine:
            order.refresh_from_db()
            assert (order.status, order.refunded) == (OrderStatus.CANCELED, order.charge)
        stuck.refresh_from_db()
        assert stuck.status == OrderStatus.PENDING

    def test_starts_and_completes(self) -> None:
        customer = make_customer(funds="50")
        orders, client = [order_of(customer), order_of(customer)], signed_in(make_staff())

        said(client, self.choose(client, "start_chosen", orders, _asked="1"))
        preview = self.choose(client, "complete_chosen", orders, _asked="1")
        said(client, self.choose(client, "complete_chosen", orders, _asked="1", _seen=hidden_of(preview)["_seen"]))

        for order in orders:
            order.refresh_from_db()
            assert order.status == OrderStatus.COMPLETED

    def test_refuses_more_than_a_hundred(self) -> None:
        customer, service = make_customer(funds="50"), make_service(rate="0.01")
        orders = [place_order(customer, service) for _ in range(101)]
        client = signed_in(make_staff())

        page = said(client, self.choose(client, "cancel_chosen", orders))

        assert "Choose 100 orders at most." in page

    def test_who_may_only_look_is_offered_no_action(self) -> None:
        order, client = order_of(), signed_in(clerk("orders.view_order"))

        self.choose(client, "cancel_chosen", [order], _asked="1", cause="staff_canceled")

        order.refresh_from_db()
        assert order.status == OrderStatus.PENDING
        assert "cancel_chosen" not in text_of(client.get(listing("orders_order")))
