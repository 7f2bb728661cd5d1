"""Policy drafts: written, proved, compared, tried on past orders, and published by a second person."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, link, shown
from refunds import drafting
from refunds.admin import draft_actions, draft_panels
from refunds.backtesting import runs
from refunds.models import DraftState, PolicyDraft
from refunds.publishing import MAY_PUBLISH

_COLORS = {
    DraftState.DRAFT: "info",
    DraftState.CHECKED: "warning",
    DraftState.PUBLISHED: "success",
    DraftState.REPLACED: "",
    DraftState.DISCARDED: "",
}


class OpenFilter(admin.SimpleListFilter):
    """Drafts that are worked on; the tabs say which."""

    title = "state"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("checked", "To be published"), ("published", "Published"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PolicyDraft]) -> QuerySet[PolicyDraft]:
        match self.value():
            case "all":
                return queryset
            case DraftState.CHECKED | DraftState.PUBLISHED as state:
                return queryset.filter(state=state)
            case _:
                return queryset.filter(state__in=[DraftState.DRAFT, DraftState.CHECKED])


@admin.register(PolicyDraft)
class PolicyDraftAdmin(ReadOnlyAdmin):
    """Nothing is edited in place: what is written anew is a new draft, which takes the old one's place."""

    list_display = ("number", "title", "slug", "state_label", "author", "created_at", "note")
    list_display_links = ("number", "title")
    list_select_related = ("author",)
    list_filter = (OpenFilter,)
    search_fields = ("slug", "title")
    ordering = ("-id",)
    fieldsets = (
        (
            "Draft",
            {
                "fields": (
                    ("condition", "note"),
                    ("author", "created_at"),
                    ("checked_by", "checked_at"),
                    ("began_from", "published_as"),
                    ("predecessor", "successor"),
                    "preview",
                    "digest",
                )
            },
        ),
    )
    actions_list = ("start",)
    actions_detail = ("write", "prove", "backtest", "publish", "discard")

    def has_write_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may write drafts."""
        return bool(request.user.has_perm(drafting.MAY_WRITE))

    def has_check_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may check and discard drafts."""
        return bool(request.user.has_perm(drafting.MAY_CHECK))

    def has_test_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may try drafts on past orders."""
        return bool(request.user.has_perm(runs.MAY_TEST))

    def has_publish_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may publish."""
        return bool(request.user.has_perm(MAY_PUBLISH))

    def get_urls(self) -> list[Any]:
        clause = path(
            "<path:object_id>/clause/", self.admin_site.admin_view(self.clause), name="refunds_policydraft_clause"
        )
        return [clause, *super().get_urls()]

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits the draft's state and this person."""
        draft = PolicyDraft.objects.filter(pk=object_id).first()
        if draft is None or not draft.is_open:
            return []
        may_publish = draft.state == DraftState.CHECKED and request.user.pk not in drafting.authors(draft)
        hidden = set() if may_publish else {"publish"}
        hidden |= {"prove"} if draft.state == DraftState.CHECKED else set()
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if one.action_name.removeprefix("refunds_policydraft_") not in hidden]

    def panels_above(self, request: HttpRequest, obj: PolicyDraft) -> Sequence[Panel]:
        return draft_panels.above(obj, may_write=self.has_write_permission(request))

    def panels(self, request: HttpRequest, obj: PolicyDraft) -> Sequence[Panel]:
        return draft_panels.below(obj, timezone.now())

    @shown(description="Draft", ordering="id")
    def number(self, draft: PolicyDraft) -> str:
        return str(draft.pk)

    @shown(description="State", ordering="state", label=_COLORS)
    def state_label(self, draft: PolicyDraft) -> tuple[str, str]:
        return draft.state, draft.get_state_display()

    @shown(description="State")
    def condition(self, draft: PolicyDraft) -> str:
        if draft.state == DraftState.CHECKED:
            return "Checked: somebody who wrote none of it may publish it"
        return str(draft.get_state_display())

    @shown(description="Preview")
    def preview(self, draft: PolicyDraft) -> SafeString:
        address = reverse("refund-policy-draft", args=[draft.pk])
        return format_html(
            '<a href="{}" class="text-link" target="_blank">The page as customers would see it</a>', address
        )

    @shown(description="Began from")
    def began_from(self, draft: PolicyDraft) -> object:
        return link("refunds_policyversion", draft.based_on_id, draft.based_on)

    @shown(description="Takes the place of")
    def predecessor(self, draft: PolicyDraft) -> object:
        return link("refunds_policydraft", draft.replaces_id, draft.replaces)

    @shown(description="Replaced by")
    def successor(self, draft: PolicyDraft) -> object:
        newer = PolicyDraft.objects.filter(replaces=draft).first()
        return link("refunds_policydraft", newer and newer.pk, newer)

    @shown(description="Published as")
    def published_as(self, draft: PolicyDraft) -> object:
        return link("refunds_policyversion", draft.version_id, draft.version)

    @shown(description="SHA-256")
    def digest(self, draft: PolicyDraft) -> SafeString:
        return format_html('<code style="overflow-wrap: anywhere">{}</code>', draft.hash)

    @detail_action(description="New draft…", permissions=["write"], icon="add")
    def start(self, request: HttpRequest) -> HttpResponse:
        return draft_actions.start(self, request)

    @detail_action(description="Edit document…", permissions=["write"], icon="edit_document")
    def write(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return draft_actions.write(self, request, self.found(request, object_id))

    @detail_action(description="Check", permissions=["check"], icon="fact_check")
    def prove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return draft_actions.check(self, request, self.found(request, object_id))

    @detail_action(description="Try on past orders…", permissions=["test"], icon="history")
    def backtest(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return draft_actions.backtest(self, request, self.found(request, object_id))

    @detail_action(description="Publish…", permissions=["publish"], icon="publish")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return draft_actions.publish(self, request, self.found(request, object_id))

    @detail_action(description="Discard…", permissions=["check"], icon="delete")
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return draft_actions.discard(self, request, self.found(request, object_id))

    def clause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the form of one clause."""
        if not self.has_write_permission(request):
            raise PermissionDenied
        return draft_actions.clause(self, request, self.found(request, object_id))
