"""Times are shown on the reader's clock: a chosen zone, else the browser's, else the panel's. Promised days are not."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from panel.accounts import keys
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.web import dates
from tests.factories import AT, make_customer, make_service, make_staff, place_order, withdraw
from tests.notifications.letters import put, receipt
from tests.web import pages

pytestmark = pytest.mark.django_db

PAGE = "/settings/time-zone/"
FORGED = ["Mars/Olympus", "../../../etc/passwd", "Europe", "x" * 5000, "Europe/Berlin\\000", "%00", "'; DROP TABLE"]


def placed(client: Client, order_id: int) -> str:
    """Return when the order was placed, as its page says."""
    found = re.search(r"Placed (2 Nov 2026, \d\d:\d\d \S+)", pages.text(client.get(f"/orders/{order_id}/")))
    assert found
    return found[1]


def columns(person: User) -> dict[str, object]:
    return dict(User.objects.values().get(pk=person.pk))


@pytest.fixture
def order_id(ada: User) -> int:
    """An order that Ada placed at noon in UTC."""
    return place_order(ada, make_service(), at=AT).pk


def test_times_are_the_panels_until_something_better_is_known(
    browser: Client, order_id: int, settings: Settings
) -> None:
    assert placed(browser, order_id) == "2 Nov 2026, 12:00 UTC"

    settings.TIME_ZONE = "Asia/Tokyo"

    assert placed(browser, order_id) == "2 Nov 2026, 21:00 JST"


def test_the_browsers_own_zone_comes_before_the_panels_and_the_chosen_one_before_both(
    browser: Client, ada: User, order_id: int
) -> None:
    browser.cookies["time_zone"] = "America/Sao_Paulo"
    assert placed(browser, order_id) == "2 Nov 2026, 09:00 UTC-03:00"

    User.objects.filter(pk=ada.pk).update(time_zone="Europe/Berlin")

    assert placed(browser, order_id) == "2 Nov 2026, 13:00 CET"


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_cookie_counts_as_none(browser: Client, order_id: int, forged: str) -> None:
    browser.cookies["time_zone"] = forged

    assert placed(browser, order_id) == "2 Nov 2026, 12:00 UTC"


def test_a_stored_zone_that_is_no_longer_known_counts_as_none(browser: Client, ada: User, order_id: int) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="Atlantis/Capital")

    assert placed(browser, order_id) == "2 Nov 2026, 12:00 UTC"
    assert 'value="Atlantis/Capital" selected' in browser.get(PAGE).content.decode()


def test_choosing_a_zone_keeps_it_and_changes_nothing_else(browser: Client, ada: User) -> None:
    before = columns(ada)

    answer = browser.post(PAGE, {"time_zone": " Europe/Berlin "}, follow=True)

    assert "Your time zone is changed." in pages.text(answer)
    assert '<option value="Europe/Berlin" selected>Europe/Berlin</option>' in answer.content.decode()
    after = columns(ada)
    assert {name for name in after if after[name] != before[name]} == {"time_zone"}
    assert after["time_zone"] == "Europe/Berlin"
    browser.post(PAGE, {"time_zone": ""})
    assert User.objects.get(pk=ada.pk).time_zone == ""


@pytest.mark.parametrize("forged", [*FORGED, "a\0b", "\ud7ff"])
def test_refuses_what_is_no_zone_beside_the_field(browser: Client, ada: User, forged: str) -> None:
    answer = browser.post(PAGE, {"time_zone": forged})

    assert answer.status_code == 422
    assert pages.element(answer, "time_zone_error") == "Choose a time zone from the list."
    assert User.objects.get(pk=ada.pk).time_zone == ""


def test_an_old_name_that_the_browser_said_is_kept_and_shown(browser: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="Etc/GMT-1")

    page = browser.get(PAGE).content.decode()

    assert '<option value="Etc/GMT-1" selected>' in page
    assert page.count(" selected>") == 1


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    answer = client.post(PAGE, {"time_zone": "Europe/Berlin"})

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={PAGE}")


def test_the_page_is_linked_from_the_account_pages_and_has_no_script_of_its_own(browser: Client) -> None:
    assert PAGE in pages.links(browser.get("/accounts/password/change/"))
    page = browser.get(PAGE).content.decode()
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert any("web/time-zone.js" in attributes for attributes, _ in scripts)
    assert [inside for _, inside in scripts if inside.strip()] == []


@time_machine.travel(AT, tick=False)
def test_promised_days_stay_the_panels_and_only_the_clock_is_the_customers(ben: User, client: Client) -> None:
    before = pages.text(client.get(pages.path_of(withdraw(ben, "20"))))
    User.objects.filter(pk=ben.pk).update(time_zone="Pacific/Kiritimati")  # 14 hours ahead: tomorrow there

    after = pages.text(client.get(pages.path_of(withdraw(User.objects.get(pk=ben.pk), "10"))))

    promised = [re.findall(r"Sent by (.*?) in 5 business days", page) for page in (before, after)]
    assert promised == [["Monday, November 9"], ["Monday, November 9"]]
    assert "You can cancel until 13:00 UTC" in before
    assert "You can cancel until 03:00 UTC+14:00" in after
    assert "in the time zone UTC." in after
    letter = Email.objects.filter(template="withdrawal_scheduled").latest("pk")
    assert letter.context["cancel_until"] == "Tuesday, November 3, 2026, 03:00 UTC+14:00"
    assert letter.context["send_by"] == "Monday, November 9, 2026"


def test_staff_pages_stay_in_the_panels_zone(client: Client) -> None:
    grace = make_staff()
    User.objects.filter(pk=grace.pk).update(time_zone="Asia/Tokyo")
    put(receipt(make_customer()))  # written at noon in UTC
    client.force_login(grace)
    client.cookies["time_zone"] = "America/New_York"

    page = client.get("/admin/notifications/email/").content.decode()

    assert "2026-11-20 12:00:00" in page
    assert "2026-11-20 21:00:00" not in page


def test_a_zone_does_not_stay_behind_for_the_next_request_on_the_thread(browser: Client, order_id: int) -> None:
    browser.cookies["time_zone"] = "Asia/Tokyo"
    assert placed(browser, order_id) == "2 Nov 2026, 21:00 JST"

    assert timezone.get_current_timezone_name() == "UTC"
    timezone.activate("America/New_York")
    assert Client().get("/healthz").status_code == 200
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_api_answers_the_same_whatever_zone_its_owner_chose(client: Client, ada: User) -> None:
    secret = keys.create(user=ada)[1]
    asked = {"key": secret, "action": "balance"}
    before = client.post("/api/v2", asked).content
    User.objects.filter(pk=ada.pk).update(time_zone="Asia/Tokyo")
    client.cookies["time_zone"] = "../../etc/passwd"

    assert client.post("/api/v2", asked).content == before


def test_a_moment_of_today_is_today_by_the_readers_clock() -> None:
    shown, now = datetime(2026, 11, 23, 3, 30, tzinfo=UTC), datetime(2026, 11, 22, 22, 0, tzinfo=UTC)

    with timezone.override("America/New_York"):
        assert dates.moment(shown, at=now).words == "22:30 EST"
    with timezone.override("UTC"):
        assert dates.moment(shown, at=now).words == "Monday, November 23, 03:30 UTC"
