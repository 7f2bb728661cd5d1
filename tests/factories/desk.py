"""Refund requests in any state, brought there through the use cases."""

from datetime import datetime
from uuid import uuid4

from orders import handling
from orders.models import Cause, Order
from panel.accounts.models import User
from refunds.desk import deciding, opening
from refunds.desk.plans import Choice
from refunds.models import Decision, DecisionState, RefundRequest, RequestState
from refunds.uploads import Upload
from tests.factories.orders import AT, place_order
from tests.factories.catalog import make_service
from tests.factories.people import make_customer, make_staff


def ask_for_refund(
    order: Order,
    cause: Cause = Cause.CANNOT_COMPLETE,
    *,
    description: str = "Hardly anybody came.",
    files: tuple[Upload, ...] = (),
    at: datetime = AT,
) -> RefundRequest:
    """Open a request as the order's customer does, having read what the policy says."""
    quote = opening.quote(customer=order.customer, order_id=order.pk, cause=cause, at=at)
    return opening.open_by_customer(
        customer=order.customer,
        order_id=order.pk,
        cause=cause,
        description=description,
        files=files,
        key=uuid4(),
        seen=quote.token,
        at=at,
    )


def order_in_review(customer: User | None = None, *, promo: str = "0") -> RefundRequest:
    """Return the request that opened when an order of 10.00 was canceled for a wrong link: 4.00 wait for a person."""
    order = place_order(customer or make_customer(funds="20", promo=promo), make_service(rate="10"))
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    return request_about(order)


def request_about(order: Order) -> RefundRequest:
    """Return the open request about an order."""
    return RefundRequest.objects.get(order=order, state=RequestState.OPEN)


def decision_in_review(order: Order) -> Decision:
    """Return the decision about an order that waits for a person."""
    return Decision.objects.get(order=order, state=DecisionState.AWAITING_REVIEW)


def approve(request: RefundRequest, staff: User, *, note: str = "Fine", at: datetime = AT) -> RefundRequest:
    """Approve what the policy proposes."""
    return deciding.approve(request_id=request.pk, staff=staff, choice=Choice(), note=note, seen=None, at=at)


def decline(request: RefundRequest, staff: User, *, note: str = "No", at: datetime = AT) -> RefundRequest:
    """Decline by the clause that sent the request to a person."""
    return deciding.decline(request_id=request.pk, staff=staff, clause=request.clause, note=note, at=at)
