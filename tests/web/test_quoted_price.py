"""The order form holds the customer to nothing but what it showed."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client

from orders.models import Order, PlacedRequest, Service
from panel.accounts.models import Standing, User
from refunds import order_policy, publishing
from refunds.models import PolicyVersion
from tests.conftest import LONG_AGO
from tests.factories import make_package, make_service
from tests.factories.catalog import make_category
from tests.factories.desk import publish_widened
from tests.web import pages

pytestmark = pytest.mark.django_db

LINK = "https://example.com/launch"


def _filled(browser: Client, service: Service, quantity: str = "1900") -> dict[str, object]:
    """Return the form as it stands in a browser: filled in, with what the quote beside it showed."""
    wanted = {"service": service.pk, "link": LINK, "quantity": quantity}
    return {
        **wanted,
        "request_id": pages.hidden(browser.get("/orders/new/"), "request_id"),
        "quoted": pages.hidden(browser.post("/orders/new/quote/", wanted), "quoted"),
    }


def _raise_rate(service: Service, rate: str) -> None:
    Service.objects.filter(pk=service.pk).update(rate=rate)


def _put_credit_only_in_force() -> PolicyVersion:
    text = (publishing.SHIPPED / "panel-credit-only.toml").read_text(encoding="utf-8")
    return publishing.publish(text=text, source="panel-credit-only.toml", effective_from=LONG_AGO, at=LONG_AGO)


def _nothing_placed() -> bool:
    return not Order.objects.exists() and not PlacedRequest.objects.exists()


def test_the_quote_holds_charge_policy_version_and_what_the_note_says(browser: Client) -> None:
    version = PolicyVersion.objects.get().pk
    service, package = make_service(rate="2.50"), make_package(rate="49")
    note = order_policy.order_note(version, service).fingerprint

    assert _filled(browser, service)["quoted"] == f"4.75:{version}:{note}"
    assert _filled(browser, package, "")["quoted"] == f"49.00:{version}:{note}"


def test_the_quote_holds_nothing_while_there_is_no_price(browser: Client) -> None:
    assert _filled(browser, make_service(), "")["quoted"] == ""


def test_asks_again_at_the_new_price_when_the_rate_was_raised_meanwhile(browser: Client) -> None:
    service = make_service(rate="2.50")
    filled = _filled(browser, service)
    _raise_rate(service, "3.00")

    asked = browser.post("/orders/new/", filled)

    assert asked.status_code == 409
    assert f"The price has changed: this costs 5.70 {settings.PANEL_CURRENCY} now." in pages.text(asked)
    assert "Charge 5.70 USD" in pages.text(asked)
    assert pages.hidden(asked, "request_id") == filled["request_id"]
    assert _nothing_placed()

    browser.post("/orders/new/", {**filled, "quoted": pages.hidden(asked, "quoted")})

    assert Order.objects.get().charge == Decimal("5.7")


def test_asks_again_when_another_policy_took_effect_meanwhile(browser: Client) -> None:
    filled = _filled(browser, make_service())
    version = _put_credit_only_in_force()

    asked = browser.post("/orders/new/", filled)

    assert asked.status_code == 409
    assert "What is refunded has changed." in pages.text(asked)
    assert "An order can't be canceled at your own wish once it is placed." in pages.text(asked)
    assert _nothing_placed()

    browser.post("/orders/new/", {**filled, "quoted": pages.hidden(asked, "quoted")})

    assert Order.objects.get().policy_version == version.pk


def test_asks_again_when_the_service_lost_its_refund_after_start(browser: Client) -> None:
    service = make_service()
    filled = _filled(browser, service)
    Service.objects.filter(pk=service.pk).update(refund_after_start=False)

    asked = browser.post("/orders/new/", filled)

    assert asked.status_code == 409
    assert "What is refunded has changed." in pages.text(asked)
    assert _nothing_placed()


def test_asks_again_when_the_service_moved_to_a_category_with_other_rules(browser: Client) -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    service = make_service()
    filled = _filled(browser, service)
    Service.objects.filter(pk=service.pk).update(category=creators)

    asked = browser.post("/orders/new/", filled)

    assert asked.status_code == 409
    assert "What is refunded has changed." in pages.text(asked)
    assert "less a fee of 5 %." in pages.text(asked)
    assert _nothing_placed()

    browser.post("/orders/new/", {**filled, "quoted": pages.hidden(asked, "quoted")})

    assert Order.objects.get().category == creators.pk


def test_asks_again_when_the_customer_reads_otherwise_because_of_a_doubt(browser: Client, ada: User) -> None:
    filled = _filled(browser, make_service())
    User.objects.filter(pk=ada.pk).update(standing=Standing.ABUSE_FLAGGED)

    asked = browser.post("/orders/new/", filled)

    assert asked.status_code == 409
    assert "after review" in pages.text(asked)
    assert _nothing_placed()


def test_does_not_ask_again_for_a_change_that_the_policy_does_not_look_at(browser: Client) -> None:
    service = make_service()
    filled = _filled(browser, service)
    Service.objects.filter(pk=service.pk).update(category=make_category("Another shelf"), allows_refill=True)

    browser.post("/orders/new/", filled)

    assert Order.objects.get().service == service


def test_orders_in_two_steps_without_scripts(browser: Client) -> None:
    service = make_service(rate="2.50")
    page = browser.get(f"/orders/new/?service={service.pk}")
    filled = {"service": service.pk, "link": LINK, "quantity": "1900"}
    sent = {**filled, "request_id": pages.hidden(page, "request_id"), "quoted": pages.hidden(page, "quoted")}

    asked = browser.post("/orders/new/", sent)

    assert asked.status_code == 200
    assert "please check the price, then place the order" in pages.text(asked)
    assert "Charge 4.75 USD" in pages.text(asked)
    assert _nothing_placed()

    browser.post("/orders/new/", {**sent, "quoted": pages.hidden(asked, "quoted")})

    assert Order.objects.get().charge == Decimal("4.75")


@pytest.mark.parametrize("quoted", ["4.75", "\x00", "NaN:1:standard", "::", "<script>alert(1)</script>", "9" * 5000])
def test_a_forged_quote_is_asked_about(browser: Client, quoted: str) -> None:
    asked = browser.post("/orders/new/", {**_filled(browser, make_service()), "quoted": quoted})

    assert asked.status_code == 409
    assert b"<script>alert" not in asked.content
    assert _nothing_placed()


def test_a_form_that_placed_its_order_answers_the_same_one_after_the_price_changed(browser: Client) -> None:
    service = make_service(rate="2.50")
    filled = _filled(browser, service)
    first = browser.post("/orders/new/", filled)
    _raise_rate(service, "3.00")

    second = browser.post("/orders/new/", filled)

    assert second["Location"] == first["Location"]
    assert Order.objects.get().charge == Decimal("4.75")
