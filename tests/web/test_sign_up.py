"""What is kept of people who sign up or in: when, where from and how; and nothing of those who do not get in."""

import re

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from panel.accounts import suspension
from panel.accounts.models import SignIn, User
from tests.factories import AT, make_customer, make_staff
from tests.web.people import PASSWORD, confirm

pytestmark = pytest.mark.django_db

EMAIL = "nora@example.net"
LONG_PASSWORD = "seven quiet lighthouses"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _no_attempts_counted() -> None:
    cache.clear()  # allauth counts attempts there


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - needs the database
    """A customer who may sign in."""
    ada = make_customer("ada")
    confirm(ada)
    return ada


def kept() -> list[tuple[str, str, str | None]]:
    rows = SignIn.objects.order_by("id").values_list("user__email", "way", "address")
    return [(str(email), str(way), address) for email, way, address in rows]


def sign_in(client: Client, user: User, password: str = PASSWORD, **sent: str) -> None:
    given = {"login": user.email, "password": password}
    client.post("/accounts/login/", given, headers={"User-Agent": FIREFOX, **sent}, REMOTE_ADDR="203.0.113.7")


def test_keeps_a_sign_in_by_password(client: Client, ada: User) -> None:
    sign_in(client, ada)

    assert kept() == [(ada.email, "password", "203.0.113.7")]
    assert SignIn.objects.get().user_agent == FIREFOX


def test_keeps_the_sign_up_and_then_the_first_sign_in(client: Client) -> None:
    client.post("/accounts/signup/", {"email": EMAIL, "password1": LONG_PASSWORD}, REMOTE_ADDR="2001:db8::7")
    found = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    client.post(found[1])

    sign_in(client, User.objects.get(), LONG_PASSWORD)

    assert kept() == [(EMAIL, "sign_up", "2001:db8::7"), (EMAIL, "password", "203.0.113.7")]


def test_keeps_nothing_of_those_who_do_not_get_in(client: Client, ada: User) -> None:
    idle = make_customer("idle")
    confirm(idle)
    User.objects.filter(pk=idle.pk).update(is_active=False)

    sign_in(client, ada, "wrong")
    sign_in(client, idle)
    sign_in(client, make_customer("unconfirmed"))
    client.post("/accounts/signup/", {"email": ada.email, "password1": LONG_PASSWORD})

    assert kept() == []


def test_a_password_alone_is_no_sign_in_where_a_second_factor_is_asked_for(client: Client, ada: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ada, secret)
    codes = RecoveryCodes.activate(ada).get_unused_codes()

    sign_in(client, ada)
    assert kept() == []
    counter = next(yield_hotp_counters_from_time())
    client.post("/accounts/2fa/authenticate/", {"code": format_hotp_value(hotp_value(secret, counter))})
    client.post("/accounts/logout/")
    sign_in(client, ada)
    client.post("/accounts/2fa/authenticate/", {"code": codes[0]})

    assert [way for _, way, _ in kept()] == ["totp", "recovery_codes"]


def test_staff_and_suspended_customers_sign_in_like_all_others(client: Client, ada: User) -> None:
    suspension.suspend(user=ada, reason="A payment is disputed.", at=AT)
    grace = make_staff()
    confirm(grace)

    sign_in(client, ada)
    client.post("/accounts/logout/")
    sign_in(client, grace)

    assert [email for email, _, _ in kept()] == [ada.email, grace.email]


def test_believes_the_header_of_a_proxy_that_is_ours_and_of_nobody_else(
    client: Client, ada: User, settings: Settings
) -> None:
    claimed = {"X-Forwarded-For": "192.0.2.66, 198.51.100.1"}

    sign_in(client, ada, **claimed)
    client.post("/accounts/logout/")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    sign_in(client, ada, **claimed)

    assert [address for _, _, address in kept()] == ["203.0.113.7", "198.51.100.1"]


def test_no_log_holds_an_address(client: Client, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    sign_in(client, ada)

    logged = str([vars(line) for line in caplog.records])
    assert "/accounts/login/" in logged
    assert "203.0.113.7" not in logged
