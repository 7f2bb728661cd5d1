"""The customer's orders: the list under its tabs, and the page of one."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.models import OrderStatus
from panel.web import canceling, queries, timeline, typed
from panel.web.people import signed_in
from refunds import order_policy, publishing
from refunds.models import Decision
from refunds.policy import wording


@dataclass(frozen=True, slots=True)
class Judgment:
    """A decision with the clause that made it, in the words of the version that the order was placed under."""

    decision: Decision
    clause: str


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the customer's orders."""
    customer = signed_in(request)
    status = request.GET.get("status", "")
    status = status if status in OrderStatus.values else ""
    search = typed.words(request.GET.get("q"))
    page = queries.orders_page(
        customer,
        status=status,
        search=search,
        before=typed.number(request.GET.get("before")),
        after=typed.number(request.GET.get("after")),
    )
    return render(
        request,
        "web/orders.html",
        {
            "tabs": queries.tabs(customer),
            "status": status,
            "search": search,
            "page": page,
            "may_cancel": {
                version
                for version in {order.policy_version for order in page.orders}
                if order_policy.customer_may_cancel(version, OrderStatus.PENDING)
            },
        },
    )


@never_cache
@login_required
@require_safe
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    """Tell one order: how far it is, what happened to it, what was refunded and why."""
    customer = signed_in(request)
    found = queries.order(customer, order_id)
    if found is None:
        raise Http404
    story = queries.story(found)
    return render(
        request,
        "web/order.html",
        {
            "order": found,
            "timeline": timeline.entries(found, story.events),
            "judgments": [_judgment(decision) for decision in story.decisions],
            "cancel_request": story.cancel_request,
            "offer": canceling.offer(found, story.cancel_request, customer, timezone.now()),
            "version": publishing.version(found.policy_version),
        },
    )


def _judgment(decision: Decision) -> Judgment:
    clause = decision.policy_version.policy.clause(decision.clause)
    return Judgment(decision, wording.fill(clause.text, {"panel": settings.PANEL_NAME}))
