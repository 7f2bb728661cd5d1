"""Customers and staff: who they are, what they own, and what staff do about it."""

from collections.abc import Sequence
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.forms import AdminPasswordChangeForm

from billing.admin import ban_actions, customer_actions, customer_panels, deposit_actions
from billing.admin.customer_forms import AddCustomerForm
from billing.models import Account, CustomerAccount
from panel.accounts import blocklist
from panel.accounts.admin.pages import (
    Panel,
    StaffAdmin,
    amount,
    detail_action,
    list_link,
    nowrap,
    shown,
)
from panel.accounts.models import Standing, User

_STAFF_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")
_COLORS = {Standing.CLEAR: "success", Standing.ABUSE_FLAGGED: "warning", Standing.FRAUD_SUSPECTED: "danger"}


class SuspendedFilter(admin.SimpleListFilter):
    """Suspended accounts, or those that are not."""

    title = "suspension"
    parameter_name = "suspended"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Suspended"), ("no", "Not suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() is None:
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "no")


@admin.register(User)
class CustomerAdmin(auth_admin.UserAdmin, StaffAdmin):  # type: ignore[type-arg,misc] # generic in the stubs only
    """Nobody is deleted. Only superusers touch accounts of staff: else a password change would be a promotion."""

    add_form = AddCustomerForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "available", "promo", "standing_label", "state", "date_joined")
    list_filter = ("standing", SuspendedFilter, "suspension_cause", "customer_group", "is_staff", "is_active")
    search_fields = ("email",)
    search_help_text = "Start of the e-mail address, or the number of the account"
    ordering = ("-id",)
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        ("Customer", {"fields": (("email", "name"), ("standing", "is_active"), ("customer_group", "more"))}),
        ("Balances", {"fields": (("available", "promo"), ("held", "debt"))}),
        ("Suspension", {"fields": (("suspended_at", "suspension_cause"), "suspension_reason")}),
        ("Sign-in", {"fields": (("password_state", "verified", "second_factor"), ("last_login", "date_joined"))}),
        ("Staff", {"fields": _STAFF_FIELDS, "classes": ("collapse",)}),
    )
    add_fieldsets = (("New account", {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = (
        "more",
        "standing",
        "available",
        "promo",
        "held",
        "debt",
        "suspended_at",
        "suspension_cause",
        "suspension_reason",
        "password_state",
        "verified",
        "second_factor",
        "last_login",
        "date_joined",
    )
    act_permission = "billing.add_transfer"
    actions_detail = ("credit", "debit", "record_deposit", "change_standing", "suspend", "lift", "ban", "lift_ban")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        proved = EmailAddress.objects.filter(verified=True)
        return rows.annotate(
            **{f"{kind.value}_balance": Subquery(_balance(kind)) for kind in CustomerAccount},
            is_verified=Exists(proved.filter(user=OuterRef("pk"), email=OuterRef("email"))),
            has_second_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"))),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = search_term.strip().lower()
        if term.isascii() and term.isdigit():
            return queryset.filter(pk=min(int(term), 2**63 - 1)), False
        return queryset.filter(email__startswith=term) if term else queryset, False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        """Addresses are changed by their owners, who must prove them; rights are granted by superusers."""
        fixed = self.readonly_fields if obj is None else ("email", *self.readonly_fields)
        return fixed if request.user.is_superuser else (*fixed, *_STAFF_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not (isinstance(obj, User) and obj.is_staff))

    def has_record_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may credit payments that arrived by hand."""
        return bool(request.user.has_perm("billing.add_deposit"))

    def has_ban_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may ban."""
        return bool(request.user.has_perm(blocklist.MAY_BLOCK))

    def has_lift_ban_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may lift a ban."""
        return bool(request.user.has_perm(blocklist.MAY_LIFT))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer to suspend or to lift, and to ban or to lift that, whichever applies."""
        suspended = User.objects.filter(pk=object_id, suspended_at__isnull=False).exists()
        banned = ban_actions.has_blocked(object_id)
        hidden = {"suspend" if suspended else "lift", "ban" if banned else "lift_ban"}
        offered = super().get_actions_detail(request, object_id)
        return [action for action in offered if action.action_name.removeprefix("accounts_user_") not in hidden]

    def panels(self, request: HttpRequest, obj: User) -> Sequence[Panel]:
        return customer_panels.of(request, obj)

    @shown(description="Available")
    def available(self, user: Any) -> str:  # noqa: ANN401 - annotated rows
        return nowrap(amount(user.available_balance))

    @shown(description="Promotional")
    def promo(self, user: Any) -> str:  # noqa: ANN401
        return nowrap(amount(user.promo_balance))

    @shown(description="Held")
    def held(self, user: Any) -> str:  # noqa: ANN401
        return nowrap(amount(user.held_balance))

    @shown(description="Debt")
    def debt(self, user: Any) -> str:  # noqa: ANN401
        return nowrap(amount(user.debt_balance))

    @shown(description="Standing", ordering="standing", label=_COLORS)
    def standing_label(self, user: User) -> tuple[str, str]:
        return user.standing, user.get_standing_display()

    @shown(description="State", label={"active": "success", "suspended": "danger", "off": "warning"})
    def state(self, user: User) -> tuple[str, str]:
        if user.is_suspended:
            return "suspended", "Suspended"
        return ("active", "Staff" if user.is_staff else "Active") if user.is_active else ("off", "Inactive")

    @shown(description="Go to")
    def more(self, user: User) -> object:
        lists = (
            ("orders_order", "Orders"),
            ("billing_deposit", "Deposits"),
            ("billing_withdrawal", "Withdrawals"),
            ("billing_transfer", "Transfers"),
        )
        return format_html_join(" · ", "{}", ((list_link(model, title, q=user.email),) for model, title in lists))

    @shown(description="Password")
    def password_state(self, user: User) -> object:
        state = "Set" if user.has_usable_password() else "None: set by the owner through “Forgot your password?”"
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{} · <a href="{}" class="text-link">Change</a>', state, address)

    @shown(description="E-mail address verified")
    def verified(self, user: Any) -> str:  # noqa: ANN401
        return "Yes" if user.is_verified else "No"

    @shown(description="Second factor")
    def second_factor(self, user: Any) -> str:  # noqa: ANN401
        return "On" if user.has_second_factor else "Off"

    @detail_action(description="Credit…", permissions=["act"], icon="add")
    def credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return customer_actions.credit(self, request, self.found(request, object_id))

    @detail_action(description="Debit…", permissions=["act"], icon="remove")
    def debit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return customer_actions.debit(self, request, self.found(request, object_id))

    @detail_action(description="Record a deposit…", permissions=["record"], icon="savings")
    def record_deposit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.found(request, object_id)
        return deposit_actions.record(
            self, request, customer, back=reverse("admin:accounts_user_change", args=[customer.pk])
        )

    @detail_action(description="Change standing…", permissions=["change"], icon="flag")
    def change_standing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return customer_actions.change_standing(self, request, self._mine_to_change(request, object_id))

    @detail_action(description="Suspend…", permissions=["change"], icon="block")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return customer_actions.suspend(self, request, self._mine_to_change(request, object_id))

    @detail_action(description="Lift suspension", permissions=["change"], icon="lock_open")
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return customer_actions.lift(self, request, self._mine_to_change(request, object_id))

    @detail_action(description="Ban…", permissions=["ban"], icon="person_off")
    def ban(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ban_actions.ban(self, request, self._mine_to_change(request, object_id))

    @detail_action(description="Lift ban…", permissions=["lift_ban"], icon="person_check")
    def lift_ban(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return ban_actions.lift(self, request, self._mine_to_change(request, object_id))

    def _mine_to_change(self, request: HttpRequest, object_id: str) -> User:
        """Return the account unless it is one that only superusers may touch."""
        user: User = self.found(request, object_id)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return user


def _balance(kind: CustomerAccount) -> QuerySet[Account, Any]:
    rows: QuerySet[Account, Any] = Account.objects.filter(customer=OuterRef("pk"), kind=kind)
    return rows.values("balance")
