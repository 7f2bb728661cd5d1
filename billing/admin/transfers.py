"""The ledger as staff see it: every transfer, none editable."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from billing.models import Account, CustomerAccount, House, Transfer
from panel.accounts.admin.pages import ReadOnlyAdmin, amount, link, nowrap, shown


def side(account: Account) -> str:
    """Return the short name of one side of a transfer."""
    return House(account.pk).label if account.customer_id is None else CustomerAccount(account.kind).label


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Found by its own number, its order's number, the customer's e-mail address or its key."""

    list_display = ("id", "at", "kind", "way", "sum", "owner", "order", "reason", "by")
    list_display_links = ("id",)
    list_select_related = ("debit_account", "credit_account", "customer", "author")
    list_filter = ("kind",)
    search_fields = ("key",)
    search_help_text = "Number of a transfer or an order, whole e-mail address of the customer, or whole key"
    fields = ("id", "at", "kind", "way", "sum", "owner", "order", "about", "reason", "by", "key")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str
    ) -> tuple[QuerySet[Transfer], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit():
            number = min(int(term), 2**63 - 1)
            return queryset.filter(Q(pk=number) | Q(order_ref=number)), False
        if "@" in term:
            return queryset.filter(customer__email=term.lower()), False
        return queryset.filter(key=term), False

    @shown(description="From → to")
    def way(self, transfer: Transfer) -> str:
        return f"{side(transfer.debit_account)} → {side(transfer.credit_account)}"

    @shown(description="Amount")
    def sum(self, transfer: Transfer) -> str:
        return nowrap(amount(Decimal(transfer.amount)))

    @shown(description="Customer")
    def owner(self, transfer: Transfer) -> object:
        return link("accounts_user", transfer.customer_id, transfer.customer)

    @shown(description="Order")
    def order(self, transfer: Transfer) -> object:
        return link("orders_order", transfer.order_ref, transfer.order_ref)

    @shown(description="Deposit and withdrawal")
    def about(self, transfer: Transfer) -> object:
        deposit = link("billing_deposit", transfer.deposit_id, f"Deposit {transfer.deposit_id}")
        withdrawal = link("billing_withdrawal", transfer.withdrawal_id, f"Withdrawal {transfer.withdrawal_id}")
        return format_html("{} · {}", deposit, withdrawal)

    @shown(description="By")
    def by(self, transfer: Transfer) -> object:
        return link("accounts_user", transfer.author_id, transfer.author)
