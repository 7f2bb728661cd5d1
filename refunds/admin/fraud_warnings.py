"""Early fraud warnings as staff see them: the cases that wait, and one case with its money and what is done about it.

Here and not in the billing room, because what is done about a case is the refund desk's and the policy's.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billing.admin.showing import Rows, ShowFilter, brief, every, number_in, told_by_gateways
from billing.models import FraudWarning, WarningAction, WarningState
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, moment, nowrap, shown
from refunds.admin import warning_actions, warning_panels

COLORS = {
    WarningState.OPEN: "warning",
    WarningState.OBSERVED: "info",
    WarningState.REFUNDING: "info",
    WarningState.REFUNDED: "success",
    WarningState.DISMISSED: "",
}


def _open(rows: Rows) -> Rows:
    return rows.filter(state=WarningState.OPEN)


def _in(state: WarningState) -> tuple[str, Any]:
    return state.label, lambda rows: rows.filter(state=state)


class FraudWarningFilter(ShowFilter):
    """What waits for staff, the oldest first, unless something else is asked for."""

    first = WarningState.OPEN.label
    narrow_first = _open
    others = {
        "refunding": _in(WarningState.REFUNDING),
        "refunded": _in(WarningState.REFUNDED),
        "observed": _in(WarningState.OBSERVED),
        "dismissed": _in(WarningState.DISMISSED),
        "holds": ("Account held", lambda rows: rows.filter(holds=True)),
        "all": ("All", every),
    }


@admin.register(FraudWarning)
class FraudWarningAdmin(ReadOnlyAdmin):
    """Nothing here is edited: the gateway reports, the policy decides, and staff act through the desk."""

    list_display = ("number", "owner", "paid", "state_label", "decision", "could", "back", "held", "age")
    list_select_related = ("customer", "deposit")
    list_filter = (FraudWarningFilter,)
    search_fields = ("id",)
    search_help_text = "Number, whole e-mail address of the customer, or the gateway's whole reference"
    fieldsets = (
        (
            "Fraud warning",
            {
                "fields": (
                    ("condition", "owner"),
                    ("suspicion", "actionable_words"),
                    ("warned", "opened"),
                    ("handled", "reference"),
                )
            },
        ),
        ("Decision", {"fields": (("decided", "policy"), "why", "account")}),
    )
    act_permission = "billing.change_fraudwarning"
    actions_detail = ("refund", "dismiss", "release")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Those that wait by how long they do; all of them by the latest."""
        return ("created_at", "id") if request.GET.get("show") is None else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FraudWarning], search_term: str
    ) -> tuple[QuerySet[FraudWarning], bool]:
        return told_by_gateways(queryset, search_term), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what can be done to the case as it stands."""
        number = number_in(str(object_id))
        case = FraudWarning.objects.filter(pk=number).first() if number is not None else None
        offered = warning_actions.offered(case) if case else set()
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if action.action_name.removeprefix("billing_fraudwarning_") in offered]

    def panels_above(self, request: HttpRequest, obj: FraudWarning) -> Sequence[Panel]:
        return [warning_panels.money_now(obj, at=timezone.now())]

    def panels(self, request: HttpRequest, obj: FraudWarning) -> Sequence[Panel]:
        return warning_panels.of(request, obj)

    @shown(description="Warning", ordering="id")
    def number(self, case: FraudWarning) -> str:
        return str(case.pk)

    @shown(description="Customer")
    def owner(self, case: FraudWarning) -> object:
        return link("accounts_user", case.customer_id, case.customer)

    @shown(description="Payment")
    def paid(self, case: FraudWarning) -> str:
        return nowrap(amount(case.deposit.amount))

    @shown(description="State", label=COLORS)
    def state_label(self, case: FraudWarning) -> tuple[str, str]:
        return case.state, case.get_state_display()

    @shown(description="State")
    def condition(self, case: FraudWarning) -> str:
        return str(case.get_state_display())

    @shown(description="Decided")
    def decision(self, case: FraudWarning) -> str:
        return brief(WarningAction(case.action).label)

    @shown(description="Could go back")
    def could(self, case: FraudWarning) -> str:
        return nowrap(amount(case.left))

    @shown(description="Goes back")
    def back(self, case: FraudWarning) -> str:
        return nowrap(amount(case.refund or None))

    @shown(description="Account held", label={True: "danger", False: ""})
    def held(self, case: FraudWarning) -> tuple[bool, str]:
        return case.holds, "Yes" if case.holds else "No"

    @shown(description="Age", ordering="created_at")
    def age(self, case: FraudWarning) -> str:
        return nowrap(warning_panels.age(case.created_at, at=timezone.now()))

    @shown(description="What the issuer suspects")
    def suspicion(self, case: FraudWarning) -> str:
        return case.fraud_type.replace("_", " ") or "-"

    @shown(description="A refund can still prevent a dispute")
    def actionable_words(self, case: FraudWarning) -> str:
        return "Yes" if case.actionable else "No: the payment was refunded or disputed already"

    @shown(description="Warned (UTC)")
    def warned(self, case: FraudWarning) -> str:
        return moment(case.warned_at)

    @shown(description="Case opened (UTC)")
    def opened(self, case: FraudWarning) -> str:
        return f"{moment(case.created_at)} ({warning_panels.age(case.created_at, at=timezone.now())} ago)"

    @shown(description="Handled (UTC)")
    def handled(self, case: FraudWarning) -> str:
        return moment(case.handled_at)

    @shown(description="Decided when it came")
    def decided(self, case: FraudWarning) -> str:
        return WarningAction(case.action).label

    @shown(description="The account")
    def account(self, case: FraudWarning) -> str:
        if case.holds:
            return "Held because of this case"
        return "Suspended otherwise" if case.customer.is_suspended else "Not held"

    @shown(description="Policy version")
    def policy(self, case: FraudWarning) -> object:
        return link("refunds_policyversion", case.policy_version, "The version shown at the payment")

    @detail_action(description="Refund what is left…", permissions=["act"], icon="undo")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return warning_actions.refund(self, request, self.found(request, object_id))

    @detail_action(description="Dismiss…", permissions=["act"], icon="close")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return warning_actions.dismiss(self, request, self.found(request, object_id))

    @detail_action(description="Let the account go…", permissions=["act"], icon="lock_open")
    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return warning_actions.release(self, request, self.found(request, object_id))
