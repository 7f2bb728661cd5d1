import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from panel.accounts.models import Standing, User
from refunds.models import PolicyVersion
from tests.factories import make_package, make_service
from tests.web import pages

pytestmark = pytest.mark.django_db


def test_shows_a_visitor_services_with_price_limits_and_flags(client: Client) -> None:
    make_service(rate="2.50", allows_cancel=True, allows_refill=True)
    make_package(rate="49", units=1000)

    said = pages.text(client.get("/"))

    assert "2.50 USD per 1,000" in said
    assert "10 to 100,000 units" in said
    assert "Can be canceled while running" in said
    assert "Refill" in said
    assert "49.00 USD per package" in said


def test_links_every_service_to_its_order_form(client: Client) -> None:
    service = make_service()

    assert f"/orders/new/?service={service.pk}" in pages.links(client.get("/"))


def test_hides_what_is_not_sold(client: Client) -> None:
    hidden = make_service(is_active=False)

    assert hidden.name not in pages.text(client.get("/"))


def test_says_what_is_refunded_for_each_kind_of_terms(client: Client) -> None:
    make_service()
    make_service(refund_after_start=False)

    said = pages.text(client.get("/"))

    assert "Cancel while it is pending: full refund to your balance." in said
    assert "If it is delivered only in part: what was not delivered is refunded to your balance." in said
    assert "Once delivery has begun, this service can't be refunded, unless we stop it ourselves." in said


@pytest.mark.usefixtures("credit_only_policy")
def test_takes_the_note_from_the_policy_in_force(client: Client) -> None:
    make_service()

    assert "An order can't be canceled at your own wish once it is placed." in pages.text(client.get("/"))


def test_tells_a_customer_in_doubt_what_the_policy_decides_for_him(browser: Client, ada: User) -> None:
    make_service()
    User.objects.filter(pk=ada.pk).update(standing=Standing.ABUSE_FLAGGED)

    said = pages.text(browser.get("/"))

    assert "Cancel while it is pending: full refund to your balance, after review." in said
    assert "full refund to your balance." not in said


def test_search_narrows_by_name(client: Client) -> None:
    wanted = make_service()
    other = make_service()
    wanted.name = "Newsletter spot"
    wanted.save(update_fields=["name"])

    said = pages.text(client.get("/", {"q": "newsletter"}))

    assert "Newsletter spot" in said
    assert other.name not in said
    assert "1 service for “newsletter”" in said


@pytest.mark.parametrize("typed", ["\x00", "%", "'; --", "\u0661\u0660", "x" * 5000, "<script>alert(1)</script>"])
def test_search_survives_odd_text(client: Client, typed: str) -> None:
    make_service()

    response = client.get("/", {"q": typed})

    assert response.status_code == 200
    assert b"<script>alert" not in response.content


@pytest.mark.parametrize("number", [5, 50])
def test_takes_the_same_queries_for_5_and_50_services(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        make_service()
    client.get("/")  # policy versions are read once a process

    with django_assert_num_queries(2):
        client.get("/")


def test_escapes_what_staff_typed(client: Client) -> None:
    service = make_service(description="<script>alert(1)</script>")
    service.name = "<img src=x onerror=alert(1)>"
    service.save(update_fields=["name"])

    page = client.get("/").content

    assert b"<script>alert" not in page
    assert b"<img src=x" not in page


def test_refund_policy_is_the_document_in_force(client: Client) -> None:
    version = PolicyVersion.objects.get()

    said = pages.text(client.get("/refund-policy/"))

    assert version.title in said
    assert "Version 1" in said
    assert "12 April 2025" in said
    assert "Pending: nothing has been sent out yet." in said
    assert "support@makegood.example" in said
    assert "{" not in said


def test_refund_policy_changes_with_the_version_in_force(client: Client, credit_only_policy: PolicyVersion) -> None:
    said = pages.text(client.get("/refund-policy/"))

    assert credit_only_policy.title in said
    assert "A change of mind is not refunded once the order is placed." in said


@pytest.mark.usefixtures("credit_only_policy")
def test_an_earlier_version_stays_readable_and_says_that_it_is_one(client: Client) -> None:
    earlier = PolicyVersion.objects.order_by("pk")[0]

    said = pages.text(client.get(f"/refund-policy/{earlier.pk}/"))

    assert "Money-back guarantee" in said
    assert "A newer policy is in force for new orders." in said


@pytest.mark.parametrize("number", ["999999", "99999999999999999999999"])
def test_an_unknown_version_is_not_found(client: Client, number: str) -> None:
    assert client.get(f"/refund-policy/{number}/").status_code == 404
