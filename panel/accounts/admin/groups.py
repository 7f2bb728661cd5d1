"""Groups of staff and their permissions; and what other packages register that staff must not see."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest

from panel.accounts.admin.pages import StaffAdmin

# A page of authenticators shows the secrets of second factors; addresses are changed by their owners and shown on the
# customer's page.
for shown_elsewhere in (Group, EmailAddress, Authenticator):
    admin.site.unregister(shown_elsewhere)


@admin.register(Group)
class GroupAdmin(StaffAdmin):
    """Who may grant permissions is a superuser: anybody else could grant them to himself."""

    search_fields = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    def get_queryset(self, request: HttpRequest) -> object:
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:  # noqa: ANN401 - as upstream
        """Read what the permissions are about with them: each shows it."""
        if db_field.name == "permissions":
            options["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **options)
