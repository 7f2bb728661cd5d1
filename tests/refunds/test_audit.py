"""The audit finds what is wrong with the books, and `audit_ledger` says so and fails."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing import audit as ledger_audit
from orders import handling
from orders.models import Cause, Order, OrderStatus
from refunds import audit
from refunds.models import Decision
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    """A partial order of 10.00 with 4.00 refunded, beside one that is pending."""
    ada, reach = make_customer(funds="50", promo="2"), make_service(rate="10")
    place_order(ada, reach)
    order = place_order(ada, reach)
    move(order, OrderStatus.PARTIAL, remains=400)
    return order


def tamper(statement: str, order: Order) -> None:
    """Write around every trigger and constraint, as a broken restore or a superuser's hand would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("billing_account", "billing_transfer", "orders_order", "orders_orderevent", "refunds_decision"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, {"order": order.pk, "customer": order.customer_id})


def test_sound_books_have_no_findings(order: Order) -> None:
    waiting = place_order(order.customer, order.service)
    handling.cancel(order_id=waiting.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)

    assert audit.findings() == []


BROKEN: dict[str, str] = {
    "the stored balance of every customer account is the sum of its transfers": (
        "UPDATE billing_account SET balance = balance + 0.000001"
        " WHERE kind = 'available' AND customer_id = %(customer)s"
    ),
    "available, held and promotional balances are not negative, debt is not positive": (
        "ALTER TABLE billing_account DROP CONSTRAINT account_balance_not_negative;"
        "UPDATE billing_account SET balance = -1 WHERE kind = 'promo' AND customer_id = %(customer)s"
    ),
    "house accounts store no balance, customer accounts do": (
        "ALTER TABLE billing_account DROP CONSTRAINT account_customer_or_house;"
        "UPDATE billing_account SET balance = 0 WHERE id = 2"
    ),
    "every transfer joins two different accounts that exist, with an amount above zero": (
        "UPDATE billing_transfer SET debit_account_id = 998 WHERE order_ref = %(order)s AND kind = 'order_delivered'"
    ),
    "every transfer names the customer whose account it moves": (
        "UPDATE billing_transfer SET customer_id = author_id WHERE customer_id = %(customer)s AND author_id IS NOT NULL"
    ),
    "adjustments carry a reason and an author": (
        "ALTER TABLE billing_transfer DROP CONSTRAINT transfer_adjustment_explained;"
        "UPDATE billing_transfer SET reason = '' WHERE kind = 'adjustment'"
    ),
    "every order was charged exactly its charge, with the promotional part from the promotional balance": (
        "UPDATE orders_order SET charge = charge + 0.000001 WHERE id = %(order)s"
    ),
    "what an order says was refunded is what its transfers gave back, between 0 and the charge": (
        "UPDATE orders_order SET refunded = refunded - 1 WHERE id = %(order)s"
    ),
    "what an order says was recognized is what its transfers moved to revenue": (
        "UPDATE orders_order SET recognized = recognized - 1 WHERE id = %(order)s"
    ),
    "transfers of orders name an order of the same customer": (
        "UPDATE billing_transfer SET order_ref = 987654321 WHERE order_ref = %(order)s AND kind = 'order_delivered'"
    ),
    "the decisions of an order credited what was refunded": (
        "UPDATE refunds_decision SET credited = 3 WHERE order_id = %(order)s"
    ),
    "an ended order has a decision, and nothing of its charge is left in progress unless it waits for review": (
        "DELETE FROM refunds_decision WHERE order_id = %(order)s"
    ),
    "an order that has not ended is neither refunded nor recognized": (
        "UPDATE orders_order SET status = 'in_progress', final_at = NULL WHERE id = %(order)s"
    ),
    "every order and decision carries a policy version that exists, and decisions the order's own": (
        "UPDATE orders_order SET policy_version = 987654321 WHERE id = %(order)s"
    ),
    "the last event of every order says its status": (
        "DELETE FROM orders_orderevent WHERE order_id = %(order)s AND to_status = 'partial'"
    ),
}


@pytest.mark.broken_books
@pytest.mark.parametrize("invariant", BROKEN)
def test_finds_that_it_is_broken_that(invariant: str, order: Order) -> None:
    assert audit.findings() == []

    tamper(BROKEN[invariant], order)

    found = {finding.invariant: finding for finding in audit.findings()}
    assert invariant in found
    assert found[invariant].count >= 1
    assert found[invariant].examples


def test_every_invariant_is_tested_here() -> None:
    names = [check.name for check in (*ledger_audit.CHECKS, *audit.CHECKS)]

    assert sorted(names) == sorted(BROKEN)


def test_the_command_says_that_the_books_are_right(order: Order) -> None:
    out = StringIO()

    call_command("audit_ledger", "--json", stdout=out)

    assert Decision.objects.filter(order=order).exists()
    assert json.loads(out.getvalue()) == {"clean": True, "findings": []}


@pytest.mark.broken_books
@pytest.mark.parametrize("words", [[], ["--json"]], ids=["in words", "as JSON"])
def test_the_command_names_what_is_broken_and_fails(words: list[str], order: Order) -> None:
    tamper("UPDATE orders_order SET refunded = refunded - 1 WHERE id = %(order)s", order)
    out = StringIO()

    with pytest.raises(CommandError, match="invariants are broken"):
        call_command("audit_ledger", *words, stdout=out, stderr=out)

    assert f"order {order.pk}" in out.getvalue()
