"""What staff do about deposits: record one that arrived by hand, ask the gateway about one."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from billing import deposits, gateway_refunds, receipts
from billing.admin.showing import number_in
from billing.models import Deposit, DepositState, PayoutKind, Receipt
from panel.accounts.admin.asking import Preview, Question, ask, staff_of
from panel.accounts.admin.fields import AmountField, choice, line
from panel.accounts.admin.pages import Panel, StaffAdmin, amount, link, moment
from panel.accounts.models import User

_RECEIPTS_SHOWN = 10


class CustomerField(forms.CharField):
    """A customer by whole e-mail address or account number; cleans to the User."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the options of a form field
        super().__init__(max_length=254, widget=UnfoldAdminTextInputWidget(), **options)

    def clean(self, value: Any) -> User:  # noqa: ANN401 - whatever the form held
        """Return the customer."""
        term = str(super().clean(value)).strip().lower()
        number = number_in(term)
        found = User.objects.filter(email=term) if number is None else User.objects.filter(pk=number)
        customer = found.first()
        if customer is None:
            raise forms.ValidationError("No account has this e-mail address or number.")
        return customer


class ReceiptForm(forms.Form):
    """A payment as staff saw it arrive."""

    kind = choice(list(PayoutKind.choices), label="Arrived by")
    reference = forms.CharField(
        max_length=200,
        label="Reference",
        help_text="The bank's or network's own reference of this payment. One reference is recorded once.",
        widget=UnfoldAdminTextInputWidget(),
    )
    sender = line(label="Sender", help_text="The account, wallet or address that it came from: it may go back there.")
    amount = AmountField(label="Amount that arrived")


class ReceiptOfForm(ReceiptForm):
    """The same, when the page is not about one customer."""

    customer = CustomerField(label="Customer", help_text="Whole e-mail address, or the number of the account")
    field_order = ("customer", "kind", "reference", "sender", "amount")


def record(page: StaffAdmin, request: HttpRequest, customer: User | None, *, back: str) -> HttpResponse:
    """Ask what arrived, show what recording it will do, and credit it. Without `customer`, ask whose it is too."""

    def act(given: dict[str, Any]) -> str:
        owner = customer or given["customer"]
        deposit = receipts.record(
            customer=owner,
            amount=given["amount"],
            kind=PayoutKind(given["kind"]),
            reference=given["reference"],
            sender=given["sender"],
            staff=staff_of(request),
            at=timezone.now(),
        )
        return f"Deposit {deposit.pk} is recorded: {amount(deposit.asked)} for {owner}."

    def preview(given: dict[str, Any]) -> Preview:
        owner, asked = customer or given["customer"], given["amount"]
        kind = PayoutKind(given["kind"])
        headers = ("Credited at once", "Told by e-mail", "When it is withdrawn later")
        row = (
            f"{amount(asked)} to the available balance of {owner}",
            f"{owner}, with a receipt",
            f"Goes back by hand. {kind.label}: {given['sender']}",
        )
        note = "A recorded payment is not changed or deleted afterwards. A mistake is put right by a debit."
        token = f"{owner.pk}:{kind}:{given['reference']}:{given['sender']}:{asked}"
        return Preview(Panel("What will happen", headers, [row], note), token)

    question = Question(
        title=f"Record a deposit of {customer}" if customer else "Record a deposit by hand",
        lead="For money that you have seen on the panel's own account. It is credited as if it had been paid online.",
        submit="Record and credit it",
        form=ReceiptForm if customer else ReceiptOfForm,
        act=act,
        preview=preview,
        panels=[_recorded_before(customer)],
        about=customer,
        back=back,
    )
    return ask(page, request, question)


def ask_again(page: StaffAdmin, request: HttpRequest, deposit: Deposit) -> HttpResponse:
    """Read the deposit, and the refunds of a paid one, anew at its gateway."""

    def act(_given: dict[str, Any]) -> str:
        before, at = DepositState(deposit.state), timezone.now()
        now = deposits.refresh_by_reference(deposit.reference or "", gateway=deposit.gateway, at=at)
        if now.payment_reference:
            gateway_refunds.refresh_payment(now.payment_reference, gateway=now.gateway, at=at)
        after = DepositState(now.state)
        moved = f"was {before.label.lower()} and is now" if after != before else "is still"
        return f"The gateway was asked: deposit {deposit.pk} {moved} {after.label.lower()}."

    question = Question(
        title=f"Ask the gateway about deposit {deposit.pk}",
        lead=(
            "What the gateway says is recorded: a payment that arrived is credited, once, and refunds made there by"
            " hand are booked. Asking again changes nothing that was recorded before."
        ),
        submit="Ask the gateway",
        act=act,
        about=deposit,
        back=reverse("admin:billing_deposit_change", args=[deposit.pk]),
    )
    return ask(page, request, question)


def _recorded_before(customer: User | None) -> Panel:
    """The latest receipts, so that nobody records one twice under another spelling of its reference."""
    found = Receipt.objects.select_related("recorded_by")
    if customer is not None:
        manual = Deposit.objects.filter(customer=customer, recorded_by__isnull=False)
        found = found.filter(key__in=[key.hex for key in manual.values_list("key", flat=True)[:_RECEIPTS_SHOWN]])
    rows = [
        (
            link("billing_deposit", receipt.deposit, receipt.deposit),
            moment(receipt.recorded_at),
            receipt.get_kind_display(),
            receipt.reference,
            receipt.sender,
            amount(receipt.amount),
            str(receipt.recorded_by),
        )
        for receipt in found[:_RECEIPTS_SHOWN]
    ]
    headers = ("Deposit", "Recorded (UTC)", "Arrived by", "Reference", "Sender", "Amount", "By")
    return Panel("Recorded before", headers, rows, "Is it among these already?" if rows else "")
