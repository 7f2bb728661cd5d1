"""Published policies: read-only. New versions are drafts that a second person publishes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Exists, QuerySet, Subquery
from django.db.models.expressions import OuterRef
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from panel.accounts.admin.asking import Done, Question, ask, staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, counted, detail_action, link, list_link, shown
from panel.accounts.models import CustomerGroup
from refunds import drafting, publishing
from refunds.admin import difference_panels, draft_panels
from refunds.models import PolicyAnnouncement, PolicyDraft, PolicyState, PolicyVersion

_COLORS = {
    PolicyState.IN_FORCE: "success",
    PolicyState.SCHEDULED: "info",
    PolicyState.SUPERSEDED: "",
    PolicyState.WITHDRAWN: "",
}


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Versions by the time from which new orders carry them."""

    list_display = ("title", "slug", "number", "audience", "state", "effective_from", "written_by", "published_by")
    list_select_related = ("author", "published_by", "customer_group")
    search_fields = ("slug", "title")
    fieldsets = (
        (
            "Version",
            {
                "fields": (
                    "title",
                    ("slug", "number"),
                    ("condition", "effective_from"),
                    ("audience", "published_at"),
                    ("written_by", "published_by"),
                    ("withdrawn_by", "withdrawn_at"),
                    ("came_from", "announced"),
                    ("page", "orders"),
                    "digest",
                )
            },
        ),
    )
    actions_detail = ("new_draft", "withdraw")

    def has_write_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may write drafts."""
        return bool(request.user.has_perm(drafting.MAY_WRITE))

    def has_publish_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may publish and withdraw."""
        return bool(request.user.has_perm(publishing.MAY_PUBLISH))

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        rows: QuerySet[PolicyVersion] = super().get_queryset(request)
        started = PolicyVersion.objects.filter(PolicyVersion.started(timezone.now()))
        same = started.annotate(whose=Coalesce("customer_group", 0)).filter(
            whose=Coalesce(OuterRef("customer_group"), 0)
        )
        return rows.annotate(in_force=Subquery(same.values("pk")[:1]), has_groups=Exists(CustomerGroup.objects.all()))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only what has not started can be withdrawn."""
        coming = PolicyVersion.objects.filter(
            pk=object_id, withdrawn_at__isnull=True, effective_from__gt=timezone.now()
        ).exists()
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if coming or not one.action_name.endswith("_withdraw")]

    def panels(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Panel]:
        before = publishing.before(obj)
        compared = (
            difference_panels.of(drafting.difference(before.policy, obj.policy), before=str(before)) if before else []
        )
        return [draft_panels.clauses(obj.policy), *compared, draft_panels.document(obj.text, "Document as published")]

    @shown(description="State", label=_COLORS)
    def state(self, version: Any) -> tuple[str, str]:  # noqa: ANN401 - annotated rows
        found = _state(version, timezone.now())
        return found, str(found.label)

    @shown(description="State")
    def condition(self, version: Any) -> str:  # noqa: ANN401
        return self.state(version)[1]

    @shown(description="For")
    def audience(self, version: Any) -> str:  # noqa: ANN401 - annotated rows
        if version.customer_group:
            return str(version.customer_group)
        return "Everybody else" if version.has_groups else "Everybody"

    @shown(description="Written by")
    def written_by(self, version: PolicyVersion) -> str:
        return str(version.author or version.published_by or "On the server")

    @shown(description="Draft")
    def came_from(self, version: PolicyVersion) -> object:
        draft = PolicyDraft.objects.filter(version=version).first()
        return link("refunds_policydraft", draft and draft.pk, draft)

    @shown(description="Announced")
    def announced(self, version: PolicyVersion) -> str:
        found = PolicyAnnouncement.objects.filter(version=version).first()
        if found is None:
            return "No"
        said = f"{counted(found.written, 'letter')} written{'' if found.finished_at else ' so far'}"
        return f"{said}, {found.taken_back:,} of its withdrawal" if version.withdrawn_at else said

    @shown(description="Public page")
    def page(self, version: PolicyVersion) -> SafeString | str:
        if version.withdrawn_at is not None:
            return "None: it was withdrawn"
        address = reverse("refund-policy-version", args=[version.pk])
        return format_html('<a href="{}" class="text-link" target="_blank">Open</a>', address)

    @shown(description="SHA-256")
    def digest(self, version: PolicyVersion) -> SafeString:
        return format_html('<code style="overflow-wrap: anywhere">{}</code>', version.hash)

    @shown(description="Orders under it")
    def orders(self, version: PolicyVersion) -> object:
        return list_link("orders_order", "Show", policy_version__exact=version.pk)

    @detail_action(description="New draft from it…", permissions=["write"], icon="edit_document")
    def new_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: PolicyVersion = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> Done:
            made = drafting.write(staff=staff_of(request), text=version.text, based_on=version, at=timezone.now())
            return Done(f"{made} is begun.", reverse("admin:refunds_policydraft_change", args=[made.pk]))

        lead = "A draft changes nothing for customers until a second person publishes it."
        back = reverse("admin:refunds_policyversion_change", args=[version.pk])
        title = f"Start a draft from {version}"
        return ask(self, request, Question(title=title, lead=lead, act=act, back=back, submit="Start"))

    @detail_action(description="Withdraw…", permissions=["publish"], icon="undo")
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: PolicyVersion = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            publishing.withdraw(version_id=version.pk, staff=staff_of(request), at=timezone.now())
            return f"{version} is withdrawn: it never counts for anybody."

        out = PolicyAnnouncement.objects.filter(version=version).values_list("written", flat=True).first() or 0
        letters = (
            f"{counted(out, 'letter')} about it {'is' if out == 1 else 'are'} out: who has one is written to that it is"
            " withdrawn, and nobody else is written to."
            if out
            else "No letters about it are out, and none will be written."
        )
        lead = f"It has not started. The version before it stays in force. {letters}"
        back = reverse("admin:refunds_policyversion_change", args=[version.pk])
        title = f"Withdraw {version}"
        question = Question(title=title, lead=lead, act=act, back=back, about=version, dangerous=True)
        return ask(self, request, question)


def _state(version: Any, at: datetime) -> PolicyState:  # noqa: ANN401 - annotated rows
    """Say where a row of the list stands, without asking the database for each."""
    if version.withdrawn_at is not None:
        return PolicyState.WITHDRAWN
    if version.effective_from > at:
        return PolicyState.SCHEDULED
    return PolicyState.IN_FORCE if version.pk == version.in_force else PolicyState.SUPERSEDED
