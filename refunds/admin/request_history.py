"""What is known of the customer who asks: orders, refunds, rate of requests, disputes, flags. Bounded queries."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, Sum
from django.http import HttpRequest

from billing.admin import customer_panels
from billing.models import Deposit
from orders.models import Order
from panel.accounts.admin.pages import LONGEST_LIST, Panel, amount, link, list_link, moment
from panel.kernel import money
from refunds import publishing
from refunds.models import RefundRequest, RequestOrigin, RequestState

_LATEST: Final = 10
_DAYS: Final = 90
_LISTS: Final = (
    ("orders_order", "orders.view_order", "Orders"),
    ("refunds_refundrequest", "refunds.view_refundrequest", "Refund requests"),
    ("support_ticket", "support.view_ticket", "Tickets"),
    ("billing_deposit", "billing.view_deposit", "Deposits"),
    ("billing_withdrawal", "billing.view_withdrawal", "Withdrawals"),
)


def of(request: HttpRequest, wish: RefundRequest, *, at: datetime) -> list[Panel]:
    """Return what this member of staff may see of the customer's history."""
    customer = wish.customer
    found = [_numbers(wish, at), _requests(wish)]
    changes = customer_panels.standing_changes(customer)
    if changes.rows:
        found.append(changes)
    links = [
        (list_link(model, title, q=customer.email),)
        for model, permission, title in _LISTS
        if request.user.has_perm(permission)
    ]
    return [*found, Panel("All about this customer", ("List",), links)] if links else found


def _numbers(wish: RefundRequest, at: datetime) -> Panel:
    customer = wish.customer
    abuse = publishing.version(wish.order.policy_version).policy.abuse
    days = abuse.window_days if abuse else _DAYS
    since = at - timedelta(days=days)
    latest = Order.objects.filter(customer=customer).order_by("-pk")[:LONGEST_LIST]
    orders = Order.objects.filter(pk__in=latest.values("pk")).aggregate(
        number=Count("pk"),
        charged=Sum("charge", default=money.ZERO),
        refunded=Sum("refunded", default=money.ZERO),
        in_window=Count("pk", filter=Q(placed_at__gt=since)),
    )
    asked = RefundRequest.objects.filter(customer=customer).exclude(origin=RequestOrigin.POLICY)
    requests = asked.aggregate(
        number=Count("pk"),
        in_window=Count("pk", filter=Q(opened_at__gt=since)),
        approved=Count("pk", filter=Q(state=RequestState.APPROVED)),
        declined=Count("pk", filter=Q(state=RequestState.DECLINED)),
    )
    disputed = Deposit.objects.filter(customer=customer, disputed__gt=0).aggregate(
        number=Count("pk"), total=Sum("disputed", default=money.ZERO)
    )
    rate = f"{requests['in_window'] * 100 // orders['in_window']} %" if orders["in_window"] else "-"
    number = f"{LONGEST_LIST:,}, the latest" if orders["number"] == LONGEST_LIST else f"{orders['number']:,}"
    rows = [
        ("Account since (UTC)", moment(customer.date_joined)),
        ("Standing", customer.get_standing_display()),
        ("Suspended", customer.suspension_reason if customer.is_suspended else "No"),
        ("Orders", number),
        ("Charged and refunded", f"{amount(orders['charged'])}, of which {amount(orders['refunded'])} came back"),
        (f"Requests in {days} days", f"{requests['in_window']:,} for {orders['in_window']:,} orders: {rate}"),
        (
            "Requests ever",
            f"{requests['number']:,}: {requests['approved']:,} approved, {requests['declined']:,} declined",
        ),
        ("Disputed deposits", f"{disputed['number']:,}, {amount(disputed['total'])}"),
    ]
    return Panel("The customer", (), rows)


def _requests(wish: RefundRequest) -> Panel:
    others = RefundRequest.objects.filter(customer=wish.customer).exclude(pk=wish.pk).order_by("-pk")[:_LATEST]
    rows = [
        (
            link("refunds_refundrequest", other.pk, other.pk),
            link("orders_order", other.order_id, other.order_id),
            moment(other.opened_at),
            other.get_cause_display(),
            other.get_state_display(),
            amount(other.amount),
            other.answer or "-",
        )
        for other in others
    ]
    headers = ("Request", "Order", "Opened (UTC)", "Cause", "State", "Credited", "Answer")
    return Panel("Other requests of this customer, the latest first", headers, rows)
