import re

import pytest
from django.test import Client
from django.utils import timezone

from panel.accounts import keys, suspension
from panel.accounts.models import ApiKey, User
from tests.factories import make_customer
from tests.web import pages

pytestmark = pytest.mark.django_db


def test_makes_a_key_and_shows_its_secret_this_once(browser: Client, ada: User) -> None:
    made = browser.post("/settings/api/", {"name": "shop"})
    found = re.search(r"mg_[\w-]{40,}", pages.text(made))

    assert found
    assert keys.authenticate(secret=found[0], at=timezone.now()) == ada
    assert "no-store" in made["Cache-Control"]
    later = pages.text(browser.get("/settings/api/"))
    assert found[0] not in later
    assert found[0][:12] in later
    assert "shop" in later


@pytest.mark.parametrize("name", ["x" * 61, "a\x00b", "a\x07b", "zero\u200bwidth"])
def test_refuses_a_bad_name_and_makes_nothing(browser: Client, name: str) -> None:
    response = browser.post("/settings/api/", {"name": name})

    assert response.status_code == 422
    assert "at most 60 characters that can be seen" in pages.text(response)
    assert not ApiKey.objects.exists()


def test_escapes_the_name(browser: Client) -> None:
    response = browser.post("/settings/api/", {"name": "<script>alert(1)</script>"})

    assert b"<script>alert" not in response.content


def test_revokes_after_a_confirmation(browser: Client, ada: User) -> None:
    key, secret = keys.create(user=ada, name="shop")

    asked = browser.get(f"/settings/api/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.is_active
    done = browser.post(f"/settings/api/{key.pk}/revoke/", follow=True)

    assert "This can't be undone" in pages.text(asked)
    assert "The key is revoked." in pages.text(done)
    with pytest.raises(keys.InvalidKey):
        keys.authenticate(secret=secret, at=timezone.now())


def test_another_customers_key_looks_like_none(browser: Client) -> None:
    foreign, secret = keys.create(user=make_customer("ben"))

    answers = [browser.get(f"/settings/api/{number}/revoke/") for number in (foreign.pk, 999_999)]
    answers += [browser.post(f"/settings/api/{number}/revoke/") for number in (foreign.pk, 999_999)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({pages.text(answer) for answer in answers}) == 1
    assert keys.authenticate(secret=secret, at=timezone.now())


def test_a_suspended_customer_reads_why_and_makes_no_key(browser: Client, ada: User) -> None:
    suspension.suspend(user=ada, reason="A payment is disputed.", at=timezone.now())

    page = pages.text(browser.get("/settings/api/"))
    response = browser.post("/settings/api/", {"name": "shop"})

    assert "no keys can be made: A payment is disputed." in page
    assert response.status_code == 403
    assert not ApiKey.objects.exists()


def test_names_the_real_address_of_the_api(browser: Client) -> None:
    assert "curl http://testserver/api/v2 -d key=YOUR_KEY" in pages.text(browser.get("/settings/api/"))
