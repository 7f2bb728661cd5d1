"""Pages about policies, for staff and for customers, on a phone and on a narrow desk."""

from itertools import product

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from panel.accounts.models import User
from refunds.models import PolicyDraft, PolicyVersion
from tests.browser.conftest import OpenBrowser
from tests.browser.test_fit import overhang
from tests.factories import make_staff, policies

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses() -> list[str]:
    """The pages of a draft, of the version that it would follow, and of what changes; mona is signed in to see them."""
    mona = make_staff("mona", "Manager")
    version = policies.publish(make_staff("grace"), make_staff("hiro"), policies.shipped("panel-credit-only"))
    draft = policies.draft(mona)
    assert (PolicyDraft.objects.count(), PolicyVersion.objects.count()) == (2, 2)
    return [
        f"/admin/refunds/policydraft/{draft.pk}/change/",
        f"/admin/refunds/policyversion/{version.pk}/change/",
        f"/refund-policy/{version.pk}/changes/",
        f"/refund-policy/{version.pk}/",
    ]


def sign_in(page: Page, server: LiveServer) -> None:
    """Be mona, without the sign-in page."""
    client = Client()
    client.force_login(User.objects.get(name="Mona"))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": server.url}])


def cut_cells(page: Page) -> list[str]:
    """Return the table cells that show only a part of their text."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('td')].filter(td => td.checkVisibility()"
        " && getComputedStyle(td).overflowY === 'hidden' && td.scrollHeight > td.clientHeight + 1)"
        ".map(td => td.textContent.trim().slice(0, 60))"
    )
    return found


def overlapping(page: Page) -> list[str]:
    """Return the labels and values of a page's fields that lie over each other."""
    found: list[str] = page.evaluate(OVERLAPPING)
    return found


def test_policy_pages_fit_and_cut_nothing(
    open_browser: OpenBrowser, addresses: list[str], live_server: LiveServer
) -> None:
    found = {}
    with open_browser() as page:
        sign_in(page, live_server)
        for width, address in product((390, 768, 1200), addresses):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address)
            wrong = [overhang(page), cut_cells(page)[:3], overlapping(page)[:3]]
            if wrong != [0, [], []]:
                found[width, address] = wrong
        top = page.goto(addresses[0]) and page.get_by_text("The first clause that covers an order").bounding_box()

    assert found == {}
    assert top, "the clauses come first"
    assert top["y"] < 1600


OVERLAPPING = """
(() => {
  const parts = [...document.querySelectorAll('.form-row, .field-line, fieldset label, fieldset .readonly')]
    .filter(e => e.matches('label, .readonly') && e.checkVisibility() && e.textContent.trim());
  const boxes = parts.map(e => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return [e.textContent.trim().slice(0, 30), range.getBoundingClientRect()];
  });
  const found = [];
  boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
    const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
    const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
    if (wide > 1 && high > 1) found.push(`${a} / ${b}`);
  }));
  return found;
})()
"""
