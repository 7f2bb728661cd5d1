"""Discrepancies: where a gateway's books and the panel's differ, until a reconciliation no longer finds it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.admin.showing import Rows, ShowFilter, every
from billing.models import Discrepancy, GatewaySlug, Problem
from panel.accounts.admin.pages import ReadOnlyAdmin, amount, nowrap, shown


def _open(rows: Rows) -> Rows:
    return rows.filter(resolved_at=None)


class DiscrepancyFilter(ShowFilter):
    """What still differs, unless something else is asked for."""

    first = "Open"
    narrow_first = _open
    others = {
        "resolved": ("Resolved", lambda rows: rows.filter(resolved_at__isnull=False)),
        "all": ("All", every),
    }


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    """Found and resolved by reconciliation alone: nobody talks a difference away."""

    list_display = ("problem", "gateway", "reference", "sum", "description", "first_seen_at", "last_seen_at", "state")
    list_filter = (DiscrepancyFilter, "problem", "gateway")
    search_fields = ("reference",)
    search_help_text = "Whole reference"
    fields = (
        ("problem", "gateway"),
        ("reference", "sum"),
        "description",
        ("first_seen_at", "last_seen_at", "resolved_at"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Discrepancy], search_term: str
    ) -> tuple[QuerySet[Discrepancy], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(gateway__in=GatewaySlug.values, problem__in=Problem.values, reference=term)
        return found, False

    @shown(description="Amount")
    def sum(self, found: Discrepancy) -> str:
        return nowrap(amount(found.amount))

    @shown(description="State", label={"open": "danger", "resolved": "success"})
    def state(self, found: Discrepancy) -> tuple[str, str]:
        return ("open", "Open") if found.resolved_at is None else ("resolved", "Resolved")
