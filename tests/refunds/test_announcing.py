"""Announcements of policies: one letter to each whom a version is for, whoever writes how many at a time."""

from datetime import timedelta

import pytest
from django.db import transaction

from panel.accounts.models import CustomerGroup, User
from panel.notifications.models import Email
from refunds import announcing, publishing
from refunds.models import PolicyAnnouncement, PolicyVersion
from tests.factories import AT, make_customer, make_staff, policies

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def agencies() -> CustomerGroup:
    return CustomerGroup.objects.create(slug="agencies", name="Agencies")


def for_agencies() -> str:
    return policies.LONGER_REVIEW.replace("\ntitle =", '\ncustomer_group = "agencies"\ntitle =', 1)


def announced(grace: User, text: str = policies.LONGER_REVIEW) -> PolicyVersion:
    """Publish a policy for tomorrow and ask for its announcement."""
    version = policies.publish(grace, make_staff("hiro"), text, start=LATER)
    with transaction.atomic():
        announcing.ask(version, staff=grace, at=AT)
    return version


def written_to() -> list[User | None]:
    return [letter.customer for letter in Email.objects.filter(template="policy_changes").order_by("customer")]


def test_each_customer_is_written_to_once_in_batches(grace: User) -> None:
    customers = [make_customer(name) for name in ("ada", "bea", "cora", "dora", "eva")]
    version = announced(grace)
    assert announcing.readers(version) == 5

    assert [announcing.carry_on(at=LATER, limit=2) for _ in range(4)] == [2, 2, 1, 0]

    assert written_to() == customers
    done = PolicyAnnouncement.objects.get()
    assert (done.written, done.finished_at, done.last_customer) == (5, LATER, customers[-1].pk)


def test_a_last_batch_that_is_full_is_followed_by_none(grace: User) -> None:
    customers = [make_customer(name) for name in ("ada", "bea")]
    announced(grace)

    assert [announcing.carry_on(at=LATER, limit=2) for _ in range(2)] == [2, 0]

    assert written_to() == customers
    assert PolicyAnnouncement.objects.get().finished_at == LATER


def test_staff_and_closed_accounts_are_not_written_to(grace: User) -> None:
    ada, gone = make_customer("ada"), make_customer("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    announced(grace)

    announcing.carry_on(at=LATER)

    assert written_to() == [ada]


def test_a_groups_version_goes_to_its_customers_only(grace: User, agencies: CustomerGroup) -> None:
    make_customer("ada")
    agency = make_customer("agency")
    User.objects.filter(pk=agency.pk).update(customer_group=agencies)
    version = announced(grace, for_agencies())

    announcing.carry_on(at=LATER)

    assert version.customer_group == agencies
    assert written_to() == [agency]


def test_a_general_version_goes_to_none_whose_group_has_its_own(grace: User, agencies: CustomerGroup) -> None:
    resellers = CustomerGroup.objects.create(slug="resellers", name="Resellers")
    ada, agency, reseller = (make_customer(name) for name in ("ada", "agency", "reseller"))
    User.objects.filter(pk=agency.pk).update(customer_group=agencies)
    User.objects.filter(pk=reseller.pk).update(customer_group=resellers)
    policies.publish(grace, make_staff("ida"), for_agencies(), start=AT)
    announced(grace)

    announcing.carry_on(at=LATER)

    assert written_to() == [ada, reseller]


def test_a_version_that_is_withdrawn_is_announced_no_further(grace: User) -> None:
    ada, _bea = make_customer("ada"), make_customer("bea")
    version = announced(grace)
    assert announcing.carry_on(at=AT, limit=1) == 1

    publishing.withdraw(version_id=version.pk, staff=grace, at=AT)

    assert announcing.carry_on(at=AT, limit=1) == 0
    assert written_to() == [ada]
    assert PolicyAnnouncement.objects.get().finished_at == AT


def test_the_letter_names_the_policy_and_where_its_changes_are(grace: User) -> None:
    ada = make_customer("ada")
    version = announced(grace)

    announcing.carry_on(at=AT)

    letter = Email.objects.get(customer=ada)
    assert letter.key == f"policy:{version.pk}:{ada.pk}"
    assert letter.context["title"] == "Money-back guarantee"
    assert letter.context["changes_url"].endswith(f"/refund-policy/{version.pk}/changes/")
    assert "2026-11-03" in letter.context["effective_from"] or "November" in letter.context["effective_from"]
