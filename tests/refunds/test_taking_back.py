"""A version that was announced and is withdrawn: who has a letter gets a second one, and its addresses say so."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from panel.accounts.models import User
from panel.notifications.models import Email
from refunds import announcing, publishing, taking_back
from refunds.models import PolicyAnnouncement, PolicyVersion
from tests.admin.pages import action, detail, signed_in, submit
from tests.factories import AT, make_customer, make_staff, policies
from tests.web import pages

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def announced(grace: User) -> PolicyVersion:
    """A version for tomorrow of which two of three customers have a letter."""
    for name in ("ada", "away", "bea", "cora"):
        make_customer(name)
    User.objects.filter(email__startswith="away").update(is_active=False)
    version = policies.publish(grace, make_staff("hiro"), start=LATER)
    with transaction.atomic():
        announcing.ask(version, staff=grace, at=AT)
    assert announcing.carry_on(at=AT, limit=2) == 2
    return version


def told_of_the_withdrawal() -> list[str]:
    letters = Email.objects.filter(template="policy_withdrawn").order_by("customer")
    return [letter.customer.email.partition("-")[0] for letter in letters if letter.customer]


def test_those_who_have_a_letter_get_a_second_one_once_each(announced: PolicyVersion, grace: User) -> None:
    publishing.withdraw(version_id=announced.pk, staff=grace, at=AT)

    assert [taking_back.carry_on(at=AT, limit=1) for _ in range(5)] == [1, 1, 1, 1, 0]
    announcing.carry_on(at=AT)
    assert taking_back.carry_on(at=AT) == 0

    assert told_of_the_withdrawal() == ["ada", "bea"]
    assert Email.objects.filter(template="policy_changes").count() == 2
    assert PolicyAnnouncement.objects.get().taken_back == 2


def test_nobody_is_told_while_the_version_stands(announced: PolicyVersion) -> None:
    assert taking_back.carry_on(at=AT) == 0

    assert told_of_the_withdrawal() == []
    assert announced.withdrawn_at is None


def test_who_has_no_letter_gets_no_second_one(announced: PolicyVersion, grace: User) -> None:
    User.objects.filter(email__startswith="away").update(is_active=True)
    publishing.withdraw(version_id=announced.pk, staff=grace, at=AT)

    assert [taking_back.carry_on(at=AT) for _ in range(2)] == [2, 0]

    assert told_of_the_withdrawal() == ["ada", "bea"]


@time_machine.travel(AT)
def test_addresses_in_letters_say_that_it_never_counted(client: Client, announced: PolicyVersion, grace: User) -> None:
    publishing.withdraw(version_id=announced.pk, staff=grace, at=AT)

    for address in (f"/refund-policy/{announced.pk}/", f"/refund-policy/{announced.pk}/changes/"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "It never counted for any order, and never will." in pages.text(answer)


@time_machine.travel(AT)
def test_the_staff_pages_say_how_many_letters_are_out_and_link_to_no_page(
    announced: PolicyVersion, grace: User
) -> None:
    staff = signed_in(grace)

    asked = pages.text(staff.get(action("refunds_policyversion", "withdraw", announced.pk)))
    submit(staff, action("refunds_policyversion", "withdraw", announced.pk))
    taking_back.carry_on(at=AT)
    shown = staff.get(detail("refunds_policyversion", announced.pk))

    assert "2 letters about it are out: who has one is written to that it is withdrawn" in asked
    assert "2 letters written so far, 2 of its withdrawal" in pages.text(shown)
    assert f"/refund-policy/{announced.pk}/" not in pages.links(shown)
