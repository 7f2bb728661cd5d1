"""The catalog is edited with a sentence beside the field for everything that the database would refuse."""

from decimal import Decimal

import pytest
from django.urls import reverse

from orders.models import Category, Provider, Service
from tests.admin.pages import clerk, detail, signed_in, text_of
from tests.factories import make_customer, make_provider, make_service, make_staff, place_order

pytestmark = pytest.mark.django_db


def sound(**changes: object) -> dict[str, object]:
    category, _ = Category.objects.get_or_create(name="Newsletter spots")
    return {
        "category": category.pk,
        "name": "A spot",
        "position": "0",
        "description": "",
        "type": "Default",
        "is_active": "on",
        "rate": "2.50",
        "min_quantity": "10",
        "max_quantity": "1000",
        "refund_after_start": "on",
        "provider": "",
        "provider_service_id": "",
        **changes,
    }


def test_adds_and_changes_a_service() -> None:
    client = signed_in(make_staff())

    assert client.post(reverse("admin:orders_service_add"), sound()).status_code == 302
    service = Service.objects.get()
    assert client.post(detail("orders_service", service.pk), sound(rate="2.75", max_quantity="500")).status_code == 302

    service.refresh_from_db()
    assert (str(service.rate), service.min_quantity, service.max_quantity) == ("2.750000", 10, 500)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"rate": "0"}, "rate", "The rate must be above 0."),
        ({"rate": "-1"}, "rate", "is not an amount"),
        ({"rate": "NaN"}, "rate", "is not an amount"),
        ({"rate": "1e3"}, "rate", "is not an amount"),
        ({"rate": "0.0000001"}, "rate", "is not an amount"),
        ({"min_quantity": "0"}, "min_quantity", "The minimum must be 1 or more."),
        ({"min_quantity": "\u0661"}, "min_quantity", "plain digits"),
        ({"max_quantity": "9"}, "max_quantity", "can't be below the minimum"),
        ({"max_quantity": "1000000001"}, "max_quantity", "1,000,000,000 at most"),
        ({"type": "Package"}, "max_quantity", "A package has one size"),
        ({"provider_service_id": "12"}, "provider", "Choose the provider"),
        ({"allows_cancel": "on"}, "allows_cancel", "Only a provider can take cancel requests"),
        ({"name": ""}, "name", "required"),
        ({"name": "x" * 201}, "name", "at most 200"),
        ({"category": "999999"}, "category", "valid choice"),
    ],
)
def test_refuses_a_service_that_the_database_would_refuse(
    changes: dict[str, object], field: str, sentence: str
) -> None:
    client = signed_in(make_staff())

    answer = client.post(reverse("admin:orders_service_add"), sound(**changes))

    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert sentence in errors[field][0]
    assert not Service.objects.exists()


def test_refuses_a_provider_without_its_number_of_the_service() -> None:
    client = signed_in(make_staff())

    answer = client.post(reverse("admin:orders_service_add"), sound(provider=make_provider().pk))

    assert list(answer.context["adminform"].form.errors) == ["provider_service_id"]


def test_an_order_keeps_its_price_when_the_service_is_changed() -> None:
    service = make_service()
    order = place_order(make_customer(funds="50"), service)
    client = signed_in(make_staff())

    client.post(detail("orders_service", service.pk), sound(rate="9", category=service.category_id))

    order.refresh_from_db()
    service.refresh_from_db()
    assert service.rate == Decimal(9)
    assert order.rate == Decimal("2.50")


def test_services_and_providers_are_not_deleted_and_full_categories_neither() -> None:
    service = make_service(provider=make_provider())
    client = signed_in(make_staff())

    for name, pk in (("service", service.pk), ("provider", service.provider_id)):
        assert client.post(reverse(f"admin:orders_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    client.post(reverse("admin:orders_category_delete", args=[service.category_id]), {"post": "yes"})

    assert Service.objects.filter(pk=service.pk, category=service.category_id).exists()


def test_a_category_of_the_same_name_is_refused() -> None:
    Category.objects.create(name="Traffic")
    client = signed_in(make_staff())

    answer = client.post(reverse("admin:orders_category_add"), {"name": "Traffic", "position": "1"})

    assert "name" in answer.context["adminform"].form.errors
    assert Category.objects.count() == 1


class TestProviders:
    def given(self, **changes: object) -> dict[str, object]:
        return {
            "name": "Reach Partners",
            "api_url": "https://provider.example.com/api/v2",
            "api_key": "",
            "is_active": "on",
            "held_until_0": "",
            "held_until_1": "",
            "held_reason": "",
            **changes,
        }

    def test_stores_a_key_and_keeps_it_when_the_field_stays_empty(self) -> None:
        client = signed_in(make_staff())
        client.post(reverse("admin:orders_provider_add"), self.given(api_key="secret-key-1"))
        provider = Provider.objects.get()

        page = text_of(client.get(detail("orders_provider", provider.pk)))
        assert "secret-key-1" not in page
        assert 'placeholder="unchanged"' in page
        client.post(detail("orders_provider", provider.pk), self.given(name="Reach Partners Ltd"))

        provider.refresh_from_db()
        assert (provider.name, provider.api_key) == ("Reach Partners Ltd", "secret-key-1")

    def test_replaces_a_key_and_does_not_show_it_in_a_refused_form(self) -> None:
        provider = make_provider(api_key="secret-key-1")
        client = signed_in(make_staff())

        refused = client.post(detail("orders_provider", provider.pk), self.given(name="", api_key="secret-key-2"))
        assert "secret-key" not in text_of(refused)
        client.post(detail("orders_provider", provider.pk), self.given(api_key="secret-key-2"))

        provider.refresh_from_db()
        assert provider.api_key == "secret-key-2"

    def test_refuses_a_new_provider_without_a_key_a_bad_address_or_an_unexplained_hold(self) -> None:
        client = signed_in(make_staff())

        for changes, field in (
            ({}, "api_key"),
            ({"api_key": "k", "api_url": "ftp://provider.example.com/"}, "api_url"),
            ({"api_key": "k", "api_url": "no address"}, "api_url"),
            ({"api_key": "k", "held_until_0": "2026-11-02", "held_until_1": "12:00:00"}, "held_reason"),
        ):
            answer = client.post(reverse("admin:orders_provider_add"), self.given(**changes))
            assert list(answer.context["adminform"].form.errors) == [field]
        assert not Provider.objects.exists()

    def test_who_may_only_look_is_not_shown_the_key(self) -> None:
        provider = make_provider(api_key="secret-key-1")
        client = signed_in(clerk("orders.view_provider"))

        page = client.get(detail("orders_provider", provider.pk))

        assert page.status_code == 200
        assert "secret-key-1" not in text_of(page)
