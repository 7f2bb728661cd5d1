"""Placing orders: one code path for one line or a thousand, all or nothing.

Price, lock the customer's account, insert orders with their frozen terms, post the charges: one transaction.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from billing import ledger
from billing.models import House, TransferKind
from orders import insertion, ports
from orders import lines as order_lines
from orders.insertion import UNKNOWN, NewOrder, Origin
from orders.lines import Line, PricedLine
from orders.models import PlacedRequest
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, Refused

REPEAT_WINDOW = timedelta(hours=24)
_LINK_BUSY = "You have active order with this link. Please wait until order being completed."


class NotEnoughFunds(Refused):
    """The customer's balance is below the total of the lines."""

    code = "not_enough_funds"


class LinkBusy(Conflict):
    """The service takes one running order per link, and there is one."""

    code = "link_busy"


class RequestIdReused(Conflict):
    """The same request_id came with other parameters."""

    code = "request_id_reused"


@dataclass(frozen=True, slots=True)
class Placed:
    """The orders of the lines, in their order. `repeated`: an earlier call with the same request_id placed them."""

    order_ids: tuple[int, ...]
    repeated: bool = False


def place(
    *, customer: User, lines: Sequence[Line], at: datetime, request_id: str = "", origin: Origin = UNKNOWN
) -> Placed:
    """Place all lines or none, and charge the customer's balance (promotional money first).

    The same `request_id` within 24 hours answers the same orders, whose `origin` stays that of the first call.

    Raises AccountSuspended, lines.BadLine (names the field), lines.UnknownService, lines.BadRequestId, NotEnoughFunds,
    LinkBusy, RequestIdReused.
    """
    request_id = order_lines.clean_request_id(request_id)
    with transaction.atomic(durable=True):
        balances = ledger.lock_customers([customer.pk])[customer.pk]
        # In a statement of its own: the one that waited for the lock has seen the account as it was before.
        suspension.require_active_now(customer.pk)
        if request_id and (earlier := _earlier(customer, request_id, lines, at)):
            return earlier
        priced = order_lines.price(lines)
        total = sum((line.charge for line in priced), money.ZERO)
        if total > balances.spendable:
            raise NotEnoughFunds(_funds_message(total, balances.spendable), field="quantity")
        orders = _terms(priced, balances.promo, at)
        order_ids = _insert(customer, orders, origin, at)
        ledger.post(_charges(customer, order_ids, orders, balances), at=at)
        placed = Placed(order_ids=tuple(order_ids))
        if request_id:
            _remember(customer, request_id, lines, placed, at)
    return placed


def _terms(priced: Sequence[PricedLine], promo: Decimal, at: datetime) -> list[NewOrder]:
    """Return the lines with the price and terms of this moment; promotional money pays the first ones."""
    submit_due_at = at + settings.ORDER_SUBMIT_DELAY
    orders = []
    for line in priced:
        service = line.service
        from_promo = min(promo, line.charge)
        promo -= from_promo
        orders.append(
            NewOrder(
                service_id=service.pk,
                service_name=service.name,
                service_type=service.type,
                category=service.category_id,
                terms=service.terms.value,
                allows_cancel=service.allows_cancel,
                allows_refill=service.allows_refill,
                link=line.link,
                quantity=line.quantity,
                rate=service.rate,
                charge=line.charge,
                charge_promo=from_promo,
                provider_id=service.provider_id,
                provider_service_id=service.provider_service_id,
                submit_due_at=submit_due_at if service.provider_id else None,
                holds_link=service.one_order_per_link,
            )
        )
    return orders


def _insert(customer: User, orders: Sequence[NewOrder], origin: Origin, at: datetime) -> list[int]:
    policy_version = ports.policy().version_in_force(at, customer.customer_group_id)
    _require_free_links([order for order in orders if order.holds_link])
    try:
        return insertion.insert(
            customer_id=customer.pk, policy_version=policy_version, orders=orders, origin=origin, at=at
        )
    except IntegrityError as error:
        if "order_one_running_per_link" in str(error):
            raise LinkBusy(_LINK_BUSY, field="link") from error
        raise


def _require_free_links(orders: Sequence[NewOrder]) -> None:
    """Refuse links that are taken before the unique index does, for services that take one order per link.

    The index waits for a transaction that is just ending the order on the link, which waits for the customer's account
    in turn, and that is ours already: a deadlock. A look without locks sees the order as still running.
    """
    if not orders:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM orders_order o
                JOIN unnest(%s::bigint[], %s::text[]) AS l(service_id, link)
                    ON o.service_id = l.service_id AND md5(o.link) = md5(l.link)
                WHERE o.holds_link AND o.status IN ('pending', 'processing', 'in_progress'))
            """,
            [[order.service_id for order in orders], [order.link for order in orders]],
        )
        (taken,) = cursor.fetchone()
    if taken:
        raise LinkBusy(_LINK_BUSY, field="link")


def _charges(
    customer: User, order_ids: Sequence[int], orders: Sequence[NewOrder], balances: ledger.Balances
) -> list[ledger.NewTransfer]:
    """Return the transfers that charge the orders: one each, two where promotional money pays a part."""
    sources = [
        (order_id, source, account, amount)
        for order_id, order in zip(order_ids, orders, strict=True)
        for source, account, amount in (
            ("promo", balances.promo_id, order.charge_promo),
            ("available", balances.available_id, order.charge - order.charge_promo),
        )
        if amount
    ]
    return [
        ledger.NewTransfer(
            key=f"order:{order_id}:charge:{source}",
            kind=TransferKind.ORDER_PLACED,
            debit=account,
            credit=House.ORDERS_IN_PROGRESS.value,
            amount=amount,
            customer_id=customer.pk,
            order_ref=order_id,
        )
        for order_id, source, account, amount in sources
    ]


def _fingerprint(lines: Sequence[Line]) -> str:
    """Return a digest of what was asked for, to tell a repeat from another order under the same request_id."""
    content = json.dumps([[line.service_id, line.link.strip(), line.quantity] for line in lines])
    return hashlib.sha256(content.encode()).hexdigest()


def _earlier(customer: User, request_id: str, lines: Sequence[Line], at: datetime) -> Placed | None:
    """Return what the same request placed within the window. The customer's locked account makes this race-free."""
    known = PlacedRequest.objects.filter(customer=customer, request_id=request_id).first()
    if known is None or known.placed_at <= at - REPEAT_WINDOW:
        return None
    if known.fingerprint != _fingerprint(lines):
        message = "This request_id was used in the last 24 hours for another order; take a new one."
        raise RequestIdReused(message, field="request_id")
    return Placed(order_ids=tuple(known.order_ids), repeated=True)


def _remember(customer: User, request_id: str, lines: Sequence[Line], placed: Placed, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, [customer.pk, request_id, _fingerprint(lines), json.dumps(placed.order_ids), at])


# A request_id whose window is over makes new orders, and its row is written over.
_REMEMBER = """
    INSERT INTO orders_placedrequest (customer_id, request_id, fingerprint, order_ids, placed_at)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (customer_id, request_id) DO UPDATE
    SET fingerprint = EXCLUDED.fingerprint, order_ids = EXCLUDED.order_ids, placed_at = EXCLUDED.placed_at
"""


def _funds_message(total: Decimal, spendable: Decimal) -> str:
    currency = settings.PANEL_CURRENCY
    return (
        f"Not enough funds on balance: this costs {money.display(total, currency)}"
        f" and you have {money.display(spendable, currency)}."
    )
