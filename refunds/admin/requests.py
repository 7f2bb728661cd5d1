"""Refund requests as staff see them: the queue by when an answer is due, one request with all about it, the answers."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from billing.admin.showing import number_in
from panel.accounts.admin.asking import staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, moment, nowrap, shown
from panel.accounts.models import Standing
from panel.kernel import money
from refunds.admin import request_actions, request_batches, request_decisions, request_panels
from refunds.admin.request_filters import OPEN_TABS, QueueFilter
from refunds.desk import access, clock
from refunds.desk.clock import Urgency
from refunds.models import RefundFile, RefundRequest, RequestOrigin
from refunds.policy import wording

_URGENCIES = {
    Urgency.OVERDUE: "text-red-700",
    Urgency.SOON: "text-orange-700",
    Urgency.LATER: "",
}
_LONGEST_NAME: Final = 24
_STANDINGS = {Standing.ABUSE_FLAGGED: "text-orange-700", Standing.FRAUD_SUSPECTED: "text-red-700"}
_FLAGS = {
    "urgent": "text-red-700",
    "unread": "text-orange-700",
    "confirm": "text-orange-700",
    "question": "text-blue-700",
    "referred": "text-blue-700",
}


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """Nothing here is edited: customers ask, and staff answer by the use cases of the desk."""

    list_display = (
        "number",
        "clock_label",
        "flags",
        "at_stake",
        "who_stands_how",
        "asked",
        "holder_in_short",
    )
    list_filter = (QueueFilter, "origin", "cause")
    search_fields = ("id",)
    search_help_text = "Number of the request or of its order, or whole e-mail address of the customer"
    fieldsets = (
        (
            "Request",
            {
                "fields": (
                    ("state", "flags_shown"),
                    ("clock_shown", "holder"),
                    ("of_order", "version"),
                    ("origin", "opened_by"),
                    ("opened_at", "promise"),
                    "clause",
                )
            },
        ),
    )
    _recommended = (
        "Recommended, for a second person to confirm",
        {"fields": (("recommended_amount_shown", "recommended_by"), ("recommended_why", "recommended_at"))},
    )
    _answered = (
        "Answer",
        {"fields": (("credited", "proposed_shown"), ("closed_by", "closed_at"), "answer", ("answer_clause", "ruled"))},
    )
    act_permission = access.MAY_WORK
    actions = ("approve_chosen",)
    # Short words, and some without a picture: all of them fit beside each other on a screen of 1280 pixels.
    actions_detail = (
        "claim",
        "release",
        "approve",
        "approve_other",
        "decline",
        "confirm",
        "send_back",
        "ask_customer",
        "note",
        "refer",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundRequest]:
        rows: QuerySet[RefundRequest] = super().get_queryset(request)
        return rows.select_related("order", "customer", "assignee", "recommended_by", "closed_by", "opened_by")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> RefundRequest | None:
        """Find a request with what is known of its files, without their bytes."""
        found: RefundRequest | None = super().get_object(request, object_id, from_field)
        if found is not None:
            prefetch_related_objects([found], Prefetch("files", RefundFile.objects.defer("content")))
        return found

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits by when it is due; the rest by the latest."""
        return ("due_at", "id") if (request.GET.get("show") or None) in OPEN_TABS else ("-id",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ANN401 - as upstream
        """Show what was recommended, or what was answered, where there is such."""
        found: list[Any] = list(self.fieldsets)
        if obj is not None and obj.recommended_at is not None:
            found.insert(0, self._recommended)
        if obj is not None and not obj.is_open:
            found.insert(0, self._answered)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RefundRequest], search_term: str
    ) -> tuple[QuerySet[RefundRequest], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        number = number_in(term.removeprefix("#"))
        return queryset.filter(Q(pk=number) | Q(order_id=number) if number is not None else Q(pk=None)), False

    def has_confirm_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may be the second person."""
        return bool(request.user.has_perm(access.MAY_CONFIRM))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits the request's state and this person: nothing on one's own, no second look at one's own."""
        found = RefundRequest.objects.filter(pk=object_id).select_related("order", "customer").first()
        offered = set() if found is None else request_actions.offered(found, staff_of(request), at=timezone.now())
        actions = super().get_actions_detail(request, object_id)
        prefix = "refunds_refundrequest_"
        return [action for action in actions if action.action_name.removeprefix(prefix) in offered]

    def panels_above(self, request: HttpRequest, obj: RefundRequest) -> Sequence[Panel]:
        return request_panels.above(obj, at=timezone.now())

    def panels(self, request: HttpRequest, obj: RefundRequest) -> Sequence[Panel]:
        return request_panels.of(request, obj, at=timezone.now())

    @shown(description="Request", ordering="id")
    def number(self, wish: RefundRequest) -> object:
        """Number it, with a mark when it was not the customer who opened it."""
        if wish.origin == RequestOrigin.CUSTOMER:
            return str(wish.pk)
        return format_html("{}<br>{}", wish.pk, RequestOrigin(wish.origin).value)

    @shown(description="Order and cause", ordering="cause")
    def asked(self, wish: RefundRequest) -> object:
        return format_html("{}<br>{}", self.of_order(wish), wish.get_cause_display())

    @shown(description="Order")
    def of_order(self, wish: RefundRequest) -> object:
        return link("orders_order", wish.order_id, wish.order_id)

    @shown(description="Customer")
    def who_stands_how(self, wish: RefundRequest) -> object:
        """Name the customer, and how he stands unless he stands clear."""
        name = link("accounts_user", wish.customer_id, Truncator(str(wish.customer)).chars(_LONGEST_NAME))
        if wish.customer.standing == Standing.CLEAR:
            return name
        color = _STANDINGS[Standing(wish.customer.standing)]
        return format_html(
            '{}<br><span class="{} font-semibold">{}</span>',
            name,
            color,
            wish.customer.get_standing_display(),
        )

    @shown(description="At stake")
    def at_stake(self, wish: RefundRequest) -> SafeString:
        """What was proposed when it was opened and has not been credited since; what is recommended; the answer."""
        if not wish.is_open:
            return format_html("{}<br>{}", wish.get_state_display(), nowrap(amount(wish.amount)))
        left = nowrap(amount(max(wish.owed - wish.order.refunded, money.ZERO)))
        if wish.recommended_amount is None:
            return left
        return format_html("{}<br>{}", left, nowrap(f"→ {amount(wish.recommended_amount)}"))

    @shown(description="Clock", ordering="due_at")
    def clock_label(self, wish: RefundRequest) -> object:
        """Count down, with the promised hours on a line of their own."""
        found = clock.countdown(wish, timezone.now())
        if not wish.is_open:
            return found.words.capitalize()
        left, of, promised = found.words.capitalize().partition(" of ")
        cell = format_html('<span class="{} font-semibold">{}</span>', _URGENCIES[found.urgency], nowrap(left))
        return format_html("{}<br>{}", cell, nowrap(f"of {promised}")) if of else cell

    @shown(description="Clock")
    def clock_shown(self, wish: RefundRequest) -> str:
        return clock.countdown(wish, timezone.now()).words.capitalize()

    @shown(description="Promised to the customer (UTC)")
    def promise(self, wish: RefundRequest) -> str:
        hours = wording.span(*clock.promised_hours(wish))
        return f"between {moment(wish.answer_from)} and {moment(wish.due_at)} ({hours} hours)"

    @shown(description="Assigned to")
    def holder(self, wish: RefundRequest) -> str:
        return str(wish.assignee) if wish.assignee else "-"

    @shown(description="Assigned to")
    def holder_in_short(self, wish: RefundRequest) -> str:
        return (wish.assignee.name or wish.assignee.email.partition("@")[0]) if wish.assignee else "-"

    @shown(description="Flags")
    def flags(self, wish: RefundRequest) -> object:
        """Name each on a line of its own: beside each other they would push the last columns off the screen."""
        found = ((_FLAGS[key], words) for key, words in request_panels.flags(wish))
        return format_html_join(mark_safe("<br>"), '<span class="{} font-semibold">{}</span>', found) or "-"

    @shown(description="Flags")
    def flags_shown(self, wish: RefundRequest) -> str:
        return ", ".join(words for _, words in request_panels.flags(wish)) or "-"

    @shown(description="Policy version")
    def version(self, wish: RefundRequest) -> SafeString:
        address = reverse("refund-policy-version", args=[wish.policy_version_id])
        return format_html('<a href="{}" class="text-link">as customers read it</a>', address)

    @shown(description="Amount")
    def recommended_amount_shown(self, wish: RefundRequest) -> str:
        return amount(wish.recommended_amount)

    @shown(description="Why")
    def recommended_why(self, wish: RefundRequest) -> str:
        return wish.recommended_note

    @shown(description="Credited by this request")
    def credited(self, wish: RefundRequest) -> str:
        return amount(wish.amount)

    @shown(description="Proposed by the policy")
    def proposed_shown(self, wish: RefundRequest) -> str:
        return amount(wish.proposed)

    @shown(description="Decision")
    def ruled(self, wish: RefundRequest) -> object:
        return link("refunds_decision", wish.decision_id, wish.decision_id)

    @detail_action(description="Claim…", permissions=["act"], icon="back_hand")
    def claim(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.claim(self, request, self.found(request, object_id))

    @detail_action(description="Release…", permissions=["act"], icon="undo")
    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.release(self, request, self.found(request, object_id))

    @detail_action(description="Ask…", permissions=["act"], icon="")
    def ask_customer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.ask_customer(self, request, self.found(request, object_id))

    @detail_action(description="Note…", permissions=["act"], icon="")
    def note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.note(self, request, self.found(request, object_id))

    @detail_action(description="Refer…", permissions=["act"], icon="")
    def refer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_actions.refer(self, request, self.found(request, object_id))

    @detail_action(description="Approve as proposed…", permissions=["act"], icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_decisions.approve(self, request, self.found(request, object_id))

    @detail_action(description="Another amount…", permissions=["act"], icon="tune")
    def approve_other(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_decisions.approve_other(self, request, self.found(request, object_id))

    @detail_action(description="Decline…", permissions=["act"], icon="close")
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_decisions.decline(self, request, self.found(request, object_id))

    @detail_action(description="Confirm…", permissions=["confirm"], icon="verified")
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_decisions.confirm(self, request, self.found(request, object_id))

    @detail_action(description="Send back…", permissions=["act"], icon="reply")
    def send_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return request_decisions.send_back(self, request, self.found(request, object_id))

    @admin.action(description="Approve as proposed…", permissions=["act"])
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[RefundRequest]) -> HttpResponse | None:
        return request_batches.approve(self, request, queryset)
