"""Refund requests as staff see them: the queue by when an answer is due, one request with all about it, the answers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing.admin.showing import number_in
from orders.models import Cause
from panel.accounts.admin.asking import staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, moment, nowrap, shown
from panel.accounts.models import Standing
from panel.kernel import money
from refunds.admin import request_actions, request_batches, request_decisions, request_panels
from refunds.admin.request_filters import OPEN_TABS, QueueFilter
from refunds.desk import access, causes, clock
from refunds.desk.clock import Urgency
from refunds.models import RefundFile, RefundRequest, RequestOrigin
from refunds.policy import wording

_URGENCIES = {Urgency.OVERDUE: "danger", Urgency.SOON: "warning", Urgency.LATER: "", Urgency.CLOSED: ""}
_STANDINGS = {Standing.ABUSE_FLAGGED: "text-orange-700", Standing.FRAUD_SUSPECTED: "text-red-700"}
_FLAGS = {"urgent": "danger", "unread": "warning", "confirm": "warning", "question": "info", "referred": "info", "": ""}


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """Nothing here is edited: customers ask, and staff answer by the use cases of the desk."""

    list_display = (
        "number",
        "clock_label",
        "flags",
        "at_stake",
        "who_stands_how",
        "of_order",
        "cause",
        "asked_by",
        "holder",
    )
    list_filter = (QueueFilter, "origin", "cause")
    search_fields = ("id",)
    search_help_text = "Number of the request or of its order, or whole e-mail address of the customer"
    fieldsets = (
        (
            "Request",
            {
                "fields": (
                    ("state", "cause_in_words"),
                    ("who", "of_order"),
                    ("origin", "opened_by"),
                    "description_shown",
                    "files_shown",
                )
            },
        ),
        (
            "Clock",
            {"fields": (("clock_shown", "holder"), ("opened_at", "promise"), ("flags_shown", "expedite_reason"))},
        ),
        ("When it was opened", {"fields": ("sentence", ("clause", "version"))}),
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
        found = list(self.fieldsets)
        if obj is not None and obj.recommended_at is not None:
            found.insert(2, self._recommended)
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
        found = RefundRequest.objects.filter(pk=object_id).select_related("order").first()
        offered = set() if found is None else request_actions.offered(found, staff_of(request))
        actions = super().get_actions_detail(request, object_id)
        prefix = "refunds_refundrequest_"
        return [action for action in actions if action.action_name.removeprefix(prefix) in offered]

    def panels(self, request: HttpRequest, obj: RefundRequest) -> Sequence[Panel]:
        return request_panels.of(request, obj, at=timezone.now())

    @shown(description="Request", ordering="id")
    def number(self, wish: RefundRequest) -> str:
        return str(wish.pk)

    @shown(description="Order")
    def of_order(self, wish: RefundRequest) -> object:
        return link("orders_order", wish.order_id, wish.order_id)

    @shown(description="Customer")
    def who(self, wish: RefundRequest) -> object:
        return link("accounts_user", wish.customer_id, wish.customer)

    @shown(description="Customer")
    def who_stands_how(self, wish: RefundRequest) -> object:
        """Name the customer, and how he stands unless he stands clear."""
        if wish.customer.standing == Standing.CLEAR:
            return self.who(wish)
        color = _STANDINGS[Standing(wish.customer.standing)]
        return format_html(
            '{}<br><span class="{} font-semibold">{}</span>',
            self.who(wish),
            color,
            wish.customer.get_standing_display(),
        )

    @shown(description="Origin", ordering="origin")
    def asked_by(self, wish: RefundRequest) -> str:
        return RequestOrigin(wish.origin).value.capitalize()

    @shown(description="Cause")
    def cause_in_words(self, wish: RefundRequest) -> str:
        return f"{wish.get_cause_display()} (“{causes.words(Cause(wish.cause))}”)"

    @shown(description="At stake")
    def at_stake(self, wish: RefundRequest) -> SafeString:
        """What was proposed when it was opened and has not been credited since; what is recommended; the answer."""
        if not wish.is_open:
            return format_html("{}<br>{}", wish.get_state_display(), nowrap(f"{amount(wish.amount)} credited"))
        left = nowrap(amount(max(wish.owed - wish.order.refunded, money.ZERO)))
        if wish.recommended_amount is None:
            return left
        return format_html("{}<br>{}", left, nowrap(f"→ {amount(wish.recommended_amount)} recommended"))

    @shown(description="Clock", ordering="due_at", label=_URGENCIES)
    def clock_label(self, wish: RefundRequest) -> tuple[str, str]:
        found = clock.countdown(wish, timezone.now())
        return found.urgency, found.words.capitalize()

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

    @shown(description="Flags", label=_FLAGS)
    def flags(self, wish: RefundRequest) -> tuple[str, str]:
        found = request_panels.flags(wish)
        return (found[0][0], ", ".join(words for _, words in found)) if found else ("", "-")

    @shown(description="Flags")
    def flags_shown(self, wish: RefundRequest) -> str:
        return ", ".join(words for _, words in request_panels.flags(wish)) or "-"

    @shown(description="Description")
    def description_shown(self, wish: RefundRequest) -> SafeString:
        """What the customer wrote, as text: never as markup."""
        return request_panels.lines(wish.description)

    @shown(description="Files")
    def files_shown(self, wish: RefundRequest) -> object:
        rows = [
            (reverse("refund-file", args=[wish.pk, file.position]), file.name, _size(file.size))
            for file in wish.files.all()
        ]
        return format_html_join(mark_safe("<br>"), '<a href="{}" class="text-link">{}</a> ({})', rows) or "-"

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


def _size(size: int) -> str:
    return f"{max(1, round(Decimal(size) / 1024)):,} kB"
