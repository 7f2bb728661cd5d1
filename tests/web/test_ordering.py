from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Transfer
from orders.models import Order, PlacedRequest
from panel.accounts import suspension
from panel.accounts.models import Standing, User
from refunds.models import PolicyVersion
from tests.factories import make_package, make_service
from tests.factories.catalog import make_category
from tests.factories.desk import publish_widened
from tests.web import pages

pytestmark = pytest.mark.django_db

LINK = "https://example.com/launch"
CONTROL = "https://example.com/\x07"
TOO_LONG = "https://example.com/" + "a" * 2000


def _token(browser: Client) -> str:
    return pages.hidden(browser.get("/orders/new/"), "request_id")


def _quoted(browser: Client, **fields: object) -> str:
    return pages.hidden(browser.post("/orders/new/quote/", fields), "quoted")


def _send(browser: Client, **fields: object) -> "pages.Response":
    """Send the form as a browser does after it showed what the order costs."""
    filled = {"link": LINK, "request_id": _token(browser), "quoted": _quoted(browser, **fields)}
    return browser.post("/orders/new/", {**filled, **fields})


def test_a_visitor_is_sent_to_sign_in_and_back(client: Client) -> None:
    response = client.get("/orders/new/?service=1")

    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/orders/new/%3Fservice%3D1"


def test_places_the_order_and_goes_to_its_page(browser: Client, ada: User) -> None:
    service = make_service(rate="2.50")

    response = _send(browser, service=service.pk, quantity="1000")

    order = Order.objects.get()
    assert response["Location"] == f"/orders/{order.pk}/"
    assert (order.customer, order.link, order.quantity, order.charge) == (ada, LINK, 1000, Decimal("2.5"))
    assert (order.placed_through, order.placed_from) == ("web", "127.0.0.1")
    assert f"Order {order.pk} is placed." in pages.text(browser.get(response["Location"]))


def test_a_package_needs_no_quantity(browser: Client) -> None:
    package = make_package(rate="49", units=1000)

    _send(browser, service=package.pk, quantity="")

    assert Order.objects.get().quantity == 1000


def test_the_same_form_sent_twice_places_one_order(browser: Client) -> None:
    wanted = {"service": make_service().pk, "link": LINK, "quantity": "100"}
    fields = {**wanted, "request_id": _token(browser), "quoted": _quoted(browser, **wanted)}

    first = browser.post("/orders/new/", fields)
    second = browser.post("/orders/new/", fields)

    assert Order.objects.count() == 1
    assert first["Location"] == second["Location"]
    assert "was placed already; nothing was charged again" in pages.text(browser.get(second["Location"]))


def test_a_form_sent_before_with_other_fields_asks_once_more(browser: Client) -> None:
    service = make_service()
    token = _token(browser)
    _send(browser, service=service.pk, quantity="100", request_id=token)

    refused = _send(browser, service=service.pk, quantity="200", request_id=token)
    fresh = pages.hidden(refused, "request_id")
    _send(browser, service=service.pk, quantity="200", request_id=fresh)

    assert refused.status_code == 409
    assert "Nothing was placed now" in pages.text(refused)
    assert fresh != token
    assert Order.objects.count() == 2


@pytest.mark.parametrize("token", ["x" * 101, "a\x00b"])
def test_a_forged_token_is_refused_and_replaced(browser: Client, token: str) -> None:
    response = browser.post(
        "/orders/new/", {"service": make_service().pk, "link": LINK, "quantity": "100", "request_id": token}
    )

    assert response.status_code == 409
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("", "Give the quantity."),
        ("1e9", "whole number in digits"),
        ("NaN", "whole number in digits"),
        ("-1", "The smallest order of this service is 10 units."),
        ("\u0661\u0660", "whole number in digits"),
        ("10.5", "whole number in digits"),
        ("1\x0000", "whole number in digits"),
        ("9", "The smallest order of this service is 10 units."),
        ("100001", "The largest order of this service is 100,000 units."),
        ("9" * 400, "whole number in digits"),
    ],
)
def test_refuses_a_bad_quantity_beside_its_field(browser: Client, quantity: str, words: str) -> None:
    response = _send(browser, service=make_service().pk, quantity=quantity)

    assert response.status_code == 422
    assert words in _error(response, "quantity")
    _nothing_happened()


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("", "Give the link"),
        ("1e9", "starting with https://"),
        ("NaN", "starting with https://"),
        ("-1", "starting with https://"),
        ("\u0661\u0660", "starting with https://"),
        ("javascript:alert(1)", "starting with https://"),
        (CONTROL, "characters that can't be seen"),
        ("https://example.com/\x00", "characters that can't be seen"),
        (TOO_LONG, "longer than 2,000 characters"),
    ],
)
def test_refuses_a_bad_link_beside_its_field(browser: Client, link: str, words: str) -> None:
    response = _send(browser, service=make_service().pk, quantity="100", link=link)

    assert response.status_code == 422
    assert words in _error(response, "link")
    _nothing_happened()


@pytest.mark.parametrize("service", ["", "1e9", "NaN", "-1", "\u0661\u0660", "\x07", "0", "999999", "9" * 40])
def test_refuses_a_bad_service_beside_its_field(browser: Client, service: str) -> None:
    response = _send(browser, service=service, quantity="100")

    assert response.status_code == 422
    assert _error(response, "service")
    _nothing_happened()


def test_refuses_what_the_balance_does_not_cover(browser: Client) -> None:
    response = _send(browser, service=make_service(rate="600").pk, quantity="1000")

    assert response.status_code == 422
    assert "this costs 600.00 USD and you have 50.00 USD" in _error(response, "quantity")
    _nothing_happened()


def test_refuses_a_second_order_on_a_busy_link_beside_the_link(browser: Client) -> None:
    service = make_service(one_order_per_link=True)
    _send(browser, service=service.pk, quantity="100")

    response = _send(browser, service=service.pk, quantity="100")

    assert response.status_code == 422
    assert "active order with this link" in _error(response, "link")
    assert Order.objects.count() == 1


def test_a_service_taken_off_sale_meanwhile_is_refused(browser: Client) -> None:
    service = make_service()
    service.is_active = False
    service.save(update_fields=["is_active"])

    assert _send(browser, service=service.pk, quantity="100").status_code == 422
    _nothing_happened()


def test_keeps_what_was_typed_and_escapes_it(browser: Client) -> None:
    evil = '"><script>alert(1)</script>'

    response = _send(browser, service=make_service().pk, quantity=evil, link=evil)

    assert b"<script>alert" not in response.content
    assert "&quot;&gt;&lt;script&gt;" in response.content.decode()


def test_quote_tells_charge_balance_and_refund_note(browser: Client) -> None:
    service = make_service(rate="2.50")

    said = pages.text(browser.post("/orders/new/quote/", {"service": service.pk, "link": "", "quantity": "400"}))

    assert "Charge 1.00 USD" in said
    assert "Balance after 49.00 USD" in said
    assert "Cancel while it is pending: full refund to your balance." in said
    assert "From 10 to 100,000 units." in said


def test_quote_names_faults_of_filled_fields_only(browser: Client) -> None:
    service = make_service()

    empty = browser.post("/orders/new/quote/", {"service": service.pk, "link": "", "quantity": ""})
    faulty = browser.post("/orders/new/quote/", {"service": service.pk, "link": "nonsense", "quantity": "1e9"})

    assert (_error(empty, "link"), _error(empty, "quantity")) == ("", "")
    assert "starting with https://" in _error(faulty, "link")
    assert "whole number in digits" in _error(faulty, "quantity")


def test_quote_says_how_much_is_missing(browser: Client) -> None:
    said = pages.text(browser.post("/orders/new/quote/", {"service": make_service(rate="600").pk, "quantity": "1000"}))

    assert "Your balance is 550.00 USD too low for this order." in said


def test_quote_moves_nothing(browser: Client) -> None:
    browser.post("/orders/new/quote/", {"service": make_service().pk, "link": LINK, "quantity": "100"})

    _nothing_happened()


def test_quote_sends_a_signed_out_browser_to_sign_in(client: Client) -> None:
    response = client.post("/orders/new/quote/", headers={"HX-Request": "true"})

    assert response["HX-Redirect"] == "/accounts/login/?next=/orders/new/"


@pytest.mark.usefixtures("credit_only_policy")
def test_quote_takes_its_note_from_the_policy_in_force(browser: Client) -> None:
    said = pages.text(browser.post("/orders/new/quote/", {"service": make_service().pk, "quantity": "100"}))

    assert PolicyVersion.objects.count() == 2
    assert "can't be canceled at your own wish" in said


def test_quote_tells_a_customer_in_doubt_that_a_person_looks_first(browser: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(standing=Standing.FRAUD_SUSPECTED)

    said = pages.text(browser.post("/orders/new/quote/", {"service": make_service().pk, "quantity": "100"}))

    assert "Cancel while it is pending: full refund to your balance, after review." in said


def test_quote_says_before_ordering_that_nothing_is_refunded_once_delivery_has_begun(browser: Client) -> None:
    service = make_service(refund_after_start=False)

    said = pages.text(browser.post("/orders/new/quote/", {"service": service.pk, "quantity": "100"}))

    assert "What is refunded No refund after start" in said
    assert "Once delivery has begun, this service can't be refunded, unless we stop it ourselves." in said


@pytest.mark.usefixtures("credit_only_policy")
def test_quote_marks_no_service_where_the_policy_refunds_it_all_the_same(browser: Client) -> None:
    service = make_service(refund_after_start=False)

    said = pages.text(browser.post("/orders/new/quote/", {"service": service.pk, "quantity": "100"}))

    assert "No refund after start" not in said
    assert "If it is delivered only in part: what was not delivered is refunded to your balance." in said


def test_quote_tells_the_rules_of_the_services_scope(browser: Client) -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    placement = make_service(category=creators, allows_refill=True)

    of_placement = pages.text(browser.post("/orders/new/quote/", {"service": placement.pk, "quantity": "100"}))
    of_another = pages.text(browser.post("/orders/new/quote/", {"service": make_service().pk, "quantity": "100"}))

    assert "If what was delivered goes away: ask for a refill first." in of_placement
    assert "If the refill fails within 72 hours of the end: refund to your balance, at most 50 %" in of_placement
    assert "72 hours" not in of_another


def test_the_price_can_be_checked_without_scripts(browser: Client) -> None:
    response = _send(browser, service=make_service(rate="2.50").pk, quantity="400", check="1")

    assert response.status_code == 200
    assert "Charge 1.00 USD" in pages.text(response)
    _nothing_happened()


def test_a_service_can_be_chosen_by_its_address(browser: Client) -> None:
    service = make_service()

    page = browser.get(f"/orders/new/?service={service.pk}").content.decode()

    assert f'<option value="{service.pk}" selected>' in page


@pytest.mark.parametrize("number", [5, 50])
def test_takes_the_same_queries_for_5_and_50_services(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    service, *_ = [make_service() for _ in range(number)]
    browser.get(f"/orders/new/?service={service.pk}")  # policy versions are read once a process

    with django_assert_num_queries(6):
        browser.get(f"/orders/new/?service={service.pk}&quantity=100")


def test_a_suspended_customer_reads_why_and_can_not_order(browser: Client, ada: User) -> None:
    suspension.suspend(user=ada, reason="A payment is disputed.", at=timezone.now())

    form = browser.get("/orders/new/")
    response = _send(browser, service=make_service().pk, quantity="100")

    assert "you can't order: A payment is disputed." in pages.text(form)
    assert response.status_code == 422
    assert "A payment is disputed." in pages.text(response)
    _nothing_happened()


def _error(response: "pages.Response", field: str) -> str:
    return pages.element(response, f"{field}-error")


def _nothing_happened() -> None:
    assert not Order.objects.exists()
    assert not PlacedRequest.objects.exists()
    assert not Transfer.objects.filter(order_ref__isnull=False).exists()
