"""What a new customer does on the first day, in a real browser."""

import re
from decimal import Decimal

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from orders.models import Order, OrderStatus
from panel.accounts.models import User
from tests.browser.conftest import OpenBrowser
from tests.factories import fund, make_service

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, PASSWORD = "nora@example.com", "seven quiet lighthouses"


def sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    found = re.search(r"http://\S+/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert found
    page.goto(found[0])
    page.get_by_role("button", name="Yes, confirm").click()


def sign_in(page: Page, email: str = EMAIL, password: str = PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360], ids=["desk", "phone"])
def test_signs_up_orders_cancels_and_sees_the_refund(open_browser: OpenBrowser, width: int) -> None:
    service = make_service(rate="2.50")

    with open_browser(width=width) as page:
        sign_up(page)
        sign_in(page)
        nora = User.objects.get(email=EMAIL)
        fund(nora, "20")

        page.get_by_role("navigation", name="Main").get_by_role("link", name="Services").click()
        page.get_by_role("link", name=f"Order {service.name}").click()
        page.get_by_label("Link").fill("https://example.com/launch")
        page.get_by_label("Quantity").fill("1000")
        expect(page.locator("#charge")).to_have_text("2.50 USD")
        expect(page.locator("#quote dl div").last).to_have_text("Balance after17.50 USD")
        page.get_by_role("button", name="Place order").click()

        order = Order.objects.get()
        expect(page.get_by_role("status")).to_contain_text(f"Order {order.pk} is placed.")
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Orders", exact=True).click()
        page.get_by_role("link", name=f"Cancel order {order.pk}").click()
        expect(page.locator(".sums .total")).to_have_text("Back to your balance2.50 USD")
        page.get_by_role("button", name="Yes, cancel the order").click()
        expect(page.get_by_role("status")).to_contain_text("2.50 USD is back on your balance.")

        page.get_by_role("navigation", name="Main").get_by_role("link", name="Balance").click()
        expect(page.get_by_role("row").nth(1)).to_contain_text(f"Refund for order {order.pk}")
        expect(page.get_by_role("row").nth(1)).to_contain_text("+2.50 USD")
        expect(page.locator(".tile.main")).to_contain_text("20.00 USD")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()

    order.refresh_from_db()
    assert (order.status, order.refunded) == (OrderStatus.CANCELED, Decimal("2.5"))


def test_says_what_is_wrong_while_it_is_typed(open_browser: OpenBrowser) -> None:
    service = make_service(rate="2.50")

    with open_browser() as page:
        sign_up(page)
        sign_in(page)
        page.goto("/orders/new/")
        page.get_by_label("Service").select_option(str(service.pk))
        expect(page.locator("#quantity-hint")).to_have_text("From 10 to 100,000 units.")
        page.get_by_label("Quantity").fill("1e9")
        expect(page.locator("#quantity-error")).to_contain_text("whole number in digits")
        page.get_by_label("Link").fill("not a link")
        expect(page.locator("#link-error")).to_contain_text("starting with https://")
        page.get_by_label("Quantity").fill("1000")
        expect(page.locator("#quantity-error")).to_have_text("")
        expect(page.locator("#quote")).to_contain_text("Your balance is 2.50 USD too low for this order.")


def test_a_double_click_places_one_order(open_browser: OpenBrowser) -> None:
    service = make_service()

    with open_browser() as page:
        sign_up(page)
        sign_in(page)
        fund(User.objects.get(email=EMAIL), "20")
        page.goto(f"/orders/new/?service={service.pk}")
        page.get_by_label("Link").fill("https://example.com/launch")
        page.get_by_label("Quantity").fill("1000")
        expect(page.locator("#charge")).to_have_text("2.50 USD")
        page.get_by_role("button", name="Place order").dblclick()
        page.wait_for_url(re.compile(r"/orders/\d+/$"))

    assert Order.objects.count() == 1


def test_the_search_narrows_the_catalog_as_it_is_typed(open_browser: OpenBrowser) -> None:
    wanted, other = make_service(description="newsletter"), make_service(description="podcast")

    with open_browser() as page:
        page.goto("/")
        page.get_by_label("Find a service").press_sequentially("newsl")
        expect(page.locator("#services")).not_to_contain_text(other.name)
        expect(page.locator("#services")).to_contain_text(wanted.name)
        expect(page).to_have_url(re.compile(r"/\?q=newsl$"))
