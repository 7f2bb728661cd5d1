"""What customers and visitors read about the refund policy: now, before, and to come."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from panel.accounts.models import CustomerGroup, User
from refunds import publishing
from refunds.models import PolicyVersion
from tests.factories import AT, make_customer, make_staff, place_order, policies
from tests.factories.catalog import make_service
from tests.web import pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> tuple[User, User]:
    return make_staff("grace"), make_staff("hiro")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@time_machine.travel(AT)
def test_the_page_lists_its_versions_with_their_dates_and_links(client: Client, people: tuple[User, User]) -> None:
    second = policies.publish(*people)
    first = PolicyVersion.objects.get(number=1)

    page = client.get("/refund-policy/")

    said = pages.text(page)
    assert "Versions of this policy" in said
    assert "1 Jan 2020, 00:00 UTC" in said
    assert "2 Nov 2026, 12:00 UTC in force" in said
    assert {f"/refund-policy/{first.pk}/", f"/refund-policy/{second.pk}/changes/"} <= set(pages.links(page))


@time_machine.travel(AT)
def test_what_changed_is_told_in_rules_figures_and_words(client: Client, people: tuple[User, User]) -> None:
    text = policies.shipped(
        "money-back-guarantee",
        ("hours = [24, 48]", "hours = [24, 96]"),
        ('summary = "What we', 'summary = "All that we'),
        (
            'when.cause = ["invalid_target", "dropped", "platform_delay", "terms_violation"]',
            'when.cause = ["invalid_target", "platform_delay", "terms_violation"]',
        ),
        ('status = "completed", cause = "dropped"', 'status = "completed", cause = "invalid_target"'),  # its example
        ('refund = "full", approval = "review"', 'refund = "undelivered", approval = "review"'),
        ('refund = "3.21", approval = "review"', 'refund = "0", approval = "review"'),  # its example
    )
    version = policies.publish(*people, text)

    page = client.get(f"/refund-policy/{version.pk}/changes/")

    said = pages.text(page)
    assert (
        "You report that what was delivered went away Before A person looks at it. Now No refund. less for you" in said
    )
    assert "Order: completed Cause: dropped later" in said
    assert "Everything, after review Now The undelivered part, after review less for you" in said
    assert "Now Nothing less" not in said  # of what was all delivered, the undelivered part is as much
    assert "Hours until a person answers Before 24 to 48 Now 24 to 96" in said
    content = page.content.decode()
    assert "<del>What</del> <ins>All that</ins> we don&#x27;t deliver" in content
    assert "{hours}" not in content


@time_machine.travel(AT)
def test_customers_read_of_cases_as_they_meet_them_and_nothing_of_suspicion(
    client: Client, people: tuple[User, User]
) -> None:
    version = policies.publish(*people, policies.shipped("panel-credit-only"))

    page = client.get(f"/refund-policy/{version.pk}/changes/")

    said = pages.text(page).partition("Words that change")[0]
    cases = ["You cancel while it is pending", "It is delivered only in part", "You report that less was delivered"]
    assert sorted(cases, key=said.index) == cases
    assert "Full refund to your balance. Now This can't be done. less for you" in said
    assert "The 20 rules that stand for most, and 29 more for rarer cases" in said
    assert said.count("Order:") <= 20
    for word in ("flagged", "suspected", "in good standing"):
        assert word not in said


@time_machine.travel(AT)
def test_figures_are_told_in_words_with_their_currency(client: Client, people: tuple[User, User]) -> None:
    text = policies.shipped(
        "money-back-guarantee",
        ('minimum = "5.00"', 'minimum = "8"'),
        ('on_loss = "staff_decides"', 'on_loss = "ban"'),
        ('cancel_requests = ["processing", "in_progress"]', 'cancel_requests = ["processing"]'),
    )
    version = policies.publish(*people, text)

    said = pages.text(client.get(f"/refund-policy/{version.pk}/changes/"))

    assert "paid out Before 5.00 USD Now 8.00 USD" in said
    assert "lost Before A person decides about your account Now Your account is closed for good" in said
    assert "Before While it is processing or in progress Now While it is processing" in said
    assert "staff_decides" not in said
    assert "in_progress" not in said


@time_machine.travel(AT)
def test_limits_that_staff_keep_to_themselves_are_not_told(client: Client, people: tuple[User, User]) -> None:
    version = policies.publish(*people, policies.shipped("money-back-guarantee", ("same_link = 3", "same_link = 7")))

    said = pages.text(client.get(f"/refund-policy/{version.pk}/changes/"))

    assert "Nothing that you could notice" in said
    assert "same_link" not in said


def test_the_first_version_has_nothing_to_compare_with(client: Client) -> None:
    version = PolicyVersion.objects.get()

    assert "nothing to compare it with" in pages.text(client.get(f"/refund-policy/{version.pk}/changes/"))


@time_machine.travel(AT)
def test_a_version_to_come_is_readable_and_says_from_when_it_counts(client: Client, people: tuple[User, User]) -> None:
    coming = policies.publish(*people, start=AT + timedelta(days=3))

    said = pages.text(client.get(f"/refund-policy/{coming.pk}/"))

    assert "This version is not in force yet." in said
    assert "counts for orders placed from 5 Nov 2026, 12:00 UTC" in said
    assert "Version 1" in pages.text(client.get("/refund-policy/"))


@time_machine.travel(AT)
def test_a_withdrawn_version_is_nobodys_to_read(client: Client, people: tuple[User, User]) -> None:
    coming = policies.publish(*people, start=AT + timedelta(days=3))
    publishing.withdraw(version_id=coming.pk, staff=people[0], at=AT)

    assert client.get(f"/refund-policy/{coming.pk}/").status_code == 404
    assert client.get(f"/refund-policy/{coming.pk}/changes/").status_code == 404
    assert "Versions of this policy" not in pages.text(client.get("/refund-policy/"))


def test_who_ordered_under_a_version_reads_it_though_it_was_withdrawn(people: tuple[User, User]) -> None:
    ada, ben = make_customer("ada", funds="100"), make_customer("ben")
    version = policies.publish(*people, start=AT)
    place_order(ada, make_service(), at=AT)
    PolicyVersion.objects.filter(pk=version.pk).update(withdrawn_at=AT - timedelta(seconds=1), withdrawn_by=people[0])
    page = f"/refund-policy/{version.pk}/"

    assert "Within 24 to 96 hours we check" in pages.text(signed_in(ada).get(page))
    assert [signed_in(reader).get(page).status_code for reader in (ben, people[0])] == [404, 404]


@time_machine.travel(AT)
def test_a_group_reads_its_own_policy_and_nobody_else_does(client: Client, people: tuple[User, User]) -> None:
    agencies = CustomerGroup.objects.create(slug="agencies", name="Agencies")
    ada, ben, cleo = make_customer("ada"), make_customer("ben"), make_customer("cleo", funds="100")
    for customer in (ada, cleo):
        customer.customer_group = agencies
        customer.save(update_fields=["customer_group"])
    text = policies.shipped(
        "money-back-guarantee",
        ('slug = "money-back-guarantee"', 'slug = "agency-terms"\ncustomer_group = "agencies"'),
        ('title = "Money-back guarantee"', 'title = "Agency terms"'),
    )
    version = policies.publish(*people, text)
    place_order(cleo, make_service())
    cleo.customer_group = None
    cleo.save(update_fields=["customer_group"])
    page = f"/refund-policy/{version.pk}/"

    assert "Agency terms" in pages.text(signed_in(ada).get("/refund-policy/"))
    assert "for customers of the group Agencies" in pages.text(signed_in(ada).get(page))
    assert "Agency terms" not in pages.text(signed_in(ben).get("/refund-policy/"))
    assert "Agency terms" not in pages.text(client.get("/refund-policy/"))
    assert [signed_in(ben).get(page).status_code, client.get(page).status_code] == [404, 404]
    assert signed_in(cleo).get(page).status_code == 200  # an order of hers is judged by it
    assert signed_in(people[0]).get(page).status_code == 200


def test_a_preview_is_for_staff_who_may_see_drafts(client: Client, people: tuple[User, User]) -> None:
    draft = policies.draft(people[0])
    page = f"/refund-policy/drafts/{draft.pk}/"

    preview = pages.text(signed_in(people[1]).get(page))

    assert "Preview for staff." in preview
    assert "Within 24 to 96 hours we check" in preview
    assert client.get(page)["Location"].startswith("/accounts/login/")
    assert signed_in(make_customer("ada")).get(page).status_code == 404
    assert signed_in(make_staff("ivy", "Agent")).get(page).status_code == 404
    assert signed_in(make_staff("mona", "Manager")).get(page).status_code == 200
    assert signed_in(people[0]).get("/refund-policy/drafts/999999/").status_code == 404


def test_a_preview_of_a_document_with_mistakes_says_so(people: tuple[User, User]) -> None:
    draft = policies.draft(people[0], "nonsense")

    page = signed_in(people[0]).get(f"/refund-policy/drafts/{draft.pk}/")

    assert "there is no page to show" in pages.text(page)
