"""What happened to orders, row by row: events, submissions, cancel requests. All read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from orders.models import CancelRequest, OrderEvent, Submission
from panel.accounts.admin.pages import ReadOnlyAdmin, link, shown


class OfOrderAdmin(ReadOnlyAdmin):
    """Rows of an order, found by its number."""

    search_fields = ("order_id",)
    search_help_text = "Number of the order"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if not (term.isascii() and term.isdigit()):
            return queryset.none(), False
        return queryset.filter(order_id=min(int(term), 2**63 - 1)), False

    @shown(description="Order")
    def of_order(self, row: Any) -> object:  # noqa: ANN401 - three models
        return link("orders_order", row.order_id, row.order_id)


@admin.register(OrderEvent)
class OrderEventAdmin(OfOrderAdmin):
    """Moves of orders, the latest first."""

    list_display = ("id", "at", "of_order", "from_status", "to_status", "cause", "initiator", "by", "remains", "note")
    list_select_related = ("actor",)
    list_filter = ("initiator", "to_status", "cause")
    ordering = ("-id",)
    fields = (
        "at",
        "of_order",
        "from_status",
        "to_status",
        "cause",
        "initiator",
        "by",
        "remains",
        "raw_status",
        "note",
    )

    @shown(description="By")
    def by(self, event: OrderEvent) -> object:
        return link("accounts_user", event.actor_id, event.actor)


@admin.register(Submission)
class SubmissionAdmin(OfOrderAdmin):
    """Attempts to hand orders to providers."""

    list_display = ("id", "of_order", "provider", "state", "provider_order_id", "claimed_at", "recorded_at", "detail")
    list_select_related = ("provider",)
    list_filter = ("state",)
    fields = (
        "of_order",
        "provider",
        "state",
        "detail",
        "provider_order_id",
        "request_id",
        "claimed_at",
        "called_at",
        "recorded_at",
    )


@admin.register(CancelRequest)
class CancelRequestAdmin(OfOrderAdmin):
    """Wishes to cancel orders that were already with a provider."""

    list_display = ("id", "of_order", "state", "cause", "initiator", "by", "requested_at", "answered_at", "detail")
    list_select_related = ("actor",)
    list_filter = ("state",)
    fields = ("of_order", "state", "cause", "initiator", "by", "detail", "requested_at", "send_due_at", "answered_at")

    @shown(description="By")
    def by(self, wish: CancelRequest) -> object:
        return link("accounts_user", wish.actor_id, wish.actor)
