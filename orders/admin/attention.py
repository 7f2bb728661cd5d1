"""The attention queue: what waits for a person, and how a person settles it."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from unfold.widgets import UnfoldAdminTextInputWidget

from orders import attention
from orders.fulfilment import submit, unknowns
from orders.models import AttentionItem, AttentionKind, Refill, Submission, SubmissionState
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, link, moment, shown
from panel.kernel.errors import NotFound

_ABOUT_REFILLS = {AttentionKind.REFILL_UNKNOWN, AttentionKind.REFILL_ODD, AttentionKind.REFILL_SILENT}


class OpenFilter(admin.SimpleListFilter):
    """Open items unless others are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("resolved", "Resolved"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:  # noqa: ANN401 - as upstream
        """Call the list without a filter by what it shows."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "Open"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AttentionItem]) -> QuerySet[AttentionItem]:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "resolved")


class ResolutionForm(forms.Form):
    """What was decided."""

    resolution = line(label="What was decided")


class FoundForm(forms.Form):
    """The number under which the provider has the order."""

    provider_order_id = forms.CharField(
        max_length=60, label="The provider's number of the order", widget=UnfoldAdminTextInputWidget()
    )


@admin.register(AttentionItem)
class AttentionItemAdmin(ReadOnlyAdmin):
    """Resolving changes nothing else: move the order on its own page first, if it has to move."""

    list_display = ("kind", "of_order", "of_provider", "detail", "seen", "age", "last_at", "resolution")
    list_select_related = ("order", "provider")
    list_filter = (OpenFilter, "kind")
    search_fields = ("order_id",)
    search_help_text = "Number of the order"
    fieldsets = (
        ("What happened", {"fields": ("kind", "detail", ("of_order", "of_provider"), ("seen", "first_at", "last_at"))}),
        ("Resolution", {"fields": (("resolved_at", "resolved_by"), "resolution")}),
    )
    act_permission = "orders.change_attentionitem"
    actions_detail = ("resolve", "found_at_provider", "not_at_provider", "send_again")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AttentionItem], search_term: str
    ) -> tuple[QuerySet[AttentionItem], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        number = min(int(term), 2**63 - 1) if term.isascii() and term.isdigit() else 0
        return queryset.filter(order_id=number), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits: nothing on resolved items, and the two answers about a submission only where it is asked."""
        kinds = AttentionItem.objects.filter(pk=object_id, resolved_at=None).values_list("kind", flat=True)
        kind = kinds.first()
        offered = {"resolve"} if kind not in {None, AttentionKind.SUBMISSION_UNKNOWN} else set()
        if kind == AttentionKind.SUBMISSION_UNKNOWN:
            offered |= {"found_at_provider", "not_at_provider"}
        if kind == AttentionKind.SUBMISSION_REFUSED:
            offered.add("send_again")
        prefix = "orders_attentionitem_"
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix(prefix) in offered]

    def panels(self, request: HttpRequest, obj: AttentionItem) -> Sequence[Panel]:
        report = json.dumps(obj.report, indent=2, ensure_ascii=False, sort_keys=True) if obj.report else "-"
        shown_report = format_html('<pre class="overflow-x-auto whitespace-pre-wrap py-3">{}</pre>', report)
        found = [Panel("Report as it came", (), [(shown_report,)])]
        if obj.order_id is not None:
            headers = ("Attempt", "State", "Claimed (UTC)", "Called (UTC)", "Request id", "Detail")
            rows = [
                (
                    link("orders_submission", attempt.pk, attempt.pk),
                    attempt.get_state_display(),
                    moment(attempt.claimed_at),
                    moment(attempt.called_at),
                    str(attempt.request_id),
                    attempt.detail or "-",
                )
                for attempt in Submission.objects.filter(order=obj.order_id)[:10]
            ]
            found.append(Panel("Submissions of the order", headers, rows))
        if obj.kind in _ABOUT_REFILLS:
            wishes = [
                (
                    link("orders_refill", refill.pk, refill.pk),
                    refill.get_state_display(),
                    refill.get_passing_display(),
                    moment(refill.requested_at),
                    refill.provider_refill_id or "-",
                    refill.raw_status or "-",
                )
                for refill in Refill.objects.filter(order=obj.order_id)[:10]
            ]
            headers = ("Refill", "State", "Way", "Asked for (UTC)", "Provider's number", "Provider's word")
            found.append(Panel("Refills of the order", headers, wishes))
        return found

    @shown(description="Order")
    def of_order(self, item: AttentionItem) -> object:
        return link("orders_order", item.order_id, item.order_id)

    @shown(description="Provider")
    def of_provider(self, item: AttentionItem) -> object:
        return link("orders_provider", item.provider_id, item.provider)

    @shown(description="Open for")
    def age(self, item: AttentionItem) -> str:
        return timesince(item.first_at, item.resolved_at or timezone.now(), depth=1)

    @detail_action(description="Resolve…", permissions=["act"], icon="check")
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item: AttentionItem = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            attention.resolve(
                item_id=item.pk, staff=staff_of(request), resolution=given["resolution"], at=timezone.now()
            )
            return f"Resolved: {given['resolution']}"

        lead = f"{item.get_kind_display()}: {item.detail}. Resolving moves neither the order nor money."
        question = Question(
            title="Resolve", lead=lead, submit="Resolve", form=ResolutionForm, act=act, about=item, back=_back(item)
        )
        return ask(self, request, question)

    @detail_action(description="Found at the provider…", permissions=["act"], icon="travel_explore")
    def found_at_provider(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item: AttentionItem = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            number = given["provider_order_id"]
            unknowns.found(
                submission_id=_unknown_attempt(item),
                provider_order_id=number,
                staff=staff_of(request),
                at=timezone.now(),
            )
            return f"Order {item.order_id} is the provider's number {number}."

        lead = "You looked at the provider's own pages, and the order is there. From now on its reports are followed."
        question = Question(
            title=f"Order {item.order_id} was found at the provider",
            lead=lead,
            submit="This is its number",
            form=FoundForm,
            act=act,
            about=item,
            back=_back(item),
        )
        return ask(self, request, question)

    @detail_action(description="Not there…", permissions=["act"], icon="search_off")
    def not_at_provider(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item: AttentionItem = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            unknowns.not_there(submission_id=_unknown_attempt(item), staff=staff_of(request), at=timezone.now())
            return f"Order {item.order_id} is not at the provider: it waits to be sent again."

        lead = (
            "You looked at the provider's own pages, and the order is not there. It goes back to pending and is sent"
            " again. If it was there after all, it will be delivered and paid for twice."
        )
        question = Question(
            title=f"Order {item.order_id} is not at the provider",
            lead=lead,
            submit="It is not there",
            act=act,
            about=item,
            back=_back(item),
            dangerous=True,
        )
        return ask(self, request, question)

    @detail_action(description="Send again…", permissions=["act"], icon="send")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item: AttentionItem = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            submit.send_again(order_id=item.order_id or 0, staff=staff_of(request), at=timezone.now())
            return f"Order {item.order_id} is sent to its provider again."

        question = Question(
            title=f"Send order {item.order_id} again",
            lead="The provider refused this order and has nothing of it. Mend what it objected to first.",
            submit="Send it again",
            act=act,
            about=item,
            back=_back(item),
        )
        return ask(self, request, question)


def _unknown_attempt(item: AttentionItem) -> int:
    """Return the attempt whose outcome is unknown. Raises NotFound when somebody settled it meanwhile."""
    attempts = Submission.objects.filter(order=item.order_id, state=SubmissionState.UNKNOWN)
    number = attempts.values_list("pk", flat=True).first()
    if item.order_id is None or number is None:
        raise NotFound("No submission of this order is unknown any more.")
    return number


def _back(item: AttentionItem) -> str:
    return reverse("admin:orders_attentionitem_change", args=[item.pk])
