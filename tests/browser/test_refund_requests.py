"""Asking for a refund in a real browser: the quote follows the cause, and the page of the request follows the desk."""

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from orders.models import Cause
from panel.accounts.models import User
from refunds.desk import deciding, talking
from refunds.models import RefundFile, RefundRequest, RequestState
from tests.browser.conftest import OpenBrowser
from tests.browser.test_fit import LOW_CONTRAST, overhang, unnamed_fields
from tests.browser.test_journey import sign_in
from tests.factories import make_customer, make_service, make_staff, place_order
from tests.factories.desk import ask_for_refund, order_in_review, partly_delivered, started
from tests.web.asking import png
from tests.web.people import PASSWORD, confirm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nora(db: None) -> User:  # noqa: ARG001 - needs the database
    nora = make_customer("nora", funds="200")
    confirm(nora)
    return nora


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "screen.png"
    path.write_bytes(png())
    return path


def _quote(page: Page, cause: str, *, scripts: bool) -> None:
    page.get_by_label(cause).check()
    if not scripts:
        page.get_by_role("button", name="See what the policy says").click()


@pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (375, True), (375, False)], ids=["desk", "phone", "plain"]
)
def test_reads_the_quote_asks_writes_and_takes_it_back(
    open_browser: OpenBrowser, nora: User, picture: Path, *, width: int, scripts: bool
) -> None:
    order = started(nora, remains=400)
    with open_browser(width=width, scripts=scripts) as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto(f"/orders/{order.pk}/")
        page.get_by_role("link", name="Request a refund").first.click()
        _quote(page, "I don't want it any more", scripts=scripts)
        expect(page.locator("#quote")).to_contain_text("No refund.")
        expect(page.get_by_role("button", name="Send it anyway")).to_be_visible()
        _quote(page, "It takes too long", scripts=scripts)
        expect(page.locator("#you-get")).to_have_text("4.00 USD")
        expect(page.locator("#quote")).to_contain_text("between")
        expect(page.locator("#quote")).to_contain_text("Money-back guarantee, version 1")
        page.get_by_label("What happened?").fill("Nothing since a week.")
        page.get_by_label("Pictures or PDFs").set_input_files(picture)
        page.get_by_role("button", name="Send the request").dblclick()

        expect(page.get_by_role("heading", level=1)).to_contain_text("Waiting for us")
        with page.expect_download() as download:
            page.get_by_role("link", name="screen.png").click()
        assert download.value.path().read_bytes() == picture.read_bytes()
        page.get_by_label("Add a message").fill("Are you there?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".timeline")).to_contain_text("Are you there?")
        page.get_by_text("Do you need an answer sooner?").click()
        page.get_by_label("Why it is urgent").fill("The launch is on Friday.")
        page.get_by_role("button", name="Ask for an earlier answer").click()
        expect(page.locator(".timeline")).to_contain_text("You asked for an earlier answer")
        page.get_by_role("link", name="Take the request back").click()
        page.get_by_role("button", name="Yes, take it back").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Taken back")

    request = RefundRequest.objects.get()
    assert (request.state, request.cause) == (RequestState.WITHDRAWN, Cause.PLATFORM_DELAY)
    assert RefundFile.objects.filter(request=request).count() == 1


def test_the_quote_follows_the_arrow_keys(open_browser: OpenBrowser, nora: User) -> None:
    order = started(nora, remains=400)
    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto(f"/refunds/new/?order={order.pk}")
        page.get_by_label("An error of the panel").focus()
        page.keyboard.press("Space")
        expect(page.locator("#you-get")).to_have_text("4.00 USD")
        page.keyboard.press("ArrowDown")
        expect(page.get_by_label("I don't want it any more")).to_be_focused()
        expect(page.locator("#quote")).to_contain_text("No refund.")
        page.keyboard.press("ArrowUp")
        expect(page.locator("#you-get")).to_have_text("4.00 USD")


def test_the_page_follows_the_desk_and_keeps_what_is_being_written(open_browser: OpenBrowser, nora: User) -> None:
    request = ask_for_refund(started(nora, remains=400), Cause.PLATFORM_DELAY, at=timezone.now())
    hiro = make_staff("hiro")
    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto(f"/refunds/{request.pk}/")
        page.get_by_label("Add a message").fill("Half a sent")
        talking.ask(request_id=request.pk, staff=hiro, question="Which post?", at=timezone.now())
        expect(page.locator(".timeline")).to_contain_text("Which post?", timeout=20_000)
        expect(page.locator("#news")).to_contain_text("Waiting for you")
        expect(page.locator("#text")).to_have_value("Half a sent")

        deciding.decline(
            request_id=request.pk, staff=hiro, clause=request.clause, note="All is there.", at=timezone.now()
        )

        expect(page.get_by_role("heading", level=1)).to_contain_text("Declined", timeout=20_000)
        expect(page.locator("#text")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(320, False), (375, True), (768, False), (970, False)])
def test_the_pages_fit_are_named_and_can_be_read(
    open_browser: OpenBrowser, nora: User, *, width: int, dark: bool
) -> None:
    place_order(nora, make_service())
    asked = ask_for_refund(
        partly_delivered(nora), Cause.DROPPED, description="x" * 900, at=timezone.now().replace(microsecond=0)
    )
    reviewed = order_in_review(nora)
    addresses = [
        "/refunds/",
        "/refunds/new/",
        *[f"/refunds/{request.pk}/" for request in (asked, reviewed)],
        f"/refunds/{asked.pk}/withdraw/",
        *[f"/orders/{request.order_id}/" for request in (asked, reviewed)],
        f"/refunds/new/?order={started(nora).pk}&cause=change_of_mind",
        f"/refunds/new/?order={started(nora, remains=400).pk}&cause=platform_delay",
    ]

    with open_browser(width=width, dark=dark) as page:
        sign_in(page, nora.email, PASSWORD)
        found = {}
        for address in addresses:
            page.goto(address)
            faults = [unnamed_fields(page), page.evaluate(LOW_CONTRAST), max(overhang(page), 0)]
            found[address] = [fault for fault in faults if fault]
            assert page.locator("h1").count() == 1

    assert {address: faults for address, faults in found.items() if faults} == {}
