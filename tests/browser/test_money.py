"""Adding funds and taking them out, in a real browser, with the sandbox's payment page."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from billing.models import Deposit, Withdrawal, WithdrawalState
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.browser.conftest import OpenBrowser
from tests.browser.test_journey import sign_in
from tests.factories import make_customer, pay_in, send_due
from tests.web.people import PASSWORD, confirm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("payments")]


@pytest.fixture(autouse=True)
def _comes_back_here(live_server: LiveServer, settings: Settings) -> None:
    settings.SITE_URL = live_server.url


@pytest.fixture
def nora(db: None) -> User:  # noqa: ARG001 - needs the database
    nora = make_customer("nora")
    confirm(nora)
    return nora


def _pay(page: Page, card: str) -> None:
    """Pay on the sandbox's page, which belongs to another site."""
    page.get_by_label(card).check()
    page.get_by_role("button", name="Pay").click()


@pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (360, True), (360, False)], ids=["desk", "phone", "plain"]
)
def test_adds_funds_withdraws_a_part_and_cancels(
    open_browser: OpenBrowser, nora: User, *, width: int, scripts: bool
) -> None:
    with open_browser(width=width, scripts=scripts) as page:
        sign_in(page, nora.email, PASSWORD)
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Balance").click()
        page.get_by_role("main").get_by_role("link", name="Add funds").first.click()
        page.get_by_role("button", name="50.00 USD").click()
        _pay(page, "Visa 4242")

        expect(page.get_by_text("50.00 USD is on your balance.")).to_be_visible()
        page.get_by_role("link", name="See your balance").click()
        expect(page.locator(".tile.main")).to_contain_text("50.00 USD")
        page.get_by_role("link", name="Withdraw", exact=True).click()
        page.get_by_label("Amount in USD").fill("20")
        if not scripts:
            page.get_by_role("button", name="Show what goes where").click()
        expect(page.locator("#you-get")).to_have_text("20.00 USD")
        expect(page.locator("#quote")).to_contain_text("Visa ending in 4242")
        expect(page.locator("#quote")).to_contain_text("Sent by")
        page.get_by_role("button", name="Confirm withdrawal").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("Scheduled")
        expect(page.get_by_role("main")).to_contain_text("You can cancel until")
        page.get_by_role("link", name="Cancel").click()
        page.get_by_role("button", name="Yes, cancel the withdrawal").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Canceled")
        page.goto("/balance/")
        expect(page.locator(".tile.main")).to_contain_text("50.00 USD")

    assert Withdrawal.objects.get().state == WithdrawalState.CANCELED
    assert Deposit.objects.get().amount == Decimal(50)


def test_turning_away_and_paying_elsewhere_shows_by_itself(
    open_browser: OpenBrowser, nora: User, payments: PaymentsSandbox
) -> None:
    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto("/balance/add/")
        page.get_by_label("Another amount in USD").fill("12.50")
        page.get_by_role("button", name="Go to payment").click()
        page.get_by_role("link", name="Cancel and go back").click()
        expect(page.get_by_text("We are waiting for your payment of 12.50 USD.")).to_be_visible()

        payments.pay(str(Deposit.objects.get().reference))

        expect(page.get_by_text("12.50 USD is on your balance.")).to_be_visible(timeout=20_000)


def test_the_page_of_a_withdrawal_follows_it(open_browser: OpenBrowser, nora: User, payments: PaymentsSandbox) -> None:
    pay_in(nora, payments)
    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto("/balance/withdraw/")
        page.get_by_label("Amount in USD").fill("1e3")
        expect(page.locator("#amount-error")).to_contain_text("Write the amount in digits")
        page.get_by_label("Amount in USD").fill("20")
        expect(page.locator("#amount-error")).to_have_text("")
        expect(page.locator("#you-get")).to_have_text("20.00 USD")
        page.get_by_role("button", name="Confirm withdrawal").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Scheduled")

        withdrawal = Withdrawal.objects.get()
        send_due(withdrawal.send_at)

        expect(page.get_by_role("heading", level=1)).to_contain_text("Paid", timeout=20_000)  # it looks every 5 s
        expect(page.locator("#news")).to_contain_text("It was sent, and the payment processor confirmed it.")


def test_a_double_click_withdraws_and_pays_in_once(
    open_browser: OpenBrowser, nora: User, payments: PaymentsSandbox
) -> None:
    pay_in(nora, payments)
    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto("/balance/withdraw/?amount=20")
        page.get_by_role("button", name="Confirm withdrawal").dblclick()
        page.wait_for_url(re.compile(r"/balance/withdrawals/\d+/$"))
        page.goto("/balance/add/?amount=30")
        page.get_by_role("button", name="Go to payment").dblclick()
        page.wait_for_url(re.compile(r"/checkout/"))

    assert Withdrawal.objects.count() == 1
    assert Deposit.objects.filter(asked=30).count() == 1
