"""The customer's orders: the list under its tabs, and the page of one."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.models import OrderStatus
from panel.web import canceling, order_refunds, order_story, queries, refilling, refund_queries, typed
from panel.web.people import signed_in
from panel.web.queries import Story
from refunds import order_policy, publishing, rules
from refunds.models import Decision


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
    now, story, asked = timezone.now(), queries.story(found), refund_queries.about(found)
    return render(
        request,
        "web/order.html",
        {
            "order": found,
            "steps": order_story.steps(story, asked),
            "latest": _latest(story),
            "cancel_request": story.cancel_request,
            "offer": canceling.offer(found, story.cancel_request, customer, now),
            "ending": order_refunds.ending(found, customer, now),
            "refill_offer": refilling.offer(found, story.refills),
            "refund_offer": order_refunds.offer(story, asked, customer, now),
            "version": publishing.version(found.policy_version),
        },
    )


def _latest(story: Story) -> Judgment | None:
    """Return the decision that counts: the last one."""
    if not story.decisions:
        return None
    decision = story.decisions[0]
    return Judgment(decision, rules.words(decision.policy_version.policy, decision.clause))
