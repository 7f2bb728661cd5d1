"""Canceling an order: what the customer may do now, what it would give back, and doing it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import canceling
from orders.canceling import Canceled
from orders.models import CancelRequest, CancelRequestState, Initiator, Order, OrderStatus
from panel.accounts.models import Standing, User
from panel.kernel import money
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked
from panel.web import queries
from panel.web.people import signed_in
from refunds import order_policy, order_quotes
from refunds.order_quotes import EndQuote


class Way(StrEnum):
    """How the customer can end the order: at once, by asking the provider, or not at all."""

    AT_ONCE = "at_once"
    ASK = "ask"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the customer is offered. `quote` is set for a cancel at once; `reason` when there is no way."""

    way: Way
    quote: EndQuote | None = None
    reason: str = ""


def offer(order: Order, request: CancelRequest | None, customer: User, at: datetime) -> Offer:
    """Return what the customer may do with the order now, by the policy version that it was placed under.

    For showing only: `orders.canceling.cancel` checks again, under the order's lock.
    """
    if order.is_final:
        return Offer(Way.NONE, reason=f"This order is {order.get_status_display().lower()}; it can't be canceled.")
    status, version = OrderStatus(order.status), order.policy_version
    if status == OrderStatus.PENDING:
        if not order_policy.customer_may_cancel(version, status):
            return Offer(Way.NONE, reason=order_policy.cancel_refusal(order))
        quote = order_quotes.if_canceled(order, standing=Standing(customer.standing), at=at)
        return Offer(Way.AT_ONCE, quote=quote)
    return _running(order, request, status)


def _running(order: Order, request: CancelRequest | None, status: OrderStatus) -> Offer:
    if request is not None and request.state in {CancelRequestState.REQUESTED, CancelRequestState.ACCEPTED}:
        who = "Our staff have" if request.initiator == Initiator.STAFF else "You have"
        return Offer(Way.NONE, reason=f"{who} asked to cancel this order already.")
    if not order_policy.customer_may_ask_to_cancel(order.policy_version, status):
        return Offer(Way.NONE, reason=order_policy.cancel_refusal(order))
    if not order.allows_cancel or order.provider_id is None:
        return Offer(Way.NONE, reason="Work on this order has begun, and its service can't be canceled any more.")
    if not canceling.can_be_passed_on(order):
        return Offer(Way.NONE, reason="Our own staff carry this order out by now: write to support to stop it.")
    return Offer(Way.ASK)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, order_id: int) -> HttpResponse:
    """Ask whether to cancel and say what comes back; on the answer, cancel or ask the provider."""
    customer, now = signed_in(request), timezone.now()
    if request.method == "POST":
        return _cancel(request, customer, order_id, now)
    order = queries.order(customer, order_id)
    if order is None:
        raise Http404
    found = offer(order, queries.cancel_request(order), customer, now)
    if found.way is Way.NONE:
        messages.error(request, found.reason)
        return redirect("order", order_id=order.pk)
    return render(request, "web/order_cancel.html", {"order": order, "offer": found})


def _cancel(request: HttpRequest, customer: User, order_id: int, at: datetime) -> HttpResponse:
    try:
        with busy_when_locked():
            outcome = canceling.cancel(customer=customer, order_id=order_id, at=at)
    except canceling.OrderNotFound as error:
        raise Http404 from error
    except PanelError as error:
        messages.error(request, error.message)
        return redirect("order", order_id=order_id)
    if outcome is Canceled.REQUESTED:
        messages.info(request, "The provider is asked to cancel. Nothing is refunded until it confirms.")
        return redirect("order", order_id=order_id)
    order = queries.order(customer, order_id)
    refunded = order.refunded if order else money.ZERO
    messages.success(
        request,
        f"Order {order_id} is canceled. {money.display(refunded, settings.PANEL_CURRENCY)} is back on your balance."
        if refunded
        else f"Order {order_id} is canceled. Its page says what becomes of the charge.",
    )
    return redirect("order", order_id=order_id)
