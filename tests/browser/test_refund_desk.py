"""A new agent and a second person at the refund desk, by hand: from the queue to the money."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order
from panel.accounts.models import User
from refunds.desk import talking
from tests.admin.furniture import PICTURE
from tests.browser.conftest import OpenBrowser
from tests.browser.test_fit import overhang
from tests.browser.test_journey import sign_in
from tests.factories import AT, make_customer, make_staff
from tests.factories.desk import ask_for_refund, order_in_review, started
from tests.web.people import confirm

pytestmark = pytest.mark.django_db(transaction=True)


def colleague(name: str, group: str) -> User:
    """Return a member of staff who can sign in."""
    staff = make_staff(name, group)
    confirm(staff)
    return staff


def press(page: Page, *buttons: str) -> None:
    for button in buttons:
        page.get_by_role("button", name=button, exact=True).click()


def test_an_agent_overrules_and_a_second_person_confirms(open_browser: OpenBrowser) -> None:
    agent, approver = colleague("hiro", "Agent"), colleague("ida", "Approver")
    wish = order_in_review(make_customer("ada", funds="20"))
    urgent = ask_for_refund(started(remains=400), description="Hardly anybody came.", files=(PICTURE,))
    talking.expedite(request_id=urgent.pk, customer=urgent.customer, reason="The fair is on Friday", at=AT)

    with open_browser() as page:
        sign_in(page, agent.email, "a long passphrase")
        page.goto("/admin/")
        page.get_by_role("link", name="Refund requests").first.click()
        expect(page.get_by_text("Expedited").first).to_be_visible()
        page.goto(f"/admin/refunds/refundrequest/{urgent.pk}/change/")
        assert overhang(page) == 0
        page.goto("/admin/refunds/refundrequest/")
        page.get_by_role("link", name=re.compile(rf"^{wish.pk}\b")).first.click()
        page.get_by_role("link", name="Another amount…").click()
        page.get_by_label("To be credited now").fill("2.50")
        page.get_by_label("Why").fill("Half of it came")
        press(page, "Show what will happen")
        expect(page.get_by_text("it differs from the 4.00 USD that the policy proposes")).to_be_visible()
        press(page, "Recommend it")
        expect(page.get_by_text("A second person has to confirm it.")).to_be_visible()
    with open_browser(width=1280, dark=True) as page:
        sign_in(page, approver.email, "a long passphrase")
        page.goto("/admin/refunds/refundrequest/?show=to_confirm")
        page.get_by_role("link", name=re.compile(rf"^{wish.pk}\b")).first.click()
        page.get_by_role("link", name="Confirm…").click()
        expect(page.get_by_text("Half of it came").first).to_be_visible()
        press(page, "Show what will happen", "Confirm")
        expect(page.get_by_text("2.50 USD credited")).to_be_visible()

    assert Order.objects.get(pk=wish.order_id).refunded == Decimal("2.5")
