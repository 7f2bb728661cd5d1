"""What the policy decided. What it left to a person is answered at the refund desk; a decision links to its request."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, link, nowrap, shown
from refunds.models import Decision, DecisionState, RefundRequest

COLORS = {
    DecisionState.SETTLED: "success",
    DecisionState.AWAITING_REVIEW: "warning",
    DecisionState.APPROVED: "success",
    DecisionState.DECLINED: "danger",
    DecisionState.SUPERSEDED: "",
}


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Found by their order's number or the customer's e-mail address."""

    list_display = (
        "id",
        "of_order",
        "customer",
        "state_label",
        "clause",
        "owing",
        "paid",
        "answered_in",
        "sentence",
        "age",
    )
    list_filter = ("state", "refund", "approval")
    search_fields = ("order_id",)
    search_help_text = "Number of the order, or whole e-mail address of the customer"
    fieldsets = (
        ("Decision", {"fields": ("sentence", ("state", "at"), ("of_order", "customer"), ("owing", "paid"))}),
        ("Why", {"fields": (("clause", "version"), ("refund", "approval"), "policy_hash")}),
        ("Review", {"fields": ("answered_in", ("reviewed_by", "reviewed_at"), "review_note")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        """Find with a decision that waits the open request about its order, where it is answered."""
        rows: QuerySet[Decision] = super().get_queryset(request)
        waiting = RefundRequest.objects.filter(RefundRequest.waiting(), order=OuterRef("order"))
        return rows.select_related("order__customer", "refund_request").annotate(
            asked_in=Subquery(waiting.values("pk"))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Decision], search_term: str
    ) -> tuple[QuerySet[Decision], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(order__customer__email=term.lower()), False
        number = min(int(term), 2**63 - 1) if term.isascii() and term.isdigit() else 0
        return queryset.filter(order_id=number), False

    def panels(self, request: HttpRequest, obj: Decision) -> Sequence[Panel]:
        rows = [(name.replace("_", " "), str(value).replace("_", " ")) for name, value in obj.facts.items()]
        return [Panel("Facts", ("Fact", "Value"), rows)]

    @shown(description="Order")
    def of_order(self, decision: Decision) -> object:
        return link("orders_order", decision.order_id, decision.order_id)

    @shown(description="Customer")
    def customer(self, decision: Decision) -> object:
        return link("accounts_user", decision.order.customer_id, decision.order.customer)

    @shown(description="State", label=COLORS)
    def state_label(self, decision: Decision) -> tuple[str, str]:
        return decision.state, decision.get_state_display()

    @shown(description="Owed in total")
    def owing(self, decision: Decision) -> str:
        return nowrap(amount(decision.owed))

    @shown(description="Credited now")
    def paid(self, decision: Decision) -> str:
        return nowrap(amount(decision.credited))

    @shown(description="Age", ordering="id")
    def age(self, decision: Decision) -> str:
        return timesince(decision.at, timezone.now(), depth=1)

    @shown(description="Refund request")
    def answered_in(self, decision: Any) -> object:  # noqa: ANN401 - annotated rows
        """Where a waiting decision is answered, or was."""
        number = decision.asked_in if decision.state == DecisionState.AWAITING_REVIEW else _answered_by(decision)
        return link("refunds_refundrequest", number, number)

    @shown(description="Policy version")
    def version(self, decision: Decision) -> object:
        return link("refunds_policyversion", decision.policy_version_id, decision.policy_version)


def _answered_by(decision: Decision) -> int | None:
    return decision.refund_request.pk if hasattr(decision, "refund_request") else None
