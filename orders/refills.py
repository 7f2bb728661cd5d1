"""Refills: delivering again what went away after an order was delivered, instead of refunding it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from orders.canceling import OrderNotFound
from orders.models import Initiator, Order, OrderStatus, Passing, Refill, RefillOffer
from orders.models.refill import FAILED
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused


class RefillRefused(Refused):
    """The service or the order's state does not allow a refill."""

    code = "refill_refused"


class RefillRunning(Conflict):
    """A refill of this order was asked for and has not ended."""

    code = "refill_running"


class RefillNotFound(NotFound):
    """There is no such refill, or it is another customer's: the two are told apart by nobody."""

    code = "refill_not_found"


class BadRefillId(Refused):
    """What was given can't be the number of a refill."""

    code = "bad_refill_id"


def ask(*, customer: User, order_id: int, at: datetime) -> Refill:
    """Ask for a refill of the customer's own order; the order's lock lets one of two that come at once win.

    Raises OrderNotFound, RefillRefused, RefillRunning, suspension.AccountSuspended.
    """
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(pk=order_id, customer=customer).first()
        if order is None:
            raise OrderNotFound("There is no such order.")
        return _open(order, Initiator.CUSTOMER, customer, at)


def ask_for_customer(*, staff: User, order_id: int, at: datetime) -> Refill:
    """Ask for a refill for a customer who wrote in, by the same rules as his own.

    Raises Forbidden, OrderNotFound, RefillRefused, RefillRunning, suspension.AccountSuspended.
    """
    if not staff.is_staff:
        raise Forbidden("Only staff ask for refills of others.")
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(pk=order_id).first()
        if order is None:
            raise OrderNotFound("There is no such order.")
        if order.customer_id == staff.pk:
            raise Forbidden("Nobody handles an own order.")
        return _open(order, Initiator.STAFF, staff, at)


def objection(order: Order) -> str:
    """Return why there is nothing to refill about the order as it stands, in a sentence; empty when there is."""
    if not order.allows_refill:
        return "The service of this order offers no refill."
    if not order.is_final:
        return "This order is still running. A refill can be asked for once it has ended."
    if not _was_delivered(order):
        return "Nothing of this order was delivered to its end, so there is nothing to refill."
    if order.kept == money.ZERO:
        return "All that was paid for this order is refunded, so it is not delivered again."
    return ""


def is_running(order: Order) -> bool:
    """Whether a refill of this order was asked for and has not ended."""
    return Refill.objects.filter(order=order, closed_at__isnull=True).exists()


def offers(orders: Sequence[Order]) -> dict[int, RefillOffer]:
    """Return by number of the order whether a refill of it can be asked for, runs, or was refused the last time.

    Of what was not delivered after all there is nothing to refill, whatever was asked for before a correction said so.

    One statement for all of them, and none when no order allows refills or has ended.
    """
    latest: dict[int, tuple[bool, str]] = {}
    allowing = [order.pk for order in orders if order.allows_refill and _was_delivered(order)]
    if allowing:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT DISTINCT ON (order_id) order_id, closed_at IS NULL, state FROM orders_refill
                WHERE order_id = ANY(%s) ORDER BY order_id, id DESC
                """,
                [allowing],
            )
            latest = {order_id: (is_live, state) for order_id, is_live, state in cursor.fetchall()}
    return {order.pk: _offer(order, latest.get(order.pk)) for order in orders}


def first_offer(order: Order) -> RefillOffer:
    """Return whether a refill can be asked for of an order of which none ever was, such as one that ends just now."""
    return RefillOffer.NOT_OFFERED if objection(order) else RefillOffer.AVAILABLE


def _was_delivered(order: Order) -> bool:
    """Whether the order has ended with something delivered: only then do the facts of a policy know of refills."""
    return bool(order.is_final and order.status != OrderStatus.CANCELED and order.delivered)


def _offer(order: Order, latest: tuple[bool, str] | None) -> RefillOffer:
    is_live, state = latest or (False, "")
    if is_live:
        return RefillOffer.RUNNING
    return RefillOffer.REFUSED if state in FAILED else first_offer(order)


def _open(order: Order, initiator: Initiator, actor: User, at: datetime) -> Refill:
    """Write the wish about a locked order."""
    suspension.require_active_now(order.customer_id)
    if is_running(order):
        raise RefillRunning("A refill of this order was asked for already and has not ended.")
    if reason := objection(order):
        raise RefillRefused(reason)
    is_with_provider = order.provider_id is not None and order.provider_order_id != ""
    return Refill.objects.create(
        order=order,
        provider_id=order.provider_id if is_with_provider else None,
        passing=Passing.WAITING if is_with_provider else Passing.BY_HAND,
        initiator=initiator,
        actor=actor,
        requested_at=at,
        send_due_at=at if is_with_provider else None,
    )
