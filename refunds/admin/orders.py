"""Orders as staff see them: the list, one order with everything about it, and what staff do to it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RelatedDropdownFilter

from orders.admin import refills
from orders.models import AttentionItem, Order, OrderStatus, Provider
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, nowrap, shown
from refunds import publishing
from refunds.admin import order_actions, order_forms, order_panels, request_actions
from refunds.desk import access
from refunds.models import RefundRequest

COLORS = {
    OrderStatus.PENDING: "",
    OrderStatus.PROCESSING: "info",
    OrderStatus.IN_PROGRESS: "primary",
    OrderStatus.PARTIAL: "warning",
    OrderStatus.CANCELED: "danger",
    OrderStatus.COMPLETED: "success",
}
_LINK_SHOWN = 48
_ORIGIN = ("Where it came from", {"fields": (("through", "came_from"),)})


class NeedsAttentionFilter(admin.SimpleListFilter):
    """Orders with something open in the attention queue."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Needs attention")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() != "open":
            return queryset
        waiting = AttentionItem.objects.filter(resolved_at=None, order__isnull=False)
        return queryset.filter(pk__in=waiting.values("order"))


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Nothing here is edited: the actions move orders by the same use cases as everything else."""

    list_display = (
        "number",
        "state",
        "customer_link",
        "service_name",
        "short_link",
        "quantity",
        "remains",
        "charged",
        "given_back",
        "placed",
    )
    list_select_related = ("customer",)
    list_filter = (
        "status",
        NeedsAttentionFilter,
        ("provider", RelatedDropdownFilter),
        ("service", AutocompleteSelectFilter),
        "placed_at",
    )
    list_filter_submit = True
    search_fields = ("id",)
    search_help_text = "Our or the provider's number, whole e-mail address of the customer, or start of the link"
    fieldsets = (
        (
            "Order",
            {
                "fields": (
                    ("status", "customer_link", "service_link"),
                    ("target",),
                    ("quantity", "remains", "start_count"),
                    ("placed_at", "final_at"),
                )
            },
        ),
        ("Money", {"fields": (("charged", "promo_share"), ("given_back", "earned"), ("rate_shown", "service_type"))}),
        ("Terms", {"fields": (("terms", "policy"), ("allows_cancel", "allows_refill"))}),
        (
            "Provider",
            {
                "fields": (
                    ("provider_link", "provider_service_id", "provider_order_id"),
                    ("submit_due_at", "sync_due_at"),
                )
            },
        ),
    )
    actions = ("start_chosen", "complete_chosen", "cancel_chosen")
    act_permission = "orders.change_order"
    actions_detail = ("start", "set_partial", "complete", "cancel", "open_request", "ask_refill")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        rows: QuerySet[Order] = super().get_queryset(request)
        return rows.select_related("customer", "provider", "service")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search by what an index answers; a link's start is compared from the newest order on."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "://" in term:
            return queryset.filter(link__startswith=term), False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        matches = Q(provider__in=list(Provider.objects.values_list("pk", flat=True)), provider_order_id=term)
        if term.isascii() and term.isdigit():
            matches |= Q(pk=min(int(term), 2**63 - 1))
        return queryset.filter(matches), False

    def has_open_request_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may open refund requests for customers."""
        return bool(request.user.has_perm(access.MAY_OPEN))

    def has_ask_refill_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may ask for refills for customers."""
        return bool(request.user.has_perm("orders.add_refill"))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what the order's status allows; final orders can be corrected to another end."""
        order = Order.objects.filter(pk=object_id).first()
        status = None if order is None else order.status
        hidden = set()
        if status not in {OrderStatus.PENDING, OrderStatus.PROCESSING}:
            hidden.add("orders_order_start")
        if status == OrderStatus.COMPLETED:
            hidden.add("orders_order_complete")
        if RefundRequest.objects.filter(RefundRequest.waiting(), order__pk=object_id).exists():
            hidden.add("orders_order_open_request")
        if order is None or not refills.may_be_asked_for(order):
            hidden.add("orders_order_ask_refill")
        offered = super().get_actions_detail(request, object_id)
        return [action for action in offered if action.action_name not in hidden]

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> Any:  # noqa: ANN401 - as upstream
        """Add where the order came from, for those who may see customers."""
        shown_to_all = super().get_fieldsets(request, obj)
        return (*shown_to_all, _ORIGIN) if request.user.has_perm("accounts.view_user") else shown_to_all

    def panels(self, request: HttpRequest, obj: Order) -> Sequence[Panel]:
        return order_panels.of(request, obj)

    @shown(description="Order", ordering="id")
    def number(self, order: Order) -> str:
        return str(order.pk)

    @shown(description="Status", label=COLORS)
    def state(self, order: Order) -> tuple[str, str]:
        return order.status, order.get_status_display()

    @shown(description="Customer")
    def customer_link(self, order: Order) -> object:
        return link("accounts_user", order.customer_id, order.customer)

    @shown(description="Service")
    def service_link(self, order: Order) -> object:
        return link("orders_service", order.service_id, order.service_name)

    @shown(description="Provider")
    def provider_link(self, order: Order) -> object:
        return link("orders_provider", order.provider_id, order.provider)

    @shown(description="Link")
    def short_link(self, order: Order) -> object:
        text = order.link.removeprefix("https://").removeprefix("http://")
        shortened = text if len(text) <= _LINK_SHOWN else f"{text[:_LINK_SHOWN]}…"
        return format_html('<span title="{}">{}</span>', order.link, shortened)

    @shown(description="Link")
    def target(self, order: Order) -> object:
        """The link as text: staff copy it, and never open a customer's page with this page as its referrer."""
        return format_html("<code>{}</code>", order.link)

    @shown(description="Charge")
    def charged(self, order: Order) -> str:
        return nowrap(amount(order.charge))

    @shown(description="Placed (UTC)")
    def placed(self, order: Order) -> str:
        return f"{order.placed_at:%Y-%m-%d %H:%M}"

    @shown(description="Placed through")
    def through(self, order: Order) -> str:
        return order.get_placed_through_display() or "-"

    @shown(description="Placed from")
    def came_from(self, order: Order) -> str:
        return order.placed_from or "-"

    @shown(description="Paid from promotional balance")
    def promo_share(self, order: Order) -> str:
        return amount(order.charge_promo)

    @shown(description="Refunded")
    def given_back(self, order: Order) -> str:
        return nowrap(amount(order.refunded))

    @shown(description="Recognized as revenue")
    def earned(self, order: Order) -> str:
        return amount(order.recognized)

    @shown(description="Rate")
    def rate_shown(self, order: Order) -> str:
        return amount(order.rate)

    @shown(description="Policy version")
    def policy(self, order: Order) -> object:
        return link("refunds_policyversion", order.policy_version, publishing.version(order.policy_version))

    @detail_action(description="Start…", permissions=["act"], icon="play_arrow")
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.found(request, object_id)
        return order_actions.one(
            self,
            request,
            order,
            words=("Start {}", "in progress"),
            form=order_forms.StartForm,
            carry=order_actions.carry_start,
        )

    @detail_action(description="Set partial…", permissions=["act"], icon="pie_chart")
    def set_partial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return order_actions.one(
            self,
            request,
            self.found(request, object_id),
            words=("Set {} to partial", "partial"),
            form=order_forms.PartialForm,
            carry=order_actions.carry_partial,
            move_of=order_actions.to_partial,
        )

    @detail_action(description="Complete…", permissions=["act"], icon="check")
    def complete(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return order_actions.one(
            self,
            request,
            self.found(request, object_id),
            words=("Complete {}", "completed"),
            form=order_forms.CompleteForm,
            carry=order_actions.carry_complete,
            move_of=order_actions.to_completed,
        )

    @detail_action(description="Cancel…", permissions=["act"], icon="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return order_actions.one(
            self,
            request,
            self.found(request, object_id),
            words=("Cancel {}", "canceled"),
            form=order_forms.CancelForm,
            carry=order_actions.carry_cancel,
            move_of=order_actions.to_canceled,
        )

    @detail_action(description="Open a refund request…", permissions=["open_request"], icon="request_quote")
    def open_request(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.open_for(self, request, self.found(request, object_id))

    @detail_action(description="Ask for a refill…", permissions=["ask_refill"], icon="autorenew")
    def ask_refill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return refills.ask_for(self, request, self.found(request, object_id))

    @admin.action(description="Start…", permissions=["act"])
    def start_chosen(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return order_actions.many(
            self,
            request,
            order_actions.chosen(queryset),
            action="start_chosen",
            words=("Start {}", "in progress"),
            carry=order_actions.carry_start,
        )

    @admin.action(description="Complete…", permissions=["act"])
    def complete_chosen(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return order_actions.many(
            self,
            request,
            order_actions.chosen(queryset),
            action="complete_chosen",
            words=("Complete {}", "completed"),
            carry=order_actions.carry_complete,
            move_of=order_actions.to_completed,
        )

    @admin.action(description="Cancel…", permissions=["act"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return order_actions.many(
            self,
            request,
            order_actions.chosen(queryset),
            action="cancel_chosen",
            words=("Cancel {}", "canceled"),
            form=order_forms.BulkCancelForm,
            carry=order_actions.carry_cancel,
            move_of=order_actions.to_canceled,
        )
