"""Placing orders: all lines or none, charged once, with the terms of that moment frozen on them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Account, Transfer
from orders import lines, placing
from orders.insertion import Origin
from orders.lines import Line
from orders.models import Order, OrderEvent, PlacedRequest, PlacedThrough, Service
from panel.accounts import suspension
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import PanelError
from refunds.models import PolicyVersion
from tests.factories import AT, make_customer, make_package, make_provider, make_service, place_order

pytestmark = pytest.mark.django_db

LINK = "https://example.com/launch"


def balances(customer: User) -> dict[str, Decimal | None]:
    return dict(Account.objects.filter(customer=customer).values_list("kind", "balance"))


def nothing_moved(customer: User, available: str) -> bool:
    return (
        balances(customer) == {"available": Decimal(available), "promo": Decimal(0)}
        and not Order.objects.exists()
        and not OrderEvent.objects.exists()
        and not PlacedRequest.objects.exists()
        and not Transfer.objects.filter(order_ref__isnull=False).exists()
    )


def test_charges_every_line_and_answers_in_the_order_of_the_lines() -> None:
    ada, reach, package = make_customer(funds="100"), make_service(rate="2.50"), make_package(rate="49")

    placed = placing.place(
        customer=ada,
        lines=[Line(reach.pk, LINK, 1000), Line(package.pk, LINK), Line(reach.pk, LINK, 2000)],
        at=AT,
    )

    orders = [Order.objects.get(pk=number) for number in placed.order_ids]
    assert [(o.service, o.quantity, o.charge, o.status) for o in orders] == [
        (reach, 1000, Decimal("2.50"), "pending"),
        (package, 1000, Decimal("49.00"), "pending"),
        (reach, 2000, Decimal("5.00"), "pending"),
    ]
    assert balances(ada)["available"] == Decimal("43.500000")
    assert (
        OrderEvent.objects.filter(order__in=orders, to_status="pending", initiator="customer", actor=ada).count() == 3
    )


def test_freezes_price_terms_and_policy_of_the_moment() -> None:
    ada, provider = make_customer(funds="100"), make_provider()
    reach = make_service(rate="2.50", provider=provider, allows_cancel=True, refund_after_start=False)

    order = place_order(ada, reach, quantity=1000)
    Service.objects.filter(pk=reach.pk).update(
        rate=Decimal(9), name="Other", allows_cancel=False, refund_after_start=True, provider_service_id="999"
    )

    order.refresh_from_db()
    assert (order.rate, order.charge, order.service_name) == (Decimal("2.50"), Decimal("2.50"), reach.name)
    assert (order.terms, order.allows_cancel, order.provider_service_id) == ("no_refund_after_start", True, "101")
    assert order.policy_version == PolicyVersion.objects.get().pk
    assert order.submit_due_at == AT + settings.ORDER_SUBMIT_DELAY


def test_keeps_where_all_lines_of_a_call_came_from_and_not_where_it_was_repeated_from() -> None:
    ada, reach = make_customer(funds="100"), make_service()
    asked, home = [Line(reach.pk, LINK, 1000)] * 2, Origin(PlacedThrough.WEB, "2001:db8::7")

    placed = placing.place(customer=ada, lines=asked, at=AT, request_id="r-1", origin=home)
    away = Origin(PlacedThrough.API_V2, "203.0.113.7")
    again = placing.place(customer=ada, lines=asked, at=AT, request_id="r-1", origin=away)

    assert again.order_ids == placed.order_ids
    assert set(Order.objects.values_list("placed_through", "placed_from")) == {("web", "2001:db8::7")}


def test_an_order_whose_origin_is_not_known_says_nothing_of_it() -> None:
    order = place_order(make_customer(funds="5"), make_service())

    assert (order.placed_through, order.placed_from) == ("", None)


def test_the_database_knows_the_doors() -> None:
    order = place_order(make_customer(funds="5"), make_service())

    with pytest.raises(IntegrityError, match="order_placed_through_known"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(placed_through="window")


def test_leaves_orders_without_a_provider_to_staff() -> None:
    order = place_order(make_customer(funds="5"), make_service())

    assert (order.provider, order.submit_due_at) == (None, None)


def test_spends_promotional_money_first_over_the_lines_in_their_order() -> None:
    ada, reach = make_customer(funds="10", promo="3"), make_service(rate="2")

    placed = placing.place(customer=ada, lines=[Line(reach.pk, LINK, 1000)] * 3, at=AT)

    shares = Order.objects.filter(pk__in=placed.order_ids).order_by("pk").values_list("charge_promo", flat=True)
    assert list(shares) == [Decimal(2), Decimal(1), Decimal(0)]
    assert balances(ada) == {"available": Decimal(7), "promo": Decimal(0)}


def test_spends_a_balance_to_the_last_unit() -> None:
    ada, reach = make_customer(funds="2.50"), make_service(rate="2.50")

    place_order(ada, reach)

    assert balances(ada)["available"] == 0


def test_refuses_what_the_balance_can_not_pay_and_then_places_none_of_the_lines() -> None:
    ada, reach = make_customer(funds="7.499999"), make_service(rate="2.50")

    with pytest.raises(placing.NotEnoughFunds):
        placing.place(customer=ada, lines=[Line(reach.pk, LINK, 1000)] * 3, at=AT)

    assert nothing_moved(ada, "7.499999")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"service_id": 987_654}, lines.UnknownService),
        ({"link": "nonsense"}, lines.BadLink),
        ({"quantity": 9}, lines.QuantityBelowMinimum),
        ({"quantity": 10**9 + 1}, lines.QuantityAboveMaximum),
        ({"quantity": None}, lines.BadQuantity),
    ],
)
def test_refuses_all_lines_when_one_is_bad(bad: dict[str, object], error: type[PanelError]) -> None:
    ada, reach = make_customer(funds="100"), make_service()
    good = {"service_id": reach.pk, "link": LINK, "quantity": 100}

    with pytest.raises(error):
        placing.place(customer=ada, lines=[Line(**good), Line(**{**good, **bad})], at=AT)  # type: ignore[arg-type]

    assert nothing_moved(ada, "100")


def test_refuses_a_suspended_customer_even_when_the_caller_has_read_him_before() -> None:
    ada, reach = make_customer(funds="100"), make_service()
    suspension.suspend(user=User.objects.get(pk=ada.pk), reason="A dispute is open.", at=AT)

    with pytest.raises(AccountSuspended):
        place_order(ada, reach)

    assert nothing_moved(ada, "100")


def test_refuses_before_any_policy_is_in_force() -> None:
    ada, reach = make_customer(funds="100"), make_service()
    early = PolicyVersion.objects.get().effective_from - timedelta(microseconds=1)

    with pytest.raises(PanelError) as refused:
        place_order(ada, reach, at=early)

    assert refused.value.code == "no_policy_in_force"
    assert nothing_moved(ada, "100")


def test_the_same_request_id_answers_the_same_orders_for_a_day() -> None:
    ada, reach = make_customer(funds="100"), make_service(rate="2.50")
    asked = [Line(reach.pk, LINK, 1000), Line(reach.pk, LINK, 2000)]
    first = placing.place(customer=ada, lines=asked, at=AT, request_id="r-1")

    again = placing.place(customer=ada, lines=asked, at=AT + timedelta(hours=23, minutes=59), request_id=" r-1 ")
    Service.objects.filter(pk=reach.pk).update(is_active=False)
    after = placing.place(customer=ada, lines=asked, at=AT + timedelta(hours=23, minutes=59), request_id="r-1")

    assert again == after == placing.Placed(first.order_ids, repeated=True)
    assert balances(ada)["available"] == Decimal("92.500000")


def test_the_same_request_id_is_a_new_wish_after_a_day_and_for_another_customer() -> None:
    ada, ben, reach = make_customer(funds="10"), make_customer("ben", funds="10"), make_service(rate="2.50")
    asked = [Line(reach.pk, LINK, 1000)]
    first = placing.place(customer=ada, lines=asked, at=AT, request_id="r-1")

    bens = placing.place(customer=ben, lines=asked, at=AT, request_id="r-1")
    later = placing.place(customer=ada, lines=asked, at=AT + timedelta(hours=24), request_id="r-1")

    assert len({*first.order_ids, *bens.order_ids, *later.order_ids}) == 3
    assert not bens.repeated
    assert not later.repeated


def test_refuses_a_request_id_with_another_content() -> None:
    ada, reach = make_customer(funds="10"), make_service(rate="2.50")
    placing.place(customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT, request_id="r-1")

    with pytest.raises(placing.RequestIdReused) as refused:
        placing.place(customer=ada, lines=[Line(reach.pk, LINK, 1001)], at=AT, request_id="r-1")

    assert refused.value.field == "request_id"
    assert Order.objects.count() == 1
    assert balances(ada)["available"] == Decimal("7.500000")


def test_a_refused_wish_does_not_use_up_its_request_id() -> None:
    ada, reach = make_customer(funds="1"), make_service(rate="2.50")

    with pytest.raises(placing.NotEnoughFunds):
        placing.place(customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT, request_id="r-1")

    assert nothing_moved(ada, "1")


def test_refuses_a_second_order_on_a_link_while_one_is_running_for_services_that_say_so() -> None:
    ada, ben = make_customer(funds="10"), make_customer("ben", funds="10")
    one_at_a_time = make_service(rate="2.50", one_order_per_link=True)
    place_order(ada, one_at_a_time)

    with pytest.raises(placing.LinkBusy) as refused:
        place_order(ben, one_at_a_time)

    assert refused.value.field == "link"
    assert balances(ben)["available"] == Decimal(10)
    place_order(ben, one_at_a_time, link="https://example.com/other")


def test_refuses_two_lines_on_one_link_for_such_services() -> None:
    ada, one_at_a_time = make_customer(funds="10"), make_service(rate="2.50", one_order_per_link=True)

    with pytest.raises(placing.LinkBusy):
        placing.place(customer=ada, lines=[Line(one_at_a_time.pk, LINK, 1000)] * 2, at=AT)

    assert nothing_moved(ada, "10")


@pytest.mark.parametrize("promo", ["0", "5"], ids=["plain", "with promotional money"])
def test_the_number_of_statements_does_not_grow_with_the_lines(promo: str) -> None:
    ada, services = make_customer(funds="1000", promo=promo), [make_service() for _ in range(5)]

    def statements(number: int) -> int:
        asked = [Line(services[i % 5].pk, f"{LINK}/{i}", 1000) for i in range(number)]
        with CaptureQueriesContext(connection) as queries:
            placing.place(customer=ada, lines=asked, at=AT)
        return len(queries)

    one, hundred = statements(1), statements(100)

    assert one == hundred
    assert one <= 8  # with the savepoint that stands for the transaction in this test
