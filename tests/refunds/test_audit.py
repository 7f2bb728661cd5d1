"""The audit finds what is wrong with the books, and `audit_ledger` says so and fails."""

import json
from io import StringIO
from itertools import product

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.forms import model_to_dict

from billing import audit as ledger_audit
from orders import handling
from orders.models import Cause, Order, OrderStatus
from refunds import audit
from refunds.models import Decision, RefundRequest, RequestState
from refunds.policy.facts import Cause as FactCause
from refunds.policy.facts import Delivery, Facts, Initiator, Refill, SincePlaced, Status
from refunds.policy.space import can_be
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import approve, ask_for_refund, confirm, order_in_review, publish_paying_for_errors

pytestmark = pytest.mark.django_db


TABLES = (
    "billing_account",
    "billing_transfer",
    "orders_order",
    "orders_orderevent",
    "refunds_decision",
    "refunds_refundrequest",
    "refunds_refundrequestevent",
)


@pytest.fixture
def order() -> Order:
    """A partial order of 10.00 that was refunded in two parts: 4.00 at its end, and 1.00 by a request.

    Beside it one that is pending, and one of which 4.00 wait for a person.
    """
    ada, reach = make_customer(funds="50", promo="2"), make_service(rate="10")
    place_order(ada, reach)
    order = place_order(ada, reach)
    move(order, OrderStatus.PARTIAL, remains=400)
    request = approve(ask_for_refund(order, Cause.SYSTEM_ERROR), make_staff("hiro"), "1")
    confirm(request, make_staff("ida"))
    order_in_review(ada)
    order.refresh_from_db()
    return order


def tamper(statement: str, order: Order) -> None:
    """Write around every trigger and constraint, as a broken restore or a superuser's hand would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        request = RefundRequest.objects.get(order=order)
        waiting = RefundRequest.objects.get(state=RequestState.OPEN)
        numbers = {"order": order.pk, "customer": order.customer_id, "request": request.pk, "waiting": waiting.pk}
        cursor.execute(statement, numbers)


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
        "UPDATE refunds_refundrequest SET decision_id = NULL WHERE id = %(request)s;"
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
    "every decision that waits has an open refund request about its order": (
        "UPDATE refunds_refundrequest SET state = 'withdrawn', closed_at = now() WHERE id = %(waiting)s"
    ),
    "every open refund request that a policy opened has a decision that waits": (
        "UPDATE refunds_decision SET state = 'superseded' WHERE state = 'awaiting_review'"
    ),
    "the facts of every decision and refund request are among those over which policies are proved": (
        'UPDATE refunds_decision SET facts = facts || \'{"status": "canceled", "refill": "running"}\''
        " WHERE order_id = %(order)s"
    ),
    "a refund request has its order's customer and policy version, and its decision is one of its order": (
        "UPDATE refunds_refundrequest SET customer_id = (SELECT max(id) FROM accounts_user) WHERE id = %(waiting)s"
    ),
    "a refund request credited what its decision says, and its transfers gave back no more than it credited": (
        "UPDATE refunds_refundrequest SET amount = 5, proposed = 5 WHERE id = %(request)s"
    ),
    "what the refund requests of an order credited, its decisions of the same moments did": (
        "UPDATE refunds_refundrequest SET amount = 11, proposed = 11, decision_id = NULL WHERE id = %(request)s"
    ),
    "the last answer in the log of every refund request is its state": (
        "DELETE FROM refunds_refundrequestevent WHERE request_id = %(request)s AND kind = 'approved'"
    ),
}


FITS = "a refund request has its order's customer and policy version, and its decision is one of its order"
CAN_BE = "the facts of every decision and refund request are among those over which policies are proved"
NO_MORE = "a refund request credited what its decision says, and its transfers gave back no more than it credited"


def found() -> set[str]:
    return {finding.invariant for finding in audit.findings()}


@pytest.mark.broken_books
def test_finds_a_request_of_another_policy_than_its_orders(order: Order) -> None:
    publish_paying_for_errors()

    tamper(
        "UPDATE refunds_refundrequest SET policy_version_id = (SELECT max(id) FROM refunds_policyversion)"
        " WHERE id = %(waiting)s",
        order,
    )

    assert found() == {FITS}


@pytest.mark.broken_books
def test_finds_a_request_whose_decision_is_about_another_order(order: Order) -> None:
    tamper(
        "UPDATE refunds_refundrequest SET decision_id ="
        " (SELECT max(id) FROM refunds_decision WHERE order_id = %(order)s AND state = 'settled')"
        " WHERE id = %(waiting)s",
        order,
    )

    assert FITS in found()


@pytest.mark.broken_books
def test_finds_transfers_in_the_name_of_a_request_that_was_not_approved(order: Order) -> None:
    tamper("UPDATE refunds_refundrequest SET state = 'superseded', decision_id = NULL WHERE id = %(request)s", order)

    assert NO_MORE in found()


@pytest.mark.broken_books
def test_finds_exactly_the_facts_that_the_proof_leaves_out(order: Order) -> None:
    decision = Decision.objects.filter(order=order).earliest("pk")
    ages = (None, 0, 1, 2, 24, 25, 720, 721)
    tried = [
        Facts(
            status,
            delivery,
            FactCause.DELIVERED,
            Initiator.SYSTEM,
            since_placed=since,
            hours_since_final=hours,
            refill=refill,
        )
        for status, delivery, since, hours, refill in product(Status, Delivery, SincePlaced, ages, Refill)
    ]
    sound = model_to_dict(decision, exclude=["id", "order", "policy_version", "facts", "reviewed_by"])
    of = {"order_id": order.pk, "policy_version_id": decision.policy_version_id}
    Decision.objects.bulk_create(Decision(**sound, **of, facts=found.as_dict()) for found in tried)

    (finding,) = ledger_audit.run([check for check in audit.CHECKS if check.name == CAN_BE])

    assert finding.count == len([found for found in tried if not can_be(found)])


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
