"""A customer cancels: at once while the order is pending, through the provider once it is running."""

from datetime import datetime
from enum import Enum

from django.db import IntegrityError, transaction

from orders import lifecycle, ports
from orders.lifecycle import Move
from orders.models import CancelRequest, Cause, Initiator, Order, OrderStatus, Submission
from orders.models.cancel_request import LIVE_STATES as LIVE_CANCELS
from orders.models.submission import LIVE_STATES
from panel.accounts.models import User
from panel.kernel.errors import Conflict, NotFound, Refused


class OrderNotFound(NotFound):
    """There is no such order, or it is another customer's: the two are told apart by nobody."""

    code = "order_not_found"


class CancelRefused(Refused):
    """The refund policy, the service or the order's state does not allow it."""

    code = "cancel_refused"


class CancelRunning(Conflict):
    """A cancel request for this order is on its way already."""

    code = "cancel_running"


class Canceled(Enum):
    """What a cancel came to. `REQUESTED` is no refund yet: the order moves when the provider confirms."""

    AT_ONCE = "at_once"
    REQUESTED = "requested"


def cancel(*, customer: User, order_id: int, at: datetime) -> Canceled:
    """Cancel a pending order and refund it by policy, or ask the provider to cancel a running one.

    The order's lock decides against a submission that happens at the same time: one of them wins.

    Raises OrderNotFound, CancelRefused, CancelRunning.
    """
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(pk=order_id, customer=customer).first()
        if order is None:
            raise OrderNotFound("There is no such order.")
        if order.is_final:
            message = f"Order {order.pk} is {order.get_status_display().lower()} already."
            raise CancelRefused(message)
        if order.status == OrderStatus.PENDING:
            _cancel_pending(order, customer, at)
            return Canceled.AT_ONCE
        _request(order, customer, at)
        return Canceled.REQUESTED


def _cancel_pending(order: Order, customer: User, at: datetime) -> None:
    if not ports.policy().customer_may_cancel(order.policy_version, OrderStatus.PENDING):
        raise CancelRefused(ports.policy().cancel_refusal(order))
    move = Move(order.pk, OrderStatus.CANCELED, cause=Cause.CHANGE_OF_MIND, remains=order.quantity)
    lifecycle.require_moved(lifecycle.transition([move], initiator=Initiator.CUSTOMER, actor_id=customer.pk, at=at))


def can_be_passed_on(order: Order) -> bool:
    """Whether the provider has the running order, or may yet have it; staff can take one over that it never had."""
    if order.provider_order_id:
        return True
    return Submission.objects.filter(order=order, state__in=LIVE_STATES).exists()


def takes_requests(order: Order) -> bool:
    """Whether a running order's provider can be asked to cancel it."""
    running = order.status in {OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS}
    return running and order.allows_cancel and order.provider_id is not None and can_be_passed_on(order)


def is_asked(order: Order) -> bool:
    """Whether a cancel of this order is on its way to the provider, or accepted there."""
    return CancelRequest.objects.filter(order=order, state__in=LIVE_CANCELS).exists()


def ask_provider(order: Order, *, cause: Cause, staff: User, at: datetime) -> None:
    """Pass a wish of staff to cancel on to the provider, in the caller's transaction, which holds the order's lock.

    Raises CancelRunning when one is on its way.
    """
    _pass_on(order, cause, Initiator.STAFF, staff, at)


def _request(order: Order, customer: User, at: datetime) -> None:
    if not ports.policy().customer_may_ask_to_cancel(order.policy_version, OrderStatus(order.status)):
        raise CancelRefused(ports.policy().cancel_refusal(order))
    if not order.allows_cancel or order.provider_id is None:
        raise CancelRefused("This order is running and its service can't be canceled.")
    if not can_be_passed_on(order):
        raise CancelRefused("This order is carried out by our own staff by now. Please write to support.")
    _pass_on(order, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER, customer, at)


def _pass_on(order: Order, cause: Cause, initiator: Initiator, actor: User, at: datetime) -> None:
    try:
        with transaction.atomic():
            CancelRequest.objects.create(
                order=order, cause=cause, initiator=initiator, actor=actor, requested_at=at, send_due_at=at
            )
    except IntegrityError as error:
        raise CancelRunning("A cancel request for this order is on its way already.") from error
