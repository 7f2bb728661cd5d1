import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from panel.accounts import blocklist, suspension
from panel.accounts.models import User
from tests.factories import AT, make_customer, make_staff
from tests.web import pages
from tests.web.people import confirm, sign_in

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "nora@example.net", "seven quiet lighthouses"


@pytest.fixture(autouse=True)
def _no_attempts_counted() -> None:
    cache.clear()  # allauth counts attempts there


def _block(email: str, customer: User | None = None) -> None:
    with transaction.atomic():
        blocklist.block(
            [blocklist.of_email(email)], customer=customer or make_customer(), reason="Lost.", dispute_ref=7, at=AT
        )


def _sign_up(client: Client) -> str:
    """Sign up and return the link of the e-mail."""
    client.post("/accounts/signup/", {"email": EMAIL, "password1": PASSWORD})
    found = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_signs_up_confirms_and_signs_in(client: Client) -> None:
    link = _sign_up(client)
    assert client.get("/orders/").status_code == 302

    client.post(link)
    signed_in = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})

    assert signed_in["Location"] == "/orders/"
    assert client.get("/orders/").status_code == 200
    assert User.objects.get().email == EMAIL


def test_following_the_link_alone_confirms_nothing(client: Client) -> None:
    link = _sign_up(client)

    page = client.get(link)

    assert "Is nora@example.net your address?" in pages.text(page)
    assert not EmailAddress.objects.get().verified


def test_an_unconfirmed_address_does_not_sign_in_and_is_written_to(client: Client) -> None:
    _sign_up(client)
    cache.clear()

    response = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})

    assert response["Location"] == "/accounts/confirm-email/"
    assert client.get("/orders/").status_code == 302
    assert len(mail.outbox) == 2


def test_e_mails_carry_the_panels_name_and_address_and_no_leftovers(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    _sign_up(client)
    client.post("/accounts/password/reset/", {"email": ada.email})
    client.post("/accounts/password/reset/", {"email": "nobody@example.net"})
    client.post("/accounts/signup/", {"email": ada.email, "password1": PASSWORD})

    assert [message.subject for message in mail.outbox] == [
        "Makegood: Confirm your e-mail address",
        "Makegood: Set a new password",
        "Makegood: No account with this address",
        "Makegood: You have an account already",
    ]
    for message in mail.outbox:
        body = str(message.body)
        assert body.endswith("Makegood\ntestserver")
        assert "http://testserver/accounts/" in body
        assert "example.com" not in body.replace(ada.email, "")
        assert "None" not in body


def test_sets_a_new_password_by_e_mail(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    client.post("/accounts/password/reset/", {"email": ada.email})
    found = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found

    form = client.get(found[1], follow=True)
    client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    signed_in = client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert signed_in["Location"] == "/orders/"
    assert "this was changed in your account at Makegood" in str(mail.outbox[-1].body)


@pytest.mark.parametrize("password", ["", "short", "password1234", "1234567890123", "nora@example.net"])
def test_refuses_a_weak_password_beside_its_field(client: Client, password: str) -> None:
    response = client.post("/accounts/signup/", {"email": EMAIL, "password1": password})

    assert response.status_code == 200
    assert pages.element(response, "id_password1_error")
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["", "nonsense", "a\x00b@example.net", "x" * 300 + "@example.net"])
def test_refuses_a_bad_address_beside_its_field(client: Client, email: str) -> None:
    response = client.post("/accounts/signup/", {"email": email, "password1": PASSWORD})

    assert response.status_code == 200
    assert pages.element(response, "id_email_error")
    assert not User.objects.exists()


@pytest.mark.parametrize("spelled", [EMAIL, "Nora+again@Example.net"])
def test_refuses_a_blocked_address_and_names_support(client: Client, spelled: str) -> None:
    _block(EMAIL)

    response = client.post("/accounts/signup/", {"email": spelled, "password1": PASSWORD})

    assert pages.element(response, "id_email_error") == (
        "This e-mail address can't be used here. If you think that this is a mistake,"
        f" write to {settings.SUPPORT_EMAIL}."
    )
    assert not User.objects.filter(email__startswith="nora").exists()
    assert mail.outbox == []


def test_nobody_changes_to_a_blocked_address(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    sign_in(client, ada)
    _block(EMAIL)

    response = client.post("/accounts/email/", {"email": EMAIL, "action_add": ""})

    assert "This e-mail address can't be used here." in pages.text(response)
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [ada.email]
    assert mail.outbox == []


def test_a_banned_customer_signs_in_and_sets_a_new_password(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    _block(ada.email, ada)
    suspension.suspend(user=ada, reason="A dispute was lost.", at=AT)

    client.post("/accounts/password/reset/", {"email": ada.email})
    sign_in(client, ada)

    assert [message.subject for message in mail.outbox] == ["Makegood: Set a new password"]
    assert "Your account is suspended. A dispute was lost." in pages.text(client.get("/orders/"))


def test_a_wrong_password_says_nothing_about_the_account(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)

    wrong = client.post("/accounts/login/", {"login": ada.email, "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "nobody@example.net", "password": "wrong"})

    assert "not correct" in pages.text(wrong)
    assert pages.text(wrong) == pages.text(unknown)


def test_signs_out_by_post_only(browser: Client) -> None:
    asked = browser.get("/accounts/logout/")
    assert asked.status_code == 200
    assert browser.get("/orders/").status_code == 200

    done = browser.post("/accounts/logout/")

    assert done["Location"] == "/"
    assert browser.get("/orders/").status_code == 302


def test_a_new_address_counts_once_it_is_confirmed(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    old = ada.email
    sign_in(client, ada)

    client.post("/accounts/email/", {"email": EMAIL, "action_add": ""})
    waiting = pages.text(client.get("/accounts/email/"))
    ada.refresh_from_db()
    assert ada.email == old
    found = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    client.post(found[1])

    ada.refresh_from_db()
    assert f"{EMAIL} waits to be confirmed" in waiting
    assert ada.email == EMAIL


def test_two_factor_sign_in_by_app_and_recovery_code(client: Client) -> None:
    ada = make_customer("ada")
    confirm(ada)
    sign_in(client, ada)
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    counter = next(yield_hotp_counters_from_time())
    client.post("/accounts/2fa/totp/activate/", {"code": format_hotp_value(hotp_value(secret, counter))})
    codes = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    client.post("/accounts/logout/")

    asked = client.post("/accounts/login/", {"login": ada.email, "password": "a long passphrase"}, follow=True)
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    done = client.post("/accounts/2fa/authenticate/", {"code": codes[0]})

    assert "QR code" in page.content.decode()
    assert "protected by two-factor authentication" in pages.text(asked)
    assert wrong.status_code == 200
    assert done["Location"] == "/orders/"
    assert Authenticator.objects.filter(user=ada).count() == 2
    assert "protected" not in pages.text(client.get("/orders/"))


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/done/",
        "/accounts/password/reset/key/1-nonsense/",
        "/accounts/confirm-email/",
        "/accounts/confirm-email/nonsense/",
        "/accounts/inactive/",
    ],
)
def test_pages_of_a_visitor_are_in_our_layout(client: Client, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 200
    assert "Genuine marketing services only" in pages.text(response)
    assert response.content.count(b"<h1") == 1


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/email/",
        "/accounts/logout/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/2fa/recovery-codes/generate/",
    ],
)
def test_pages_of_a_customer_are_in_our_layout(client: Client, address: str) -> None:
    ada = make_customer("ada")
    confirm(ada)
    sign_in(client, ada)

    response = client.get(address)

    assert response.status_code == 200
    assert "Genuine marketing services only" in pages.text(response)
    assert b" style=" not in response.content
    assert b"onclick=" not in response.content


def test_a_suspended_customer_reads_why_on_every_page(browser: Client, ada: User) -> None:
    suspension.suspend(user=ada, reason="A payment is disputed <b>now</b>.", at=AT)

    for address in ("/", "/orders/", "/balance/", "/orders/new/", "/settings/api/", "/accounts/email/", "/nowhere/"):
        page = browser.get(address)
        assert "Your account is suspended. A payment is disputed <b>now</b>." in pages.text(page)
        assert b"<b>now</b>" not in page.content


def test_only_staff_see_the_way_to_the_staff_pages(browser: Client, client: Client) -> None:
    assert "/admin/" not in pages.links(browser.get("/"))

    client.force_login(make_staff())

    assert "/admin/" in pages.links(client.get("/"))
