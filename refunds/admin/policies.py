"""Published policies: read-only. New versions come from `manage.py publish_policy`."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, list_link, shown
from refunds.models import PolicyVersion
from refunds.policy.clauses import Clause


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Versions by the time from which new orders carry them."""

    list_display = ("title", "slug", "number", "state", "effective_from", "published_at", "published_by")
    list_select_related = ("published_by",)
    search_fields = ("slug", "title")
    fields = (
        ("title", "slug", "number"),
        ("condition", "effective_from"),
        ("published_at", "published_by"),
        "digest",
        "orders",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        rows: QuerySet[PolicyVersion] = super().get_queryset(request)
        started = PolicyVersion.objects.filter(effective_from__lte=timezone.now())
        return rows.annotate(in_force=Subquery(started.values("pk")[:1]))

    def panels(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Panel]:
        headers = ("#", "Clause", "When", "Then", "What the page says", "Passage")
        rows = [
            (
                str(place),
                format_html("{}<br>{}", clause.id, clause.group),
                _when(clause),
                f"{clause.refund}, {clause.approval}",
                clause.text,
                clause.passage,
            )
            for place, clause in enumerate(obj.policy.rules, start=1)
        ]
        note = "The first clause that covers an order's facts decides; the default comes last."
        document = format_html('<pre class="overflow-x-auto whitespace-pre-wrap py-3">{}</pre>', obj.text)
        return [Panel("Clauses", headers, rows, note), Panel("Document as published", (), [(document,)])]

    @shown(description="State", label={"in_force": "success", "scheduled": "info", "past": ""})
    def state(self, version: Any) -> tuple[str, str]:  # noqa: ANN401 - annotated rows
        if version.effective_from > timezone.now():
            return "scheduled", "Scheduled"
        return ("in_force", "In force") if version.pk == version.in_force else ("past", "Past")

    @shown(description="State")
    def condition(self, version: Any) -> str:  # noqa: ANN401
        return self.state(version)[1]

    @shown(description="SHA-256")
    def digest(self, version: PolicyVersion) -> SafeString:
        return format_html("<code>{}</code>", version.hash)

    @shown(description="Orders under it")
    def orders(self, version: PolicyVersion) -> object:
        return list_link("orders_order", "Show", policy_version__exact=version.pk)


def _when(clause: Clause) -> object:
    if clause.when.is_empty:
        return "anything else"
    rows = [f"{fact}: {' or '.join(sorted(values))}" for fact, values in clause.when.values]
    if clause.when.claim_window_hours is not None:
        rows.append(f"ended at most {clause.when.claim_window_hours} hours ago")
    return "; ".join(rows)
