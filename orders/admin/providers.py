"""Providers. Their key goes in and never comes out again."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from orders.models import Provider
from panel.accounts.admin.pages import StaffAdmin, list_link, shown


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """A provider; an empty key leaves the stored one as it is."""

    api_key = forms.CharField(
        label="API key",
        max_length=200,
        required=False,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what a model form takes
        """Say that a key is stored, without showing it."""
        super().__init__(*args, **kwargs)
        self.stored_key = self.instance.api_key
        if self.stored_key and "api_key" in self.fields:
            self.initial["api_key"] = ""
            self.fields["api_key"].widget.attrs["placeholder"] = "unchanged"
            self.fields["api_key"].help_text = "A key is stored. Leave empty to keep it."

    def clean_api_key(self) -> str:
        """Keep the stored key unless a new one is given."""
        given = str(self.cleaned_data["api_key"]) or self.stored_key
        if not given:
            raise forms.ValidationError("Enter the key that the provider gave you.")
        return given

    def clean_api_url(self) -> str:
        """Providers are spoken to over http or https."""
        address = str(self.cleaned_data["api_url"])
        if not address.lower().startswith(("http://", "https://")):
            raise forms.ValidationError("Enter an address that starts with https:// (or http://).")
        return address

    def clean(self) -> dict[str, Any]:
        """A hold is explained: the reason is what the next person reads."""
        given = super().clean() or self.cleaned_data
        if given.get("held_until") and not given.get("held_reason"):
            self.add_error("held_reason", "Say why no order is sent until then.")
        return given


@admin.register(Provider)
class ProviderAdmin(StaffAdmin):
    """Providers are switched off, never deleted: services and orders point at them."""

    form = ProviderForm
    list_display = ("name", "api_url", "state", "held_until", "held_reason", "services")
    list_filter = ("is_active",)
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        ("Provider", {"fields": (("name", "is_active"), "api_url", "api_key", "supports_request_id")}),
        ("Hold", {"fields": ("held_until", "held_reason")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: object = None) -> Any:  # noqa: ANN401 - as upstream
        """Who may only look is not shown the key: a read-only field would print it."""
        if self.has_change_permission(request, None) or (obj is None and self.has_add_permission(request)):
            return self.fieldsets
        shown_to_all = ("name", "is_active", "api_url", "supports_request_id", "held_until", "held_reason")
        return ((None, {"fields": shown_to_all}),)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:  # noqa: ANN401
        if db_field.name == "api_url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @shown(description="State", ordering="is_active", label={"on": "success", "off": "warning"})
    def state(self, provider: Provider) -> tuple[str, str]:
        return ("on", "Active") if provider.is_active else ("off", "Off")

    @shown(description="Services")
    def services(self, provider: Provider) -> object:
        return list_link("orders_service", "Show", provider__id__exact=provider.pk)
