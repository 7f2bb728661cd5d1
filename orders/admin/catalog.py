"""The catalog: what staff edit, with a sentence beside the field for each rule that the database enforces."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter

from orders.models import Category, Service, ServiceType
from panel.accounts.admin.fields import AmountField, WholeNumberField
from panel.accounts.admin.pages import StaffAdmin, amount, list_link, nowrap, shown

LARGEST_QUANTITY = 1_000_000_000


@admin.register(Category)
class CategoryAdmin(StaffAdmin):
    """Shelves, in the order in which customers see them. A shelf with services can't be deleted."""

    list_display = ("name", "number", "position", "services")
    search_fields = ("name",)
    ordering = ("position", "name")

    @shown(description="Number in policies", ordering="id")
    def number(self, category: Category) -> str:
        return str(category.pk)

    @shown(description="Services")
    def services(self, category: Category) -> object:
        return list_link("orders_service", "Show", category__id__exact=category.pk)


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """A service whose limits, package size and provider link fit together."""

    rate = AmountField(help_text="Price of 1,000 units; for a package, of the whole package.")
    min_quantity = WholeNumberField(label="Minimum")
    max_quantity = WholeNumberField(
        label="Maximum", help_text="For a package, minimum and maximum are the units in it."
    )

    def clean(self) -> dict[str, Any]:
        """Say what is wrong in the field's own words; the database's constraints say the same."""
        given = super().clean() or self.cleaned_data
        rate, least, most = given.get("rate"), given.get("min_quantity"), given.get("max_quantity")
        if rate is not None and rate <= 0:
            self.add_error("rate", "The rate must be above 0.")
        if least is not None and least < 1:
            self.add_error("min_quantity", "The minimum must be 1 or more.")
        if most is not None and most > LARGEST_QUANTITY:
            self.add_error("max_quantity", f"The maximum can be {LARGEST_QUANTITY:,} at most.")
        if least is not None and most is not None:
            if given.get("type") == ServiceType.PACKAGE and least != most:
                self.add_error("max_quantity", "A package has one size: give the same minimum and maximum.")
            elif most < least:
                self.add_error("max_quantity", "The maximum can't be below the minimum.")
        self._check_provider(given)
        return given

    def _check_provider(self, given: dict[str, Any]) -> None:
        provider, number = given.get("provider"), given.get("provider_service_id")
        if provider and not number:
            self.add_error("provider_service_id", "Give the provider's number of this service.")
        if number and not provider:
            self.add_error("provider", "Choose the provider that this number belongs to, or clear the number.")
        if given.get("allows_cancel") and not provider:
            self.add_error("allows_cancel", "Only a provider can take cancel requests: choose one, or switch this off.")


@admin.register(Service)
class ServiceAdmin(StaffAdmin):
    """Services are switched off, never deleted: orders point at them."""

    form = ServiceForm
    list_display = ("name", "category", "type", "price", "min_quantity", "max_quantity", "provider", "active", "orders")
    list_select_related = ("category", "provider")
    list_filter = (
        ("category", RelatedDropdownFilter),
        ("provider", RelatedDropdownFilter),
        "type",
        "is_active",
        "refund_after_start",
    )
    list_filter_submit = True
    search_fields = ("name", "=id", "=provider_service_id")
    search_help_text = "Part of the name, or our or the provider's number of the service"
    fieldsets = (
        ("Service", {"fields": (("category", "position"), "name", "description", ("type", "is_active"))}),
        ("Price and limits", {"fields": ("rate", ("min_quantity", "max_quantity"))}),
        ("Terms", {"fields": (("refund_after_start", "allows_cancel"), ("allows_refill", "one_order_per_link"))}),
        ("Carried out by", {"fields": (("provider", "provider_service_id"),)}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @shown(description="Rate", ordering="rate")
    def price(self, service: Service) -> str:
        return nowrap(amount(service.rate))

    @shown(description="State", ordering="is_active", label={"on": "success", "off": "warning"})
    def active(self, service: Service) -> tuple[str, str]:
        return ("on", "Active") if service.is_active else ("off", "Off")

    @shown(description="Orders")
    def orders(self, service: Service) -> object:
        return list_link("orders_order", "Show", service__id__exact=service.pk)
