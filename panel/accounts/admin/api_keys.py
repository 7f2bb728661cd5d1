"""API keys as staff see them: the visible prefix, never more; staff may revoke."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from panel.accounts import keys
from panel.accounts.admin.asking import Question, ask
from panel.accounts.admin.pages import ReadOnlyAdmin, detail_action, link, shown
from panel.accounts.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys of customers, found by their prefix or their owner's e-mail address."""

    list_display = ("prefix", "owner", "name", "created_at", "last_used_at", "state")
    list_select_related = ("user",)
    search_fields = ("prefix__startswith",)
    search_help_text = "Start of the key, or the owner's whole e-mail address"
    fields = ("prefix", "owner", "name", "condition", "created_at", "last_used_at", "revoked_at")
    act_permission = "accounts.change_apikey"
    actions_detail = ("revoke",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ApiKey], search_term: str
    ) -> tuple[QuerySet[ApiKey], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(user__email=term.lower()), False
        return queryset.filter(prefix__startswith=term), False

    @shown(description="Owner")
    def owner(self, key: ApiKey) -> object:
        return link("accounts_user", key.user_id, key.user)

    @shown(description="State", label={"active": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        return ("active", "Active") if key.is_active else ("revoked", "Revoked")

    @shown(description="State")
    def condition(self, key: ApiKey) -> str:
        return self.state(key)[1]

    @detail_action(description="Revoke", permissions=["act"], icon="key_off")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key: ApiKey = self.found(request, object_id)

        def act(_given: object) -> str:
            keys.revoke(user=key.user, key_id=key.pk, at=timezone.now())
            return f"The key {key} is revoked."

        question = Question(
            title=f"Revoke the API key {key}",
            lead=f"Whatever uses this key of {key.user} stops working at once. This can't be undone.",
            submit="Revoke",
            act=act,
            about=key,
            back=reverse("admin:accounts_user_change", args=[key.user_id]),
            dangerous=True,
        )
        return ask(self, request, question)
