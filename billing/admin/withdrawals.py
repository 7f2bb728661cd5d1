"""Withdrawals as staff see them: the queue by what was promised, one withdrawal with all about it, and the review."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billing import promises
from billing.admin import withdrawal_actions, withdrawal_panels
from billing.admin.showing import Rows, ShowFilter, brief, every, number_in
from billing.models import GatewaySlug, LegState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.models.withdrawal import PROMISED
from billing.sending.checking import ASKED_ABOUT
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, moment, nowrap, shown
from panel.accounts.models import Standing
from panel.kernel import business_days

COLORS = {
    WithdrawalState.REQUESTED: "warning",
    WithdrawalState.IN_REVIEW: "warning",
    WithdrawalState.SCHEDULED: "info",
    WithdrawalState.SENDING: "info",
    WithdrawalState.UNKNOWN: "danger",
    WithdrawalState.SENT: "primary",
    WithdrawalState.PAID: "success",
    WithdrawalState.FAILED: "danger",
    WithdrawalState.DECLINED: "",
    WithdrawalState.CANCELED: "",
}
_STANDINGS = {Standing.CLEAR: "", Standing.ABUSE_FLAGGED: "warning", Standing.FRAUD_SUSPECTED: "danger"}


def _open(rows: Rows) -> Rows:
    return rows.filter(state__in=PROMISED)


def _in(state: WithdrawalState) -> tuple[str, Any]:
    return state.label, lambda rows: rows.filter(state=state)


def _overdue(rows: Rows) -> Rows:
    return rows.filter(Withdrawal.overdue(timezone.now()))


def _to_arrange(rows: Rows) -> Rows:
    return _open(rows).filter(Exists(WithdrawalLeg.objects.filter(withdrawal=OuterRef("pk"), state=LegState.ARRANGING)))


class WithdrawalFilter(ShowFilter):
    """What is open, by the date that was promised, unless something else is asked for."""

    first = "Open"
    narrow_first = _open
    others = {
        "in_review": _in(WithdrawalState.IN_REVIEW),
        "overdue": ("Overdue", _overdue),
        "unknown": _in(WithdrawalState.UNKNOWN),
        "to_arrange": ("To be arranged", _to_arrange),
        "sent": _in(WithdrawalState.SENT),
        "paid": _in(WithdrawalState.PAID),
        "failed": _in(WithdrawalState.FAILED),
        "declined": _in(WithdrawalState.DECLINED),
        "canceled": _in(WithdrawalState.CANCELED),
        "all": ("All", every),
    }


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    """Nothing here is edited: customers ask, the sweep sends, and staff review by the same use cases."""

    list_display = ("number", "owner", "sum", "state_label", "send_by", "why", "standing", "requested")
    list_select_related = ("customer",)
    list_filter = (WithdrawalFilter, "origin")
    search_fields = ("id",)
    search_help_text = "Number, whole e-mail address of the customer, or the gateway's whole reference of a part"
    fieldsets = (
        (
            "Withdrawal",
            {"fields": (("state", "owner"), ("sum", "origin"), ("requested_at", "ended_at"), ("send_at", "due_at"))},
        ),
        ("Promised to the customer", {"fields": (("promise", "bank_by_date"), ("earliest_date", "overdue_at"))}),
        ("Decision of the policy", {"fields": ("sentence", ("policy", "clause"))}),
        ("Review", {"fields": ("review_reason", ("reviewed_by", "decline_reason"))}),
    )
    act_permission = "billing.change_withdrawal"
    actions_detail = ("approve", "decline", "look_up")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Open ones by what was promised first; all of them by the latest."""
        waiting = {None, "in_review", "overdue", "unknown", "to_arrange"}
        return ("overdue_at", "id") if request.GET.get("show") in waiting else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Withdrawal], search_term: str
    ) -> tuple[QuerySet[Withdrawal], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        known = WithdrawalLeg.objects.filter(gateway__in=GatewaySlug.values, reference=term)
        matches = Q(pk__in=list(known.values_list("withdrawal", flat=True)))
        if (number := number_in(term)) is not None:
            matches |= Q(pk=number)
        return queryset.filter(matches), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only what is in review can be reviewed, and only what may have been sent can be looked up."""
        found = Withdrawal.objects.filter(pk=object_id)
        offered = {"approve", "decline"} if found.filter(state=WithdrawalState.IN_REVIEW).exists() else set()
        if found.filter(legs__state__in=ASKED_ABOUT).exists():
            offered.add("look_up")
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("billing_withdrawal_") in offered]

    def panels(self, request: HttpRequest, obj: Withdrawal) -> Sequence[Panel]:
        return withdrawal_panels.of(request, obj)

    @shown(description="Withdrawal", ordering="id")
    def number(self, withdrawal: Withdrawal) -> str:
        return str(withdrawal.pk)

    @shown(description="Customer")
    def owner(self, withdrawal: Withdrawal) -> object:
        return link("accounts_user", withdrawal.customer_id, withdrawal.customer)

    @shown(description="Amount")
    def sum(self, withdrawal: Withdrawal) -> str:
        return nowrap(amount(withdrawal.amount))

    @shown(description="State", label=COLORS)
    def state_label(self, withdrawal: Withdrawal) -> tuple[str, str]:
        return withdrawal.state, withdrawal.get_state_display()

    @shown(description="Requested (UTC)", ordering="requested_at")
    def requested(self, withdrawal: Withdrawal) -> str:
        return nowrap(moment(withdrawal.requested_at))

    @shown(description="Send by", ordering="overdue_at", label={"overdue": "danger", "today": "warning", "": ""})
    def send_by(self, withdrawal: Withdrawal) -> tuple[str, str]:
        return promised(withdrawal, timezone.now())

    @shown(description="To be sent by")
    def promise(self, withdrawal: Withdrawal) -> str:
        date = promises.in_words(withdrawal.send_by_date, today=timezone.localdate())
        return f"{date} ({promised(withdrawal, timezone.now())[1]})" if withdrawal.state in PROMISED else date

    @shown(description="In review because")
    def why(self, withdrawal: Withdrawal) -> str:
        return brief(withdrawal.review_reason) if withdrawal.state == WithdrawalState.IN_REVIEW else "-"

    @shown(description="Standing", label=_STANDINGS)
    def standing(self, withdrawal: Withdrawal) -> tuple[str, str]:
        customer = withdrawal.customer
        return customer.standing, "Suspended" if customer.is_suspended else customer.get_standing_display()

    @shown(description="Policy version")
    def policy(self, withdrawal: Withdrawal) -> object:
        return link("refunds_policyversion", withdrawal.policy_version, "The version that decided")

    @detail_action(description="Approve…", permissions=["act"], icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return withdrawal_actions.approve(self, request, self.found(request, object_id))

    @detail_action(description="Decline…", permissions=["act"], icon="close")
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return withdrawal_actions.decline(self, request, self.found(request, object_id))

    @detail_action(description="Check with the gateway…", permissions=["act"], icon="sync")
    def look_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return withdrawal_actions.look_up(self, request, self.found(request, object_id))


def promised(withdrawal: Withdrawal, now: datetime) -> tuple[str, str]:
    """Return how urgent the promise is (`overdue`, `today` or nothing), and how far off its date is."""
    if withdrawal.state not in PROMISED:
        return "", str(withdrawal.send_by_date)
    calendar = business_days.calendar(settings.BUSINESS_CALENDAR)
    words = promises.countdown(withdrawal.send_by_date, today=timezone.localdate(now), calendar=calendar)
    if withdrawal.overdue_at <= now:
        return "overdue", f"Overdue: {words}"
    return "today" if withdrawal.send_by_date <= timezone.localdate(now) else "", words
