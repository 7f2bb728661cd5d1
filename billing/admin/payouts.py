"""Payouts by hand: money that staff send from the panel's own account, and then say so here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.widgets import UnfoldAdminTextInputWidget

from billing import payouts
from billing.admin.showing import Rows, ShowFilter, every, number_in
from billing.models import Payout, PayoutState, WithdrawalLeg
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import ReadOnlyAdmin, amount, detail_action, link, nowrap, shown

COLORS = {
    PayoutState.WAITING: "warning",
    PayoutState.CONFIRMED: "success",
    PayoutState.FAILED: "danger",
    "suspended": "danger",
}


class ConfirmForm(forms.Form):
    """Proof that it was sent."""

    bank_reference = forms.CharField(
        max_length=100,
        label="Reference",
        help_text="The bank's or network's reference. The customer is told, to find the payment by.",
        widget=UnfoldAdminTextInputWidget(),
    )


class FailForm(forms.Form):
    """What went wrong."""

    reason = line(label="Reason", help_text="The customer reads this.")


def _waiting(rows: Rows) -> Rows:
    return rows.filter(state=PayoutState.WAITING)


class PayoutFilter(ShowFilter):
    """What is to be carried out, unless something else is asked for."""

    first = "To be carried out"
    narrow_first = _waiting
    others = {
        "confirmed": ("Carried out", lambda rows: rows.filter(state=PayoutState.CONFIRMED)),
        "failed": ("Failed", lambda rows: rows.filter(state=PayoutState.FAILED)),
        "all": ("All", every),
    }


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    """The oldest first. Nothing here is edited: what staff say about a payout moves the customer's money."""

    list_display = ("number", "owner", "sum", "destination", "state_label", "of_withdrawal", "age")
    list_filter = (PayoutFilter,)
    ordering = ("created_at", "id")
    search_fields = ("id",)
    search_help_text = "Number of the payout, or whole e-mail address of the customer"
    fieldsets = (
        ("Payout", {"fields": (("state", "owner"), ("sum", "of_withdrawal"), "destination", "created_at", "warning")}),
        ("Outcome", {"fields": (("bank_reference", "failure"), ("decided_by", "decided_at"))}),
        ("Where the money came from", {"fields": (("receipt_link", "attempt"),)}),
    )
    act_permission = "billing.change_payout"
    actions_detail = ("confirm", "fail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        rows: QuerySet[Payout] = super().get_queryset(request)
        leg = WithdrawalLeg.objects.filter(pk=OuterRef("leg"))
        return rows.select_related("receipt").annotate(
            withdrawal_id=Subquery(leg.values("withdrawal")),
            customer_id=Subquery(leg.values("withdrawal__customer")),
            email=Subquery(leg.values("withdrawal__customer__email")),
            suspended_because=Subquery(
                leg.filter(withdrawal__customer__suspended_at__isnull=False).values(
                    "withdrawal__customer__suspension_reason"
                )
            ),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payout], search_term: str
    ) -> tuple[QuerySet[Payout], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            legs = WithdrawalLeg.objects.filter(withdrawal__customer__email=term.lower())
            return queryset.filter(leg__in=list(legs.values_list("pk", flat=True))), False
        number = number_in(term)
        return queryset.none() if number is None else queryset.filter(pk=number), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """What was confirmed may still come back; what failed is over."""
        state = Payout.objects.filter(pk=object_id).values_list("state", flat=True).first()
        offered = {"waiting": ("confirm", "fail"), "confirmed": ("fail",)}.get(state or "", ())
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("billing_payout_") in offered]

    @shown(description="Payout", ordering="id")
    def number(self, payout: Payout) -> str:
        return str(payout.pk)

    @shown(description="Customer")
    def owner(self, payout: Any) -> object:  # noqa: ANN401 - annotated rows
        return link("accounts_user", payout.customer_id, payout.email)

    @shown(description="Withdrawal")
    def of_withdrawal(self, payout: Any) -> object:  # noqa: ANN401 - as above
        return link("billing_withdrawal", payout.withdrawal_id, payout.withdrawal_id)

    @shown(description="Amount")
    def sum(self, payout: Payout) -> str:
        return nowrap(amount(payout.amount))

    @shown(description="State", label=COLORS)
    def state_label(self, payout: Any) -> tuple[str, str]:  # noqa: ANN401 - as above
        if _should_wait(payout):
            return "suspended", "Wait: account suspended"
        return payout.state, payout.get_state_display()

    @shown(description="Before you send")
    def warning(self, payout: Any) -> str:  # noqa: ANN401 - as above
        """Payouts are sent outside of the panel, which can't stop one: it says so where there is a reason to wait."""
        return f"Wait: the account is suspended. {payout.suspended_because}" if _should_wait(payout) else "-"

    @shown(description="Waits for", ordering="created_at")
    def age(self, payout: Payout) -> str:
        return timesince(payout.created_at, payout.decided_at or timezone.now(), depth=1)

    @shown(description="Receipt")
    def receipt_link(self, payout: Payout) -> object:
        return link("billing_receipt", payout.receipt_id, payout.receipt)

    @detail_action(description="Confirm…", permissions=["act"], icon="check")
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payout = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            payouts.confirm(
                payout_id=payout.pk,
                bank_reference=given["bank_reference"],
                staff=staff_of(request),
                at=timezone.now(),
            )
            return f"Payout {payout.pk} is carried out, with the reference {given['bank_reference']}."

        lead = f"You have sent {amount(payout.amount)} to {payout.destination}. The customer is told that it was paid."
        if payout.suspended_because is not None:
            lead += f" The account is suspended: {payout.suspended_because} Confirm only what you have really sent."
        question = Question(
            title=f"Payout {payout.pk} was sent",
            lead=lead,
            form=ConfirmForm,
            act=act,
            about=payout,
            back=_back(payout),
        )
        return ask(self, request, question)

    @detail_action(description="Failed or came back…", permissions=["act"], icon="close")
    def fail(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payout = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            payouts.fail(payout_id=payout.pk, reason=given["reason"], staff=staff_of(request), at=timezone.now())
            return f"Payout {payout.pk} failed, and {amount(payout.amount)} are back on the balance of {payout.email}."

        came_back = payout.state == PayoutState.CONFIRMED
        what = "The money came back to the panel's account" if came_back else "The money was not sent, and will not be"
        lead = f"{what}: {amount(payout.amount)} will be back on the balance of {payout.email} at once."
        question = Question(
            title=f"Payout {payout.pk} {'came back' if came_back else 'failed'}",
            lead=lead,
            form=FailForm,
            act=act,
            about=payout,
            back=_back(payout),
            dangerous=True,
        )
        return ask(self, request, question)


def _back(payout: Payout) -> str:
    return reverse("admin:billing_payout_change", args=[payout.pk])


def _should_wait(payout: Any) -> bool:  # noqa: ANN401 - annotated rows
    return payout.state == PayoutState.WAITING and payout.suspended_because is not None
