"""Blocked identities as staff see them: who may not come back, and why. Staff may lift one, with a reason."""

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from panel.accounts import blocklist
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.fields import line
from panel.accounts.admin.pages import ReadOnlyAdmin, detail_action, link, nowrap, shown
from panel.accounts.models import BlockedIdentity


class LiftForm(forms.Form):
    """Why an identity is blocked no more."""

    reason = line(help_text="Whoever looks at this next reads it. The customer does not.")


class LiftedFilter(admin.SimpleListFilter):
    """What is blocked now, or what was lifted."""

    title = "state"
    parameter_name = "lifted"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("no", "Blocked"), ("yes", "Lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[BlockedIdentity]) -> QuerySet[BlockedIdentity]:
        if self.value() is None:
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "no")


@admin.register(BlockedIdentity)
class BlockedIdentityAdmin(ReadOnlyAdmin):
    """Written by disputes and from customers' pages; found by what is blocked or by the customer."""

    list_display = ("what", "kind", "owner", "by", "blocked", "state")
    list_select_related = ("customer", "author")
    list_filter = ("kind", LiftedFilter)
    search_fields = ("value",)
    search_help_text = "Whole e-mail address, in any spelling, or whole fingerprint of a payment method"
    fields = (
        "kind",
        "value",
        "owner",
        "reason",
        "by",
        "blocked_at",
        "condition",
        "lifted_at",
        "lifter",
        "lifted_because",
    )
    act_permission = blocklist.MAY_LIFT
    actions_detail = ("lift",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BlockedIdentity], search_term: str
    ) -> tuple[QuerySet[BlockedIdentity], bool]:
        """Search as the blocklist compares, and by the customer's own address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            same = queryset.filter(value=blocklist.of_email(term).value)
            return same | queryset.filter(customer__email=term.lower()), False
        return queryset.filter(value=term), False

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[object]:
        """Offer to lift what is blocked."""
        live = BlockedIdentity.objects.filter(pk=object_id, lifted_at__isnull=True).exists()
        return list(super().get_actions_detail(request, object_id)) if live else []

    @shown(description="What")
    def what(self, row: BlockedIdentity) -> str:
        return nowrap(row.value)

    @shown(description="Customer")
    def owner(self, row: BlockedIdentity) -> object:
        return link("accounts_user", row.customer_id, row.customer)

    @shown(description="Blocked by")
    def by(self, row: BlockedIdentity) -> str:
        return f"Dispute {row.dispute_ref}" if row.author is None else str(row.author)

    @shown(description="Blocked (UTC)", ordering="blocked_at")
    def blocked(self, row: BlockedIdentity) -> str:
        return nowrap(f"{row.blocked_at:%Y-%m-%d %H:%M:%S}")

    @shown(description="State", label={"blocked": "danger", "lifted": "success"})
    def state(self, row: BlockedIdentity) -> tuple[str, str]:
        return ("blocked", "Blocked") if row.is_live else ("lifted", "Lifted")

    @shown(description="State")
    def condition(self, row: BlockedIdentity) -> str:
        return self.state(row)[1]

    @shown(description="Lifted by")
    def lifter(self, row: BlockedIdentity) -> object:
        return link("accounts_user", row.lifted_by_id, row.lifted_by)

    @detail_action(description="Lift…", permissions=["act"], icon="lock_open")
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: BlockedIdentity = self.found(request, object_id)

        def act(given: dict[str, str]) -> str:
            reason = given["reason"]
            blocklist.lift_one(identity_id=row.pk, because=reason, staff=staff_of(request), at=timezone.now())
            return f"Lifted: {reason}"

        question = Question(
            title=f"Lift what is blocked: {row.value}",
            lead=f"Blocked because: {row.reason} Others who blocked the same keep it blocked. A suspension of the"
            " account is lifted on the customer's page.",
            submit="Lift",
            form=LiftForm,
            act=act,
            about=row,
            back=reverse("admin:accounts_blockedidentity_change", args=[row.pk]),
        )
        return ask(self, request, question)
