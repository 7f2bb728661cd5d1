"""Disputes as staff see them: the queue by deadline with the figures, and one dispute with all about it.

Here and not in the billing room, because the page shows orders and what the policy says.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from billing.admin.showing import Rows, ShowFilter, brief, every, number_in, told_by_gateways
from billing.models import Dispute, Standing
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, link, moment, nowrap, shown
from refunds.admin import dispute_actions, dispute_panels, evidence_panels
from refunds.evidence import access

COLORS = {
    Standing.INQUIRY: "info",
    Standing.NEEDS_RESPONSE: "danger",
    Standing.UNDER_REVIEW: "warning",
    Standing.WON: "success",
    Standing.LOST: "danger",
    Standing.CLOSED: "",
    Standing.UNRECOGNIZED: "danger",
}
URGENCY = {"over": "danger", "day": "danger", "days": "warning", "": ""}


def _to_answer(rows: Rows) -> Rows:
    return rows.filter(Dispute.waiting())


def _in(standing: Standing) -> tuple[str, Any]:
    return standing.label, lambda rows: rows.filter(standing=standing)


class DisputeFilter(ShowFilter):
    """What has to be answered, by the deadline, unless something else is asked for."""

    first = "To answer"
    narrow_first = _to_answer
    others = {
        "under_review": _in(Standing.UNDER_REVIEW),
        "attention": ("To look at", lambda rows: rows.exclude(attention="")),
        "won": _in(Standing.WON),
        "lost": _in(Standing.LOST),
        "closed": _in(Standing.CLOSED),
        "inquiry": _in(Standing.INQUIRY),
        "all": ("All", every),
    }


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Nothing here is edited: the gateway reports, and what follows is the policy's."""

    list_display = ("number", "owner", "claimed", "standing_label", "answer", "why", "contact", "opened")
    list_filter = (DisputeFilter,)
    search_fields = ("id",)
    search_help_text = "Number, whole e-mail address of the customer, or the gateway's whole reference"
    list_before_template = "admin/list_panels.html"
    fieldsets = (
        (
            "Dispute",
            {
                "fields": (
                    ("condition", "owner"),
                    ("reason", "reason_code"),
                    ("answer_by", "submissions"),
                    ("opened_at", "ended_at"),
                    ("reference", "gateway_words"),
                    "attention",
                )
            },
        ),
        ("Account and policy", {"fields": (("account", "policy"), ("contact_words",))}),
    )
    act_permission = "billing.change_dispute"
    actions_detail = ("look_again", "close_account", "open_account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispute]:
        rows: QuerySet[Dispute] = super().get_queryset(request)
        return rows.select_related("customer", "deposit")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Those to be answered by their deadline; all of them by the latest."""
        return ("respond_by", "id") if request.GET.get("show") is None else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Dispute], search_term: str
    ) -> tuple[QuerySet[Dispute], bool]:
        return told_by_gateways(queryset, search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        panels = [dispute_panels.figures(timezone.now())]
        answer: TemplateResponse = super().changelist_view(request, {**(extra_context or {}), "list_panels": panels})
        return answer

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """An account can be opened again only where the dispute keeps it closed."""
        number = number_in(str(object_id))
        offered = {"look_again"}
        if number is not None and Dispute.suspending().filter(pk=number).exists():
            offered.add("open_account")
        if number is not None and Dispute.objects.filter(pk=number, standing=Standing.LOST, bans=False).exists():
            offered.add("close_account")
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("billing_dispute_") in offered]

    def panels_above(self, request: HttpRequest, obj: Dispute) -> Sequence[Panel]:
        return dispute_panels.money_now(obj)

    def panels(self, request: HttpRequest, obj: Dispute) -> Sequence[Panel]:
        may_see = request.user.has_perm(access.MAY_SEE)
        evidence = evidence_panels.of_dispute(obj, at=timezone.now()) if may_see else []
        return [*evidence, *dispute_panels.of(request, obj)]

    @shown(description="Dispute", ordering="id")
    def number(self, dispute: Dispute) -> str:
        return str(dispute.pk)

    @shown(description="Customer")
    def owner(self, dispute: Dispute) -> object:
        return link("accounts_user", dispute.customer_id, dispute.customer)

    @shown(description="Claimed")
    def claimed(self, dispute: Dispute) -> str:
        return nowrap(dispute.claim)

    @shown(description="Standing", label=COLORS)
    def standing_label(self, dispute: Dispute) -> tuple[str, str]:
        words = f"Appeal: {dispute.get_standing_display().lower()}" if dispute.is_appeal else None
        return dispute.standing, words or dispute.get_standing_display()

    @shown(description="Standing")
    def condition(self, dispute: Dispute) -> str:
        return self.standing_label(dispute)[1]

    @shown(
        description="Answer",
        ordering="respond_by",
        label={"over": "danger", "day": "danger", "days": "warning", "": ""},
    )
    def answer(self, dispute: Dispute) -> tuple[str, str]:
        return dispute_panels.left(dispute.respond_by)

    @shown(description="Answer by (UTC)")
    def answer_by(self, dispute: Dispute) -> str:
        if dispute.respond_by is None:
            return "-"
        return f"{moment(dispute.respond_by)} ({dispute_panels.left(dispute.respond_by)[1]})"

    @shown(description="Reason")
    def why(self, dispute: Dispute) -> str:
        return brief(dispute.reason.replace("_", " "))

    @shown(description="Wrote to us before", label={True: "success", False: "warning", None: ""})
    def contact(self, dispute: Dispute) -> tuple[bool | None, str]:
        return dispute.contacted, {True: "Yes", False: "No", None: "-"}[dispute.contacted]

    @shown(description="Wrote to us before")
    def contact_words(self, dispute: Dispute) -> str:
        return dispute.contact_note or "-"

    @shown(description="Opened (UTC)", ordering="opened_at")
    def opened(self, dispute: Dispute) -> str:
        return nowrap(moment(dispute.opened_at))

    @shown(description="The account")
    def account(self, dispute: Dispute) -> str:
        if dispute.bans:
            return "Closed because of this dispute"
        return "Suspended because of this dispute" if dispute.suspends else "Not suspended because of this dispute"

    @shown(description="Policy version")
    def policy(self, dispute: Dispute) -> object:
        return link("refunds_policyversion", dispute.policy_version, "The version shown at the payment")

    @detail_action(description="Check with the gateway…", permissions=["act"], icon="sync")
    def look_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return dispute_actions.look_again(self, request, self.found(request, object_id))

    @detail_action(description="Close the account…", permissions=["act"], icon="block")
    def close_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return dispute_actions.close_account(self, request, self.found(request, object_id))

    @detail_action(description="Open the account…", permissions=["act"], icon="lock_open")
    def open_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return dispute_actions.open_account(self, request, self.found(request, object_id))
