"""Refills on the customer's pages: what is offered about an order, asking for one, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import refills
from orders.canceling import OrderNotFound
from orders.models import Initiator, Order, Refill, RefillState
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked
from panel.web import queries
from panel.web.people import signed_in
from panel.web.refund_words import Step

_RUNNING: Final = "A refill of this order was asked for. This page tells how far it is."
_ENDED: Final = {
    RefillState.COMPLETED: ("approved", "Refilled", "What had gone away was delivered again."),
    RefillState.REJECTED: ("declined", "Refill rejected", "It is not delivered again."),
    RefillState.ERROR: ("declined", "Refill failed", "It could not be delivered again."),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What the customer is offered about a refill: to ask for one, or the reason why not. `latest` is the last one."""

    latest: Refill | None
    reason: str

    @property
    def may_ask(self) -> bool:
        """Whether a refill can be asked for now."""
        return not self.reason


def offer(order: Order, asked: Sequence[Refill]) -> Offer:
    """Return what is offered, with the order's refills at hand, oldest first.

    For showing only: `orders.refills.ask` checks again, under the order's lock.
    """
    latest = asked[-1] if asked else None
    if latest is not None and latest.is_live:
        return Offer(latest, _RUNNING)
    return Offer(latest, refills.objection(order))


def steps(refill: Refill) -> list[Step]:
    """Return what happened to a refill, oldest first. The provider's words and notes of staff stay inside."""
    by_staff = refill.initiator == Initiator.STAFF
    asked = "Our staff asked for a refill" if by_staff else "You asked for a refill"
    words = "What went away is to be delivered again, at no charge."
    found = [Step(at=refill.requested_at, mark="asked", label=asked, text=words)]
    if refill.started_at is not None:
        begun = "What went away is being delivered again."
        found.append(Step(at=refill.started_at, mark="in_progress", label="Refill started", text=begun))
    if refill.closed_at is not None:
        mark, label, text = _ENDED[RefillState(refill.state)]
        found.append(Step(at=refill.closed_at, mark=mark, label=label, text=text))
    return found


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def refill(request: HttpRequest, order_id: int) -> HttpResponse:
    """Say what a refill is and ask whether to ask for one; on the answer, do so."""
    if request.method == "POST":
        return _ask(request, order_id)
    order = queries.order(signed_in(request), order_id)
    if order is None:
        raise Http404
    found = offer(order, queries.refills(order))
    if not found.may_ask:
        messages.error(request, found.reason)
        return redirect("order", order_id=order.pk)
    return render(request, "web/order_refill.html", {"order": order})


def _ask(request: HttpRequest, order_id: int) -> HttpResponse:
    try:
        with busy_when_locked():
            refills.ask(customer=signed_in(request), order_id=order_id, at=timezone.now())
    except OrderNotFound as error:
        raise Http404 from error
    except PanelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The refill is asked for. This page tells how far it is.")
    return redirect("order", order_id=order_id)
