"""The tables of a dispute's page: the payment and what it paid for, what was booked, and what happened when."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest
from django.utils import timezone

from billing import tracing
from billing.admin import money_panels
from billing.models import Deposit, Dispute, DisputeEvent, Standing, Transfer
from billing.models.transfer import DISPUTE_KINDS
from orders.models import Order
from panel.accounts.admin.pages import Panel, amount, counted, link, moment
from refunds import dispute_figures

_MOST = 100


def of(request: HttpRequest, dispute: Dispute) -> list[Panel]:
    """Return what this member of staff may see, in a fixed number of queries."""
    found = [timeline(dispute)]
    if request.user.has_perm("billing.view_deposit"):
        found.append(payment(dispute.deposit))
    if request.user.has_perm("orders.view_order"):
        found.append(orders_paid(dispute))
    found.append(others(dispute))
    if request.user.has_perm("billing.view_transfer"):
        booked = Transfer.objects.filter(
            deposit=dispute.deposit_id, kind__in=DISPUTE_KINDS, key__startswith=f"dispute:{dispute.pk}:"
        ).select_related("debit_account", "credit_account")
        found.append(money_panels.transfers(booked.order_by("id")[:_MOST]))
    return found


def timeline(dispute: Dispute) -> Panel:
    """Return what happened in the dispute, the latest first."""
    events = DisputeEvent.objects.filter(dispute=dispute).select_related("actor").order_by("-id")[:_MOST]
    rows = [
        (
            moment(event.at),
            _move(event),
            event.gateway_words,
            event.note or "-",
            link("accounts_user", event.actor_id, event.actor) if event.actor_id else "The panel",
        )
        for event in events
    ]
    return Panel("Timeline, the latest first", ("At (UTC)", "Standing", "In the gateway's words", "What", "By"), rows)


def payment(deposit: Deposit) -> Panel:
    """Return the disputed payment and what became of it."""
    row = (
        link("billing_deposit", deposit.pk, f"Deposit {deposit.pk}"),
        deposit.method,
        moment(deposit.paid_at),
        amount(deposit.amount),
        amount(deposit.refunded),
        amount(deposit.reserved),
        amount(deposit.disputed),
    )
    headers = ("Payment", "Method", "Paid (UTC)", "Received", "Paid back", "On its way back", "Disputed")
    return Panel("The payment", headers, [row])


def orders_paid(dispute: Dispute) -> Panel:
    """Return the orders that the payment paid for, first in, first out."""
    paid = tracing.orders_of_deposit(dispute.deposit_id, customer_id=dispute.customer_id)
    orders = Order.objects.select_related("service").in_bulk([one.order_ref for one in paid[:_MOST]])
    rows = [
        (
            link("orders_order", one.order_ref, f"Order {one.order_ref}"),
            orders[one.order_ref].service.name,
            orders[one.order_ref].get_status_display(),
            amount(one.amount),
            amount(one.returned),
        )
        for one in paid[:_MOST]
        if one.order_ref in orders
    ]
    title = "Orders that it paid for, first in, first out"
    if not rows:
        return Panel(title, (), (), "None: what it brought in was not spent on orders.")
    note = f"{counted(len(paid) - _MOST, 'order')} more are not shown." if len(paid) > _MOST else ""
    return Panel(title, ("Order", "Service", "Status", "Paid by it", "Came back"), rows, note)


def others(dispute: Dispute) -> Panel:
    """Return the customer's other disputes."""
    found = Dispute.objects.filter(customer=dispute.customer_id).exclude(pk=dispute.pk).order_by("-id")[:_MOST]
    rows = [
        (
            link("billing_dispute", one.pk, f"Dispute {one.pk}"),
            moment(one.opened_at),
            one.claim,
            one.get_standing_display(),
        )
        for one in found
    ]
    if not rows:
        return Panel("Other disputes of the customer", (), (), "There are none.")
    return Panel("Other disputes of the customer", ("Dispute", "Opened (UTC)", "Claimed", "Standing"), rows)


def figures(at: datetime) -> Panel:
    """Return the figures of the last months, the latest first."""
    months = dispute_figures.by_month(at=at)
    rows = [
        (
            f"{month.first_day:%B %Y}",
            f"{month.payments:,}",
            f"{month.opened:,}",
            _percent(month.rate),
            f"{month.won:,}",
            f"{month.lost:,}",
            f"{month.closed:,}",
            f"{month.waiting:,}",
            _percent(month.win_rate),
            amount(month.claimed),
            amount(month.gone),
            f"{month.inquiries:,}",
        )
        for month in reversed(months)
        if month.payments or month.opened or month.inquiries
    ]
    headers = (
        "Opened in", "Payments", "Disputes", "Rate", "Won", "Lost", "Closed", "Open", "Won of decided", "Claimed",
        "Lost for good", "Inquiries",
    )  # fmt: skip
    if not rows:
        return Panel("By month", (), (), "There was no payment and no dispute in the last twelve months.")
    note = "The rate is disputes for a hundred payments of the month, as card networks count it."
    foreign = sum(month.in_other_currencies for month in months)
    if foreign:
        note += f" Of {counted(foreign, 'dispute')} the claim is in another currency and not among the claimed amounts."
    return Panel("By month", headers, rows, note, folded=True)


def money_now(dispute: Dispute) -> Sequence[Panel]:
    """Return where the money of the dispute is at this moment."""
    booked = (
        dispute.withdrawn, dispute.reinstated, dispute.secured, dispute.lost, dispute.fee_charged, dispute.fee,
    )  # fmt: skip
    row = (dispute.claim, *(amount(value) for value in booked))
    headers = (
        "Claimed", "Taken by the bank", "Given back by it", "Held of the customer", "Lost", "Gateway's fee",
        "Fee passed on",
    )  # fmt: skip
    return [Panel("Money", headers, [row])]


def left(respond_by: datetime | None) -> tuple[str, str]:
    """Return how urgent an answer is, as (key, words)."""
    if respond_by is None:
        return "", "-"
    hours = int((respond_by - timezone.now()).total_seconds() // 3600)
    if hours < 0:
        return "over", "Too late"
    words = f"{hours} h left" if hours < 2 * 24 else f"{hours // 24} days left"
    return ("day" if hours < 24 else "days" if hours < 72 else "", words)  # noqa: PLR2004 - hours


def _percent(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.2f} %"


def _move(event: DisputeEvent) -> str:
    after = Standing(event.to_standing).label
    if event.from_standing == event.to_standing:
        return after
    return f"{Standing(event.from_standing).label if event.from_standing else 'New'} → {after}"
