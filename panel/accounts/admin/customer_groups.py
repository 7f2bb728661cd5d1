"""Groups of customers that refund policies may be written for. Who is in one is said on the customer's page."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from panel.accounts.admin.pages import StaffAdmin, list_link, shown
from panel.accounts.models import CustomerGroup


@admin.register(CustomerGroup)
class CustomerGroupAdmin(StaffAdmin):
    """A slug stays as it is once given: policies name the group by it. A group with customers can't be deleted."""

    list_display = ("name", "slug", "customers")
    search_fields = ("name", "slug")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("slug",) if obj is not None else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, tuple[str, ...]]:
        return {} if obj is not None else {"slug": ("name",)}

    @shown(description="Customers")
    def customers(self, group: CustomerGroup) -> object:
        return list_link("accounts_user", "Show", customer_group__id__exact=group.pk)
