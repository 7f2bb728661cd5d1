"""What the orders room asks about policies: the module named by `settings.ORDER_POLICY` (orders.ports.OrderPolicy)."""

from datetime import datetime

from django.db import connection

from orders.models import OrderStatus, Terms
from panel.accounts.models import Standing
from panel.kernel import money
from panel.postgres import prepared
from refunds import publishing, rules
from refunds.policy import engine, facts, quoting

_IN_FORCE = prepared.Statement(
    "policy_in_force",
    "SELECT id FROM refunds_policyversion WHERE effective_from <= %s::timestamptz AND withdrawn_at IS NULL"
    " AND (customer_group_id IS NULL OR customer_group_id = %s::bigint)"
    " ORDER BY customer_group_id IS NULL, effective_from DESC, id DESC LIMIT 1",
)


def version_in_force(at: datetime, group: int | None) -> int:
    """Return the number of the version in force at `at` for a group of customers. Raises publishing.NoPolicyInForce."""
    with connection.cursor() as cursor:
        _IN_FORCE.run(cursor, [at, group])
        row = cursor.fetchone()
    if row is None:
        raise publishing.NoPolicyInForce("No refund policy is in force yet; run `manage.py publish_policy`.")
    return int(row[0])


def customer_may_cancel(version: int, status: OrderStatus) -> bool:
    """Whether this version lets customers cancel orders in this status themselves."""
    return engine.may_customer_cancel(publishing.version(version).policy, facts.Status(status.value))


def customer_may_ask_to_cancel(version: int, status: OrderStatus) -> bool:
    """Whether this version lets customers ask for a cancel that the provider must confirm."""
    return engine.may_customer_ask_to_cancel(publishing.version(version).policy, facts.Status(status.value))


def cancel_refusal(version: int) -> str:
    """Return the document's own words for a customer who may not cancel: its clause on a change of mind."""
    unit = facts.Amounts(charge=money.ZERO, quantity=1, remains=1)
    policy = publishing.version(version).policy
    return rules.words(policy, quoting.cancel_quote(policy, unit).clause_id)


def order_note(version: int, terms: Terms, standing: Standing = Standing.CLEAR) -> tuple[str, ...]:
    """Return the lines beside the Order button, from the document, for a customer of this standing."""
    policy = publishing.version(version).policy
    return quoting.order_note(policy, facts.Terms(terms.value), facts.Standing(standing.value))
