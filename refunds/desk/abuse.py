"""Abuse is measured: what a customer's requests add up to, by the thresholds of the policy that judges the order."""

from datetime import datetime, timedelta

from django.db import connection

from orders.models import Order, OrderStatus
from panel.accounts.models import Standing, User
from refunds import publishing
from refunds.policy import abuse
from refunds.policy.abuse import Counts, Reason
from refunds.policy.document import Policy

_COUNT = """
    WITH start AS (
        SELECT greatest(%(since)s, coalesce(
            (SELECT max(at) FROM accounts_standingchange WHERE user_id = %(customer)s AND to_standing = 'clear'),
            %(since)s)) AS at),
    asked AS (
        SELECT r.opened_at, o.link, o.status, o.final_at
        FROM refunds_refundrequest r JOIN orders_order o ON o.id = r.order_id, start
        WHERE r.customer_id = %(customer)s AND r.origin <> 'policy' AND r.opened_at > start.at)
    SELECT (SELECT count(*) FROM (
                SELECT FROM orders_order WHERE customer_id = %(customer)s AND placed_at > %(since)s
                ORDER BY id DESC LIMIT (SELECT (count(*) + 1) * 100 / %(percent)s + 1 FROM asked)) AS enough),
           count(*),
           count(*) FILTER (WHERE link = %(link)s),
           count(*) FILTER (WHERE status = 'completed'
                AND opened_at BETWEEN final_at AND final_at + make_interval(hours => %(hours)s))
    FROM asked
"""


def measured(*, customer: User, order: Order, policy: Policy, at: datetime) -> tuple[Reason, ...]:
    """Return why the policy would flag this customer if he opened a request about the order at `at`; often nothing.

    Requests before a person last cleared the customer no longer count. One statement over the customer's own rows, and
    of his orders only over as many as it takes to know that there are too many for the rate.
    """
    rules = policy.abuse
    if rules is None:
        return ()
    since = at - timedelta(days=rules.window_days)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "customer": customer.pk,
                "since": since,
                "link": order.link,
                "hours": rules.soon_hours,
                "percent": rules.rate_percent,
            },
        )
        placed, asked, on_link, soon_after = cursor.fetchone()
    is_soon = (
        order.status == OrderStatus.COMPLETED
        and order.final_at is not None
        and at <= order.final_at + timedelta(hours=rules.soon_hours)
    )
    counts = Counts(orders=placed, requests=asked + 1, on_link=on_link + 1, soon=soon_after + is_soon)
    return abuse.reasons(rules, counts)


def standing_if_asked(customer: User, order: Order, at: datetime) -> Standing:
    """Return how the customer would stand if he opened a request about the order at `at`; one statement at most."""
    if customer.standing != Standing.CLEAR:
        return Standing(customer.standing)
    policy = publishing.version(order.policy_version).policy
    return standing_of(customer, measured(customer=customer, order=order, policy=policy, at=at))


def standing_of(customer: User, reasons: tuple[Reason, ...]) -> Standing:
    """Return how the customer stands once the reasons are taken into account; a worse standing stays."""
    standing = Standing(customer.standing)
    return Standing.ABUSE_FLAGGED if reasons and standing == Standing.CLEAR else standing
