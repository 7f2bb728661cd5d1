"""A customer's page shows the latest sign-ins to those who may see customers, and nothing changes them."""

from datetime import timedelta

import pytest

from panel.accounts import sign_ins
from panel.accounts.models import SignInWay, User
from tests.admin.pages import clerk, detail, signed_in, text_of
from tests.factories import AT, make_customer

pytestmark = pytest.mark.django_db


def record(user: User, *, number: int) -> None:
    address, agent, at = f"203.0.113.{number}", f"Browser/{number}", AT + timedelta(hours=number)
    sign_ins.record(user=user, way=SignInWay.TOTP, address=address, user_agent=agent, at=at)


def test_shows_the_ten_latest_of_this_customer() -> None:
    ada, ben = make_customer("ada"), make_customer("ben")
    for number in range(101, 112):
        record(ada, number=number)
    record(ben, number=200)

    page = text_of(signed_in(clerk("accounts.view_user")).get(detail("accounts_user", ada.pk)))

    shown = [number for number in range(100, 256) if f"203.0.113.{number}" in page]
    assert shown == list(range(102, 112))
    assert page.index("203.0.113.111") < page.index("203.0.113.102")
    assert "Browser/111" in page
    assert "Password and authenticator app" in page


def test_what_a_browser_calls_itself_is_text() -> None:
    ada = make_customer("ada")
    sign_ins.record(user=ada, way=None, address=None, user_agent="<script>alert(1)</script>", at=AT)

    page = text_of(signed_in(clerk("accounts.view_user")).get(detail("accounts_user", ada.pk)))

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_who_may_not_see_customers_sees_no_sign_ins() -> None:
    ada = make_customer("ada")
    record(ada, number=101)

    answer = signed_in(clerk("orders.view_order")).get(detail("accounts_user", ada.pk))

    assert answer.status_code == 403
    assert "203.0.113.101" not in text_of(answer)
