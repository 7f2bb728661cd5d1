"""Every page on a narrow phone and by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from orders.models import Cause, OrderStatus
from tests.browser.conftest import OpenBrowser
from tests.browser.test_journey import sign_in
from tests.factories import make_customer, make_provider, make_service, move, place_order
from tests.web.people import confirm

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = [
    "/",
    "/?q=nothing",
    "/refund-policy/",
    "/contact/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
]
OWN = [
    "/orders/",
    "/orders/?status=pending",
    "/orders/new/",
    "/balance/",
    "/support/",
    "/support/new/",
    "/settings/api/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/logout/",
]


def overhang(page: Page) -> int:
    """Return how many pixels the page is wider than the screen."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def unnamed_fields(page: Page) -> list[str]:
    """Return the fields that a screen reader would call nothing."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
        ".filter(field => !field.labels.length && !field.ariaLabel).map(field => field.outerHTML)"
    )
    return found


@pytest.mark.parametrize("width", [320, 360, 768, 970])
def test_no_page_scrolls_sideways(open_browser: OpenBrowser, width: int) -> None:
    ada = make_customer("ada", funds="5000")
    confirm(ada)
    service = make_service(provider=make_provider(), allows_cancel=True, description="x" * 300)
    long_link = "https://example.com/" + "a" * 900
    waiting, running, ended = (place_order(ada, service, link=long_link) for _ in range(3))
    move(running, OrderStatus.IN_PROGRESS)
    move(ended, OrderStatus.PARTIAL, remains=333, cause=Cause.CANNOT_COMPLETE)
    own = [f"/orders/{order.pk}/" for order in (waiting, running, ended)]
    asking = [f"/orders/{order.pk}/cancel/" for order in (waiting, running)]

    with open_browser(width=width) as page:
        overhangs = {}
        for address in PUBLIC:
            page.goto(address)
            overhangs[address] = overhang(page)
        sign_in(page, ada.email, "a long passphrase")
        for address in (*OWN, *own, *asking):
            page.goto(address)
            overhangs[address] = overhang(page)

    assert {address: wider for address, wider in overhangs.items() if wider > 0} == {}


def test_the_first_tab_stop_skips_to_the_content(open_browser: OpenBrowser) -> None:
    make_service()

    with open_browser() as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()


def test_every_field_has_a_label_and_every_page_one_heading(open_browser: OpenBrowser) -> None:
    ada = make_customer("ada", funds="50")
    confirm(ada)
    order = place_order(ada, make_service())

    with open_browser() as page:
        sign_in(page, ada.email, "a long passphrase")
        for address in (*OWN, f"/orders/{order.pk}/", f"/orders/{order.pk}/cancel/", "/", "/refund-policy/"):
            page.goto(address)
            assert unnamed_fields(page) == [], address
            assert page.locator("h1").count() == 1, address


def test_text_has_enough_contrast_in_both_schemes(open_browser: OpenBrowser) -> None:
    ada = make_customer("ada", funds="50")
    confirm(ada)
    service = make_service(refund_after_start=False)
    for status, remains in (("in_progress", None), ("partial", 500), ("canceled", 1000), ("completed", 0)):
        order = place_order(ada, service)
        move(order, OrderStatus(status), remains=remains, cause=Cause.CANNOT_COMPLETE)

    for dark in (False, True):
        with open_browser(dark=dark) as page:
            sign_in(page, ada.email, "a long passphrase")
            for address in ("/", "/orders/", f"/orders/{order.pk}/", "/orders/new/", "/balance/", "/settings/api/"):
                page.goto(address)
                assert page.evaluate(LOW_CONTRAST) == [], f"{address} dark={dark}"


# WCAG 2.2, 1.4.3: 4.5 to 1 for text. The background is that of the nearest ancestor that has one.
LOW_CONTRAST = """
(() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.disabled || !element.checkVisibility()) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return low;
})()
"""
