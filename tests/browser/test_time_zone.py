"""The browser says its own time zone, and suggests it where one is chosen."""

import pytest
from playwright.sync_api import expect

from panel.accounts.models import User
from tests.browser.conftest import OpenBrowser
from tests.browser.test_fit import LOW_CONTRAST, overhang, unnamed_fields
from tests.browser.test_journey import sign_in
from tests.factories import AT, make_customer, make_service, place_order
from tests.web.people import PASSWORD, confirm

pytestmark = pytest.mark.django_db(transaction=True)


def test_pages_follow_the_browsers_clock_and_then_the_chosen_zone(
    open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    nora = make_customer("nora", funds="20")
    confirm(nora)
    order = place_order(nora, make_service(), at=AT)

    with open_browser() as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto(f"/orders/{order.pk}/")
        expect(page.get_by_role("main")).to_contain_text("2 Nov 2026, 07:00 EST")

        page.goto("/settings/time-zone/")
        expect(page.locator("#time-zone-suggestion")).to_contain_text("Your browser says America/New York.")
        page.get_by_role("button", name="Choose it").click()
        expect(page.get_by_label("Your time zone")).to_have_value("America/New_York")
        page.get_by_label("Your time zone").select_option("Europe/Berlin")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Your time zone is changed.")
        page.goto(f"/orders/{order.pk}/")
        expect(page.get_by_role("main")).to_contain_text("2 Nov 2026, 13:00 CET")

    assert User.objects.get(pk=nora.pk).time_zone == "Europe/Berlin"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_a_phone_and_works_without_scripts(open_browser: OpenBrowser, *, dark: bool) -> None:
    nora = make_customer("nora")
    confirm(nora)

    with open_browser(width=360, dark=dark) as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto("/settings/time-zone/")
        assert overhang(page) == 0
        assert unnamed_fields(page) == []
        assert page.evaluate(LOW_CONTRAST) == []
    with open_browser(width=375, scripts=False) as page:
        sign_in(page, nora.email, PASSWORD)
        page.goto("/settings/time-zone/")
        expect(page.locator("#time-zone-suggestion")).to_be_hidden()
        page.get_by_label("Your time zone").select_option("Asia/Tokyo")
        page.get_by_role("button", name="Save").click()

    assert User.objects.get(pk=nora.pk).time_zone == "Asia/Tokyo"
