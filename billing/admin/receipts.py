"""Receipts: payments that staff recorded by hand, as they were seen to arrive."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.admin.showing import number_in
from billing.models import PayoutKind, Receipt
from panel.accounts.admin.pages import ReadOnlyAdmin, amount, link, nowrap, shown


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """Never changed: they are what the panel's account is compared with."""

    list_display = ("number", "kind", "reference", "sender", "sum", "of_deposit", "recorded_by", "recorded_at")
    list_select_related = ("recorded_by",)
    list_filter = ("kind",)
    search_fields = ("reference",)
    search_help_text = "Whole reference of the bank or the network, or the number of the receipt"
    fields = (("kind", "reference"), "sender", ("sum", "of_deposit"), ("recorded_by", "recorded_at"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Receipt], search_term: str
    ) -> tuple[QuerySet[Receipt], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(kind__in=PayoutKind.values, reference=term)
        number = number_in(term)
        return found if number is None else found | queryset.filter(pk=number), False

    @shown(description="Receipt", ordering="id")
    def number(self, receipt: Receipt) -> str:
        return str(receipt.pk)

    @shown(description="Amount")
    def sum(self, receipt: Receipt) -> str:
        return nowrap(amount(receipt.amount))

    @shown(description="Deposit")
    def of_deposit(self, receipt: Receipt) -> object:
        return link("billing_deposit", receipt.deposit, receipt.deposit)
