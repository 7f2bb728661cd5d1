"""The queue is as quick with a hundred thousand answered requests as with a thousand."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from panel.accounts.models import User
from refunds.desk import talking
from refunds.models import RefundRequest
from tests.admin.pages import listing, signed_in
from tests.factories import AT, make_staff
from tests.factories.desk import approve, ask_for_refund, order_in_review, started

pytestmark = pytest.mark.django_db
TABS = ("", "due_soon", "overdue", "mine", "expedited", "unread", "to_confirm")
MOST_QUERIES = 14
FEW, MANY = 1_000, 100_000
# What more pages the same look-ups touch in a larger table: a level or two of its indexes, and visibility.
SLACK = 30

# Those that hold open requests and nothing else; with a handful of open ones either is as good as the other.
OF_OPEN_ONES = {"request_due", "request_one_open"}

_CLOSED = """
    WITH closed AS (
    INSERT INTO refunds_refundrequest (
        order_id, customer_id, origin, opened_by_id, cause, description, state, opened_at, answer_from, due_at,
        policy_version_id, clause, facts, owed, sentence, expedite_reason, recommended_note, recommended_basis,
        closed_at, closed_by_id, amount, answer, answer_clause, expedited_at, assignee_id)
    SELECT order_id, customer_id, 'customer', customer_id, cause, repeat('It is slow. ', 20), 'withdrawn',
        opened_at - n * interval '1 minute', answer_from - n * interval '1 minute', due_at - n * interval '1 minute',
        policy_version_id, clause, facts, owed, sentence, '', '', '',
        closed_at - n * interval '1 minute', customer_id, 0, answer, answer_clause, expedited_at, assignee_id
    FROM refunds_refundrequest, generate_series(1, %s) n WHERE id = %s
    RETURNING id, closed_at, closed_by_id)
    INSERT INTO refunds_refundrequestevent (request_id, at, kind, actor_id, text)
    SELECT id, closed_at, 'withdrawn', closed_by_id, '' FROM closed
"""


def withdrawn(staff: User) -> RefundRequest:
    """Return a request that was taken back after a member of staff had claimed it."""
    wish = ask_for_refund(started())
    talking.claim(request_id=wish.pk, staff=staff, at=AT)
    talking.withdraw(request_id=wish.pk, customer=wish.customer, at=AT)
    return wish


def add_closed(number: int, like: RefundRequest) -> None:
    """Add so many requests that were taken back, in one statement, and let the planner know."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, [number, like.pk])
        cursor.execute("ANALYZE refunds_refundrequest")


def asked_about_requests(client: Client, tab: str) -> list[str]:
    """Open a tab and return the statements about requests that it took."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(listing("refunds_refundrequest", show=tab)).status_code == 200
    assert len(queries) <= MOST_QUERIES, tab
    return [query["sql"] for query in queries if "refunds_refundrequest" in query["sql"]]


def explained(statement: str) -> dict[str, Any]:
    """Run a statement and return its plan with what it touched."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("%", "%%"), [])
        (found,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def touched(plan: dict[str, Any]) -> int:
    """Return how many pages of tables and indexes it read."""
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def scans(plan: dict[str, Any]) -> set[str]:
    """Return how the plan reaches the requests: the names of indexes, or "the whole table"."""
    found: set[str] = set()
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] == "refunds_refundrequest":
        found.add("the whole table")
    name = plan.get("Index Name", "")
    if name.startswith(("request_", "refunds_refundrequest_")):
        found.add(name)
    return found.union(*(scans(child) for child in plan.get("Plans", [])))


def waiting(staff: User) -> None:
    """Leave requests for every tab."""
    mine, urgent, recommended = order_in_review(), order_in_review(), order_in_review()
    talking.claim(request_id=mine.pk, staff=staff, at=AT)
    talking.expedite(request_id=urgent.pk, customer=urgent.customer, reason="A fair", at=AT)
    talking.message(request_id=urgent.pk, customer=urgent.customer, text="Any news?", at=AT)
    approve(recommended, make_staff(), "2")


def test_what_waits_is_read_from_indexes_of_what_waits_however_much_is_answered() -> None:
    staff = make_staff("hiro", "Agent")
    waiting(staff)
    like, client = withdrawn(staff), signed_in(staff)
    add_closed(FEW, like)
    asked_about_requests(client, "")
    few = {tab: sum(touched(explained(one)) for one in asked_about_requests(client, tab)) for tab in TABS}

    add_closed(MANY - FEW, like)

    assert RefundRequest.objects.count() > MANY
    for tab in TABS:
        statements = asked_about_requests(client, tab)
        plans = [explained(one) for one in statements]
        reached = set().union(*(scans(plan) for plan in plans))
        assert len(statements) == 3, tab  # the rows, their number, the badge
        assert reached, tab
        assert reached <= OF_OPEN_ONES, f"{tab}: {reached}"
        assert sum(touched(plan) for plan in plans) <= few[tab] + SLACK, tab
    assert Order.objects.count() == 4


def test_the_lists_of_all_and_of_answered_ones_count_no_further_than_they_must() -> None:
    staff = make_staff("hiro", "Agent")
    like, client = withdrawn(staff), signed_in(staff)
    add_closed(20_000, like)

    for tab in ("all", "answered"):
        page = client.get(listing("refunds_refundrequest", show=tab))
        assert page.context["cl"].paginator.count == 10_000
        assert len(page.context["cl"].result_list) == 50
