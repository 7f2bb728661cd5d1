"""What the orders room asks about policies: the module named by `settings.ORDER_POLICY` (orders.ports.OrderPolicy)."""

from datetime import datetime

from django.conf import settings
from django.db import connection

from orders.models import OrderStatus, Terms
from panel.accounts.models import Standing
from panel.kernel import money
from panel.postgres import prepared
from refunds import publishing
from refunds.policy import engine, facts, quoting, wording

_IN_FORCE = prepared.Statement(
    "policy_in_force",
    "SELECT id FROM refunds_policyversion WHERE effective_from <= %s::timestamptz"
    " ORDER BY effective_from DESC, id DESC LIMIT 1",
)


def version_in_force(at: datetime) -> int:
    """Return the number of the version in force at `at`. Raises publishing.NoPolicyInForce."""
    with connection.cursor() as cursor:
        _IN_FORCE.run(cursor, [at])
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
    reason = quoting.cancel_quote(publishing.version(version).policy, unit).reason
    return wording.fill(reason, {"panel": settings.PANEL_NAME})


def order_note(version: int, terms: Terms, standing: Standing = Standing.CLEAR) -> tuple[str, ...]:
    """Return the lines beside the Order button, from the document, for a customer of this standing."""
    policy = publishing.version(version).policy
    return quoting.order_note(policy, facts.Terms(terms.value), facts.Standing(standing.value))
