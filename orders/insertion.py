"""Writing new orders with their first event: one statement, however many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from orders.models import PlacedThrough
from panel.postgres import prepared


@dataclass(frozen=True, slots=True)
class Origin:
    """Which door orders came in by and from which address; empty where it is not known."""

    through: PlacedThrough | None = None
    address: str | None = None


UNKNOWN = Origin()


class NewOrder(NamedTuple):
    """The columns of an order that differ from line to line. Money at the money scale."""

    service_id: int
    service_name: str
    service_type: str
    category: int
    terms: str
    allows_cancel: bool
    allows_refill: bool
    link: str
    quantity: int
    rate: Decimal
    charge: Decimal
    charge_promo: Decimal
    provider_id: int | None
    provider_service_id: str
    submit_due_at: datetime | None
    holds_link: bool


_INSERT = prepared.Statement(
    "orders_insert",
    """
    WITH new_orders AS (
        INSERT INTO orders_order
            (customer_id, policy_version, placed_at, placed_from, placed_through, status, refunded, recognized,
             provider_order_id,
             service_id, service_name, service_type, category, terms, allows_cancel, allows_refill, link, quantity,
             rate, charge, charge_promo, provider_id, provider_service_id, submit_due_at, holds_link)
        SELECT %(customer)s::bigint, %(policy_version)s::bigint, %(at)s::timestamptz, %(placed_from)s::inet,
             %(placed_through)s::text, 'pending', 0, 0, '',
             l.service_id, l.service_name, l.service_type, l.category, l.terms, l.allows_cancel, l.allows_refill,
             l.link, l.quantity, l.rate, l.charge, l.charge_promo, l.provider_id, l.provider_service_id,
             l.submit_due_at, l.holds_link
        FROM unnest(%(service_id)s::bigint[], %(service_name)s::text[], %(service_type)s::text[],
                    %(category)s::bigint[], %(terms)s::text[], %(allows_cancel)s::boolean[],
                    %(allows_refill)s::boolean[], %(link)s::text[],
                    %(quantity)s::bigint[], %(rate)s::numeric[], %(charge)s::numeric[], %(charge_promo)s::numeric[],
                    %(provider_id)s::bigint[], %(provider_service_id)s::text[], %(submit_due_at)s::timestamptz[],
                    %(holds_link)s::boolean[]) WITH ORDINALITY
            AS l(service_id, service_name, service_type, category, terms, allows_cancel, allows_refill, link, quantity,
                 rate, charge, charge_promo, provider_id, provider_service_id, submit_due_at, holds_link, line)
        ORDER BY l.line
        RETURNING id
    ), first_events AS (
        INSERT INTO orders_orderevent
            (order_id, at, from_status, to_status, cause, initiator, actor_id, raw_status, note)
        SELECT id, %(at)s::timestamptz, '', 'pending', '', 'customer', %(customer)s::bigint, '', '' FROM new_orders
    )
    SELECT id FROM new_orders ORDER BY id
    """,
)


def insert(
    *, customer_id: int, policy_version: int, orders: Sequence[NewOrder], origin: Origin, at: datetime
) -> list[int]:
    """Insert pending orders of one customer and their first events; return their numbers in the order of the lines.

    Raises IntegrityError naming the constraint, such as `order_one_running_per_link`.
    """
    columns = dict(zip(NewOrder._fields, (list(column) for column in zip(*orders, strict=True)), strict=True))
    same_for_all = {
        "customer": customer_id,
        "policy_version": policy_version,
        "at": at,
        "placed_from": origin.address,
        "placed_through": origin.through.value if origin.through else "",
    }
    with connection.cursor() as cursor:
        _INSERT.run(cursor, {**same_for_all, **columns})
        return [row[0] for row in cursor.fetchall()]
