"""Deposits as staff see them: what was paid in, how, and what of it can still go back."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing.admin import deposit_actions, money_panels
from billing.admin.showing import number_in
from billing.models import Deposit, DepositState, GatewaySlug, PayoutKind, Receipt, Transfer, WithdrawalLeg
from panel.accounts.admin.pages import (
    Panel,
    ReadOnlyAdmin,
    amount,
    detail_action,
    link,
    list_link,
    moment,
    nowrap,
    shown,
)

COLORS = {
    DepositState.OPENING: "",
    DepositState.OPEN: "info",
    DepositState.DELAYED: "warning",
    DepositState.PAID: "success",
    DepositState.FAILED: "danger",
    DepositState.EXPIRED: "",
}
_MOST = 100
_ORIGIN = ("Where it came from", {"fields": ("came_from",)})


@admin.register(Deposit)
class DepositAdmin(ReadOnlyAdmin):
    """Nothing here is edited: gateways report, and staff record by the same use case as everything else."""

    list_display = ("number", "owner", "paid_with", "state_label", "wanted", "received", "left", "paid")
    list_select_related = ("customer",)
    list_filter = ("state", "gateway", "paid_at")
    search_fields = ("reference",)
    search_help_text = "Number, whole e-mail address of the customer, or whole reference of the gateway or the bank"
    fieldsets = (
        (
            "Deposit",
            {"fields": (("state", "owner"), ("wanted", "received"), ("created_at", "paid_at"), "expires_at")},
        ),
        ("What can still go back", {"fields": (("left", "on_its_way"), ("gone_back", "in_dispute"), "takes_back")}),
        (
            "Payment",
            {
                "fields": (
                    ("gateway", "paid_with"),
                    "reference",
                    "payment_reference",
                    ("gateway_words", "failure"),
                    "due_at",
                    "events",
                )
            },
        ),
        ("Evidence", {"fields": (("policy", "recorded"),)}),
    )
    act_permission = "billing.change_deposit"
    actions_detail = ("ask_again",)
    actions_list = ("record",)

    def has_record_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may credit payments that arrived by hand."""
        return bool(request.user.has_perm("billing.add_deposit"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Deposit], search_term: str
    ) -> tuple[QuerySet[Deposit], bool]:
        """Search by what an index answers; a bank's reference is looked up among the receipts first."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        receipts = Receipt.objects.filter(kind__in=PayoutKind.values, reference=term).values_list("deposit", flat=True)
        matches = Q(pk__in=list(receipts))
        if (number := number_in(term)) is not None:
            matches |= Q(pk=number)
        for column in ("reference", "payment_reference"):
            matches |= Q(gateway__in=GatewaySlug.values, **{column: term})
        return queryset.filter(matches), False

    def get_fieldsets(self, request: HttpRequest, obj: Deposit | None = None) -> Any:  # noqa: ANN401 - as upstream
        """Add where the deposit came from, for those who may see customers."""
        shown_to_all = super().get_fieldsets(request, obj)
        return (*shown_to_all, _ORIGIN) if request.user.has_perm("accounts.view_user") else shown_to_all

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """There is nothing to ask about before the gateway has heard of the deposit."""
        known = Deposit.objects.filter(pk=object_id, reference__isnull=False).exists()
        return super().get_actions_detail(request, object_id) if known else []

    def panels(self, request: HttpRequest, obj: Deposit) -> Sequence[Panel]:
        found = []
        if request.user.has_perm("billing.view_withdrawal"):
            went = WithdrawalLeg.objects.filter(deposit=obj).select_related("deposit").order_by("id")
            found.append(money_panels.legs(went[:_MOST]))
        if request.user.has_perm("billing.view_transfer"):
            booked = Transfer.objects.filter(deposit=obj).select_related("debit_account", "credit_account")
            found.append(money_panels.transfers(booked.order_by("id")[:_MOST]))
        return found

    @shown(description="Deposit", ordering="id")
    def number(self, deposit: Deposit) -> str:
        return str(deposit.pk)

    @shown(description="Customer")
    def owner(self, deposit: Deposit) -> object:
        return link("accounts_user", deposit.customer_id, deposit.customer)

    @shown(description="State", label=COLORS)
    def state_label(self, deposit: Deposit) -> tuple[str, str]:
        return deposit.state, deposit.get_state_display()

    @shown(description="Asked")
    def wanted(self, deposit: Deposit) -> str:
        return nowrap(amount(deposit.asked))

    @shown(description="Received")
    def received(self, deposit: Deposit) -> str:
        return nowrap(amount(deposit.amount))

    @shown(description="Can go back")
    def left(self, deposit: Deposit) -> str:
        return money_panels.left_on(deposit, at=timezone.now())

    @shown(description="On its way back")
    def on_its_way(self, deposit: Deposit) -> str:
        return amount(deposit.reserved)

    @shown(description="Went back")
    def gone_back(self, deposit: Deposit) -> str:
        return amount(deposit.refunded)

    @shown(description="In dispute")
    def in_dispute(self, deposit: Deposit) -> str:
        return amount(deposit.disputed)

    @shown(description="Method")
    def paid_with(self, deposit: Deposit) -> str:
        by_hand = ", by hand" if deposit.gateway == GatewaySlug.MANUAL else ""
        return nowrap(deposit.method + by_hand) if deposit.method_kind else "-"

    @shown(description="Takes money back")
    def takes_back(self, deposit: Deposit) -> str:
        return "No: the gateway said that this method is gone" if deposit.method_gone else "As far as known"

    @shown(description="Paid (UTC)", ordering="paid_at")
    def paid(self, deposit: Deposit) -> str:
        return nowrap(moment(deposit.paid_at))

    @shown(description="Refund policy that the customer saw")
    def policy(self, deposit: Deposit) -> object:
        return link("refunds_policyversion", deposit.policy_version, "The version in force then")

    @shown(description="Opened from")
    def came_from(self, deposit: Deposit) -> str:
        return deposit.opened_from or "-"

    @shown(description="Recorded by")
    def recorded(self, deposit: Deposit) -> object:
        return link("accounts_user", deposit.recorded_by_id, deposit.recorded_by)

    @shown(description="Gateway events")
    def events(self, deposit: Deposit) -> object:
        return list_link("billing_gatewayevent", "Show", q=deposit.reference) if deposit.reference else "-"

    @detail_action(description="Ask the gateway again…", permissions=["act"], icon="sync")
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return deposit_actions.ask_again(self, request, self.found(request, object_id))

    @detail_action(description="Record a deposit by hand…", permissions=["record"], icon="add")
    def record(self, request: HttpRequest) -> HttpResponse:
        return deposit_actions.record(self, request, None, back=reverse("admin:billing_deposit_changelist"))
