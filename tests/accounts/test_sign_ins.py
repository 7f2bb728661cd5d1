"""Sign-ins are kept as they were and for good."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from panel.accounts import sign_ins
from panel.accounts.models import SignIn, SignInWay, User
from tests.factories import AT, make_customer

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def record(user: User, *, address: str | None = "2001:db8::7", user_agent: str = FIREFOX) -> SignIn:
    return sign_ins.record(user=user, way=SignInWay.TOTP, address=address, user_agent=user_agent, at=AT)


def test_keeps_who_when_where_from_and_how() -> None:
    ada = make_customer("ada")

    record(ada)

    kept = SignIn.objects.get()
    assert (kept.user, kept.at, kept.address) == (ada, AT, "2001:db8::7")
    assert (kept.user_agent, kept.way) == (FIREFOX, "totp")


def test_keeps_a_sign_in_of_which_little_is_known() -> None:
    kept = sign_ins.record(user=make_customer("ada"), way=None, address=None, user_agent="", at=AT)

    kept.refresh_from_db()
    assert (kept.address, kept.user_agent, kept.way) == (None, "", "")


def test_cuts_off_a_long_browser_name_and_leaves_out_what_can_not_be_printed() -> None:
    kept = record(make_customer("ada"), user_agent="a\x00b\x07c" + "d" * 300)

    assert kept.user_agent == "abc" + "d" * 197


def test_is_neither_changed_nor_deleted() -> None:
    kept = record(make_customer("ada"))

    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        SignIn.objects.filter(pk=kept.pk).update(address="203.0.113.7")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        SignIn.objects.filter(pk=kept.pk).delete()

    kept.refresh_from_db()
    assert kept.address == "2001:db8::7"


def test_the_database_knows_the_ways() -> None:
    with pytest.raises(IntegrityError, match="sign_in_way_known"), transaction.atomic():
        SignIn.objects.create(user=make_customer("ada"), at=AT, way="window")

    assert not SignIn.objects.exists()
