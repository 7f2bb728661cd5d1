"""Arrangements: what no deposit can take back, and the other way that staff and the customer agree on."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.widgets import UnfoldAdminTextareaWidget

from billing import arrangements
from billing.admin.showing import Rows, ShowFilter, brief, every, number_in
from billing.models import Arrangement, LegState, PayoutKind
from panel.accounts.admin.asking import Preview, Question, ask, staff_of
from panel.accounts.admin.fields import choice, line
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, nowrap, shown


class ProposalForm(forms.Form):
    """Where the money would go, and how it is known that this is the customer's."""

    kind = choice(list(PayoutKind.choices), label="Sent by")
    destination = line(label="Destination", help_text="The customer reads this and agrees to exactly this.")
    verification = forms.CharField(
        max_length=500,
        label="How the customer was verified",
        help_text="What you checked, and against what. Kept as evidence; the customer does not read this.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class ConsentForm(forms.Form):
    """A consent that was not given on the page."""

    note = forms.CharField(
        max_length=500,
        label="How and when the customer agreed",
        help_text="Such as: by e-mail of November 3, in ticket 42.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


def _open(rows: Rows) -> Rows:
    return rows.filter(consent_at=None, leg__state=LegState.ARRANGING)


class ArrangementFilter(ShowFilter):
    """What is not settled yet, unless something else is asked for."""

    first = "Open"
    narrow_first = _open
    others = {
        "agreed": ("Agreed", lambda rows: rows.filter(consent_at__isnull=False)),
        "put_back": ("Put back", lambda rows: rows.filter(consent_at=None).exclude(leg__state=LegState.ARRANGING)),
        "all": ("All", every),
    }


@admin.register(Arrangement)
class ArrangementAdmin(ReadOnlyAdmin):
    """Nothing here is edited: a proposal replaces the one before, and consent binds."""

    list_display = ("number", "of_withdrawal", "owner", "sum", "stage", "why", "age")
    list_select_related = ("leg__withdrawal__customer",)
    list_filter = (ArrangementFilter,)
    ordering = ("opened_at", "id")
    search_fields = ("id",)
    search_help_text = "Number of the withdrawal, or whole e-mail address of the customer"
    fieldsets = (
        ("Case", {"fields": (("condition", "owner"), ("sum", "of_withdrawal"), "reason", "opened_at")}),
        (
            "Proposal",
            {"fields": (("kind", "destination"), "verification", ("proposed_by", "proposed_at"))},
        ),
        ("Consent", {"fields": (("consent_by", "consent_at"), "consent_note")}),
    )
    act_permission = "billing.change_arrangement"
    actions_detail = ("propose", "record_consent", "give_up")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Arrangement]:
        rows: QuerySet[Arrangement] = super().get_queryset(request)
        return rows.select_related("leg__withdrawal__customer")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Arrangement], search_term: str
    ) -> tuple[QuerySet[Arrangement], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(leg__withdrawal__customer__email=term.lower()), False
        number = number_in(term)
        return queryset.none() if number is None else queryset.filter(leg__withdrawal=number), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Nothing is left to do about a settled one, and consent needs a proposal."""
        case = Arrangement.objects.filter(Q(pk=object_id), leg__state=LegState.ARRANGING)
        proposed = case.values_list("proposed_at", flat=True).first()
        if not case.exists():
            return []
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if proposed or not action.action_name.endswith("_record_consent")]

    @shown(description="Case", ordering="id")
    def number(self, case: Arrangement) -> str:
        return str(case.pk)

    @shown(description="Withdrawal")
    def of_withdrawal(self, case: Arrangement) -> object:
        return link("billing_withdrawal", case.leg.withdrawal_id, case.leg.withdrawal_id)

    @shown(description="Customer")
    def owner(self, case: Arrangement) -> object:
        return link("accounts_user", case.leg.withdrawal.customer_id, case.leg.withdrawal.customer)

    @shown(description="Amount")
    def sum(self, case: Arrangement) -> str:
        return nowrap(amount(case.leg.amount))

    @shown(description="Stage", label={"new": "danger", "proposed": "warning", "agreed": "success", "put_back": ""})
    def stage(self, case: Arrangement) -> tuple[str, str]:
        if case.consent_at is not None:
            return "agreed", "Agreed"
        if case.leg.state != LegState.ARRANGING:
            return "put_back", "Put back on the balance"
        return ("proposed", "Waits for the customer") if case.proposed_at else ("new", "Nothing proposed yet")

    @shown(description="Stage")
    def condition(self, case: Arrangement) -> str:
        return self.stage(case)[1]

    @shown(description="Why no deposit takes it")
    def why(self, case: Arrangement) -> str:
        return brief(case.reason)

    @shown(description="Age", ordering="opened_at")
    def age(self, case: Arrangement) -> str:
        return timesince(case.opened_at, timezone.now(), depth=1)

    @detail_action(description="Propose…", permissions=["act"], icon="edit_note")
    def propose(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case: Arrangement = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            done = arrangements.propose(
                arrangement_id=case.pk,
                kind=PayoutKind(given["kind"]),
                destination=given["destination"],
                verification=given["verification"],
                staff=staff_of(request),
                at=timezone.now(),
            )
            return f"Proposed to {case.leg.withdrawal.customer}: {_way(done)}."

        lead = f"{_about(case)} The customer is asked by e-mail to agree. A proposal made before is replaced."
        question = Question(
            title="Propose another way", lead=lead, form=ProposalForm, act=act, about=case, back=_back(case)
        )
        return ask(self, request, question)

    @detail_action(description="Record consent…", permissions=["act"], icon="handshake")
    def record_consent(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case: Arrangement = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            done = arrangements.record_consent(
                arrangement_id=case.pk, way=case.way, note=given["note"], staff=staff_of(request), at=timezone.now()
            )
            return f"The consent is recorded: {amount(case.leg.amount)} to {_way(done)}. The payout is prepared now."

        def preview(_given: dict[str, Any]) -> Preview:
            agreed = (amount(case.leg.amount), _way(case))
            panel = Panel("What the customer agreed to, for good", ("Amount", "Goes to"), [agreed])
            return Preview(panel, f"{case.proposed_at}:{_way(case)}")

        lead = f"{_about(case)} Proposed: {_way(case)}. For a consent that the customer did not give on the page."
        question = Question(
            title="Record the customer's consent",
            lead=lead,
            form=ConsentForm,
            act=act,
            preview=preview,
            about=case,
            back=_back(case),
        )
        return ask(self, request, question)

    @detail_action(description="Put back on the balance…", permissions=["act"], icon="undo")
    def give_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case: Arrangement = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            arrangements.give_up(arrangement_id=case.pk, actor=staff_of(request), at=timezone.now())
            return f"{amount(case.leg.amount)} are back on the balance of {case.leg.withdrawal.customer}."

        lead = f"{_about(case)} This part of the withdrawal ends, and the money can be spent or withdrawn again."
        question = Question(title="Put the money back on the balance", lead=lead, act=act, about=case, back=_back(case))
        return ask(self, request, question)


def _back(case: Arrangement) -> str:
    return reverse("admin:billing_arrangement_change", args=[case.pk])


def _about(case: Arrangement) -> str:
    return f"{amount(case.leg.amount)} of {case.leg.withdrawal.customer}: {case.reason}"


def _way(case: Arrangement) -> str:
    return f"{case.get_kind_display()}: {case.destination}"
