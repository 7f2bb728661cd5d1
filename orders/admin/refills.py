"""Refills as staff see them: what waits for them, and what they say about it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.admin.showing import Rows, ShowFilter, every
from orders import refill_handling, refills
from orders.admin.history import OfOrderAdmin
from orders.models import Order, Passing, Refill, RefillState
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import choice, line
from panel.accounts.admin.pages import StaffAdmin, counted, detail_action, link, shown

COLORS = {
    RefillState.PENDING: "info",
    RefillState.IN_PROGRESS: "primary",
    RefillState.COMPLETED: "success",
    RefillState.REJECTED: "danger",
    RefillState.ERROR: "danger",
}


def _waiting(rows: Rows) -> Rows:
    return rows.filter(Refill.waiting())


class RefillFilter(ShowFilter):
    """What waits for staff, unless something else is asked for."""

    first = "Waiting for us"
    narrow_first = _waiting
    others = {
        "running": ("Running", lambda rows: rows.filter(closed_at__isnull=True)),
        "ended": ("Ended", lambda rows: rows.filter(closed_at__isnull=False)),
        "all": ("All", every),
    }


class SettleForm(forms.Form):
    """How a refill goes, as far as staff know."""

    to = choice(
        [(state.value, state.label) for state in RefillState if state is not RefillState.PENDING],
        label="It is",
        initial=RefillState.COMPLETED.value,
    )
    note = line(help_text="For staff: what was done, or how you know.")


class FoundForm(forms.Form):
    """The number under which the provider has the refill."""

    provider_refill_id = forms.CharField(
        max_length=60, label="The provider's number of the refill", widget=UnfoldAdminTextInputWidget()
    )


@admin.register(Refill)
class RefillAdmin(OfOrderAdmin):
    """Refills, the latest first. Those that a provider has move by its reports."""

    list_display = (
        "number",
        "of_order",
        "stands",
        "passing",
        "initiator",
        "by",
        "requested_at",
        "closed_at",
        "provider",
        "provider_refill_id",
        "raw_status",
    )
    list_select_related = ("actor", "provider")
    list_filter = (RefillFilter, "state")
    ordering = ("-id",)
    fieldsets = (
        (
            "Refill",
            {
                "fields": (
                    ("stands", "of_order", "passing"),
                    ("initiator", "by"),
                    ("requested_at", "started_at", "closed_at"),
                    ("settled_by", "detail"),
                )
            },
        ),
        (
            "Provider",
            {
                "fields": (
                    ("provider", "provider_refill_id", "raw_status"),
                    ("send_due_at", "called_at", "poll_due_at"),
                )
            },
        ),
    )
    act_permission = "orders.change_refill"
    actions_detail = ("settle", "found_at_provider", "not_at_provider")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits: nothing on ended refills, and the answers about a call only where it was not answered."""
        live = Refill.objects.filter(pk=object_id, closed_at__isnull=True)
        way = live.values_list("passing", flat=True).first()
        offered = {"settle"} if way not in {None, Passing.CALLING} else set()
        if way == Passing.UNKNOWN:
            offered |= {"found_at_provider", "not_at_provider"}
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("orders_refill_") in offered]

    @shown(description="Refill", ordering="id")
    def number(self, refill: Refill) -> str:
        return str(refill.pk)

    @shown(description="State", ordering="state", label=COLORS)
    def stands(self, refill: Refill) -> tuple[str, str]:
        return refill.state, refill.get_state_display()

    @shown(description="By")
    def by(self, refill: Refill) -> object:
        return link("accounts_user", refill.actor_id, refill.actor)

    @detail_action(description="Settle by hand…", permissions=["act"], icon="check")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        refill: Refill = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            to = RefillState(given["to"])
            refill_handling.settle(
                refill_id=refill.pk, to=to, note=given["note"], staff=staff_of(request), at=timezone.now()
            )
            return f"{refill} is {to.label.lower()}: {given['note']}"

        lead = f"Of order {refill.order_id}, {refill.get_passing_display().lower()}. The customer reads how it goes."
        if refill.provider_id is not None:
            lead += " Once it has ended here the provider is not asked about it any more; what it still does, it does."
        question = Question(
            title=f"Settle {str(refill).lower()} by hand",
            lead=lead,
            submit="Settle it",
            form=SettleForm,
            act=act,
            about=refill,
            back=_back(refill),
        )
        return ask(self, request, question)

    @detail_action(description="Found at the provider…", permissions=["act"], icon="travel_explore")
    def found_at_provider(self, request: HttpRequest, object_id: str) -> HttpResponse:
        refill: Refill = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            number = given["provider_refill_id"]
            refill_handling.found(
                refill_id=refill.pk, provider_refill_id=number, staff=staff_of(request), at=timezone.now()
            )
            return f"{refill} is the provider's number {number}."

        question = Question(
            title=f"{refill} was found at the provider",
            lead="You looked at the provider's own pages, and it is there. From now on its reports are followed.",
            submit="This is its number",
            form=FoundForm,
            act=act,
            about=refill,
            back=_back(refill),
        )
        return ask(self, request, question)

    @detail_action(description="Not there…", permissions=["act"], icon="search_off")
    def not_at_provider(self, request: HttpRequest, object_id: str) -> HttpResponse:
        refill: Refill = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            refill_handling.not_there(refill_id=refill.pk, staff=staff_of(request), at=timezone.now())
            return f"{refill} is not at the provider: it is asked for once more."

        lead = (
            "You looked at the provider's own pages, and the refill is not there. It is asked for once more. If it was"
            " there after all, it may be delivered twice."
        )
        question = Question(
            title=f"{refill} is not at the provider",
            lead=lead,
            submit="It is not there",
            act=act,
            about=refill,
            back=_back(refill),
            dangerous=True,
        )
        return ask(self, request, question)


def ask_for(page: StaffAdmin, request: HttpRequest, order: Order) -> HttpResponse:
    """Ask whether to ask for a refill of this order, for a customer who wrote in."""

    def act(_given: dict[str, Any]) -> str:
        made = refills.ask_for_customer(staff=staff_of(request), order_id=order.pk, at=timezone.now())
        return f"{made} is asked for: {made.get_passing_display().lower()}."

    question = Question(
        title=f"Ask for a refill of order {order.pk}",
        lead=f"For {order.customer}, who wrote in. {order.service_name}, {order.get_status_display().lower()}, with"
        f" {counted(order.delivered or 0, 'unit')} delivered. Nothing is charged and nothing refunded by it.",
        submit="Ask for the refill",
        act=act,
        about=order,
        back=reverse("admin:orders_order_change", args=[order.pk]),
    )
    return ask(page, request, question)


def may_be_asked_for(order: Order) -> bool:
    """Whether a refill of the order can be asked for now; for showing only, `orders.refills` checks again."""
    return not refills.objection(order) and not refills.is_running(order)


def _back(refill: Refill) -> str:
    return reverse("admin:orders_refill_change", args=[refill.pk])
