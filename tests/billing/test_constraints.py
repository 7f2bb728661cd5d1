"""What the database itself refuses, whoever writes: every named constraint and trigger about accounts,
transfers, orders and refills.

Each is tested by plain SQL that goes around the use cases; test_constraints_of_payments goes on with money in and out,
and holds that none is left out.
"""

from typing import Any

import pytest
from django.db import connection

from orders import canceling, handling, refills
from orders.models import Cause, OrderStatus
from refunds.models import Decision
from tests.billing.refusing import copy_of, refusal
from tests.factories import make_customer, make_provider, make_service, make_staff, move, place_order
from tests.factories.orders import AT

pytestmark = pytest.mark.django_db

COPIES = {
    "order": ("orders_order", "pending"),
    "service": ("orders_service", "service"),
    "provider": ("orders_provider", "provider"),
    "decision": ("refunds_decision", "decision"),
    "version": ("refunds_policyversion", "version"),
    "transfer": ("billing_transfer", "transfer"),
    "user": ("accounts_user", "ada"),
    "refill": ("orders_refill", "refill"),
    "ended refill": ("orders_refill", "refilled"),
}


def copy(what: str, **changed: str) -> str:
    """SQL that inserts a copy of a row with some columns changed (to SQL expressions)."""
    table, source = COPIES[what]
    return copy_of(table, source, **changed)


def transfer(**changed: str) -> str:
    row = {"key": "'forged'", "kind": "'order_refund'", "debit_account_id": "2", "credit_account_id": "%(account)s"}
    row |= {"amount": "1", "customer_id": "%(ada)s", "order_ref": "%(completed)s", "reason": "''", **changed}
    return f"INSERT INTO billing_transfer ({', '.join(row)}) VALUES ({', '.join(row.values())})"  # noqa: S608 - constants


def adjustment(**changed: str) -> str:
    given = {"kind": "'adjustment'", "debit_account_id": "1", "order_ref": "NULL", "reason": "'x'"}
    return transfer(**{**given, "author_id": "%(ben)s", **changed})


def attention(**changed: str) -> str:
    row = {"kind": "'bad_remains'", "order_id": "%(pending)s", "provider_id": "NULL", **changed}
    columns = f"{', '.join(row)}, detail, report, seen, resolution"
    return f"INSERT INTO orders_attentionitem ({columns}) VALUES ({', '.join(row.values())}, '', '{{}}', 1, '')"  # noqa: S608 - constants


CANCEL = (
    "INSERT INTO orders_cancelrequest (order_id, state, cause, initiator, detail)"
    " VALUES (%(pending)s, 'requested', 'change_of_mind', 'customer', '')"
)
SUBMISSION = (
    "INSERT INTO orders_submission (order_id, provider_id, request_id, state, detail, provider_order_id)"
    " VALUES (%(pending)s, %(provider)s, gen_random_uuid(), 'claimed', '', '')"
)
REFILL = "UPDATE orders_refill SET {} WHERE id = %(refill)s"
REQUEST = (
    "INSERT INTO orders_placedrequest (customer_id, request_id, fingerprint, order_ids, placed_at)"
    " VALUES (%(ada)s, 'one', '', '[]', now())"
)

# Constraint -> the statement that it refuses, or a function that makes it.
CHECKS: dict[str, Any] = {
    "account_one_of_a_kind": "INSERT INTO billing_account (customer_id, kind, balance) VALUES (%(ada)s, 'promo', 0)",
    "account_customer_or_house": "INSERT INTO billing_account (customer_id, kind, balance) VALUES (%(ben)s, 'own', 0)",
    "account_balance_not_negative": lambda: adjustment(
        debit_account_id="%(account)s", credit_account_id="1", amount="1000"
    ),
    "account_debt_not_positive": lambda: adjustment(credit_account_id="%(debt)s"),
    "transfer_amount_positive": lambda: transfer(amount="-1"),
    "transfer_between_two_accounts": lambda: transfer(debit_account_id="2", credit_account_id="2"),
    "transfer_kind_known": lambda: transfer(kind="'gift'"),
    "transfer_of_an_order_names_it": lambda: transfer(order_ref="NULL"),
    "transfer_adjustment_explained": lambda: adjustment(reason="''"),
    "transfer_accounts_exist_and_match": lambda: transfer(debit_account_id="999"),
    "transfer_order_exists_and_matches": lambda: transfer(order_ref="987654321"),
    "billing_transfer_key_key": lambda: copy("transfer"),
    "order_placed_through_known": lambda: copy("order", placed_through="'mail'"),
    "order_status_known": lambda: copy("order", status="'lost'"),
    "order_charge_positive": lambda: copy("order", charge="0"),
    "order_promo_within_charge": lambda: copy("order", charge_promo="charge + 0.000001"),
    # Above the charge, the check that a charge is spent once is broken too and named first; so this one from below.
    "order_refunded_within_charge": (
        "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE orders_order DISABLE TRIGGER orders_money_is_frozen;"
        " UPDATE orders_order SET refunded = -0.000001 WHERE id = %(pending)s"
    ),
    "order_charge_spent_once": lambda: transfer(kind="'order_delivered'", credit_account_id="3", amount="0.000001"),
    "order_quantity_positive": lambda: copy("order", quantity="0", remains="NULL"),
    "order_remains_within_quantity": "UPDATE orders_order SET remains = quantity + 1 WHERE id = %(pending)s",
    "order_final_has_remains_and_time": "UPDATE orders_order SET status = 'canceled' WHERE id = %(pending)s",
    "order_completed_has_nothing_left": "UPDATE orders_order SET remains = 1 WHERE id = %(completed)s",
    "order_one_running_per_link": lambda: copy("order", id="DEFAULT"),
    "order_of_provider_once": lambda: copy("order", holds_link="false"),
    "placed_request_once": f"{REQUEST}; {REQUEST}",
    "service_rate_positive": "UPDATE orders_service SET rate = 0 WHERE id = %(service)s",
    "service_limits_in_order": "UPDATE orders_service SET min_quantity = max_quantity + 1 WHERE id = %(service)s",
    "service_package_has_one_size": "UPDATE orders_service SET type = 'Package' WHERE id = %(service)s",
    "service_provider_link_complete": "UPDATE orders_service SET provider_service_id = '' WHERE id = %(service)s",
    "provider_hold_has_a_reason": "UPDATE orders_provider SET held_until = now() WHERE id = %(provider)s",
    "attention_about_something": lambda: attention(order_id="NULL"),
    "attention_open_once_per_order": lambda: f"{attention()}; {attention()}",
    "attention_open_once_per_provider": lambda: "; ".join([attention(order_id="NULL", provider_id="%(provider)s")] * 2),
    "cancel_request_one_live": f"{CANCEL}; {CANCEL}",
    "submission_one_live": f"{SUBMISSION}; {SUBMISSION}",
    "refill_state_known": REFILL.format("state = 'lost'"),
    "refill_passing_known": REFILL.format("passing = 'lost', called_at = now(), send_due_at = NULL"),
    "refill_asked_by_a_person": lambda: copy("refill", initiator="'system'"),
    "refill_by_provider_or_by_hand": lambda: copy("refill", provider_id="NULL"),
    "refill_ended_says_when": REFILL.format("closed_at = now(), send_due_at = NULL"),
    "refill_refused_is_rejected": REFILL.format("passing = 'refused', called_at = now(), send_due_at = NULL"),
    "refill_settled_has_ended": REFILL.format("settled_by_id = %(ben)s"),
    "refill_accepted_has_a_number": REFILL.format("provider_refill_id = 'r-2'"),
    "refill_called_says_when": REFILL.format("passing = 'unknown', send_due_at = NULL"),
    "refill_sent_while_it_waits": REFILL.format("send_due_at = NULL"),
    "refill_polled_while_it_lives": REFILL.format("poll_due_at = now()"),
    "refill_one_live": lambda: copy("refill"),
    "refill_of_provider_once": lambda: copy("ended refill"),
    "decision_amounts_sane": lambda: copy("decision", owed="-1", credited="-1"),
    "decision_credits_at_most_owed": lambda: copy("decision", credited="owed + 0.000001"),
    "decision_reviewed_by_somebody": "UPDATE refunds_decision SET state = 'approved' WHERE id = %(waiting)s",
    "decision_one_waiting": lambda: copy("decision", state="'awaiting_review'", order_id="%(reviewed)s"),
    "policy_version_numbered_once": lambda: copy("version"),
    "policy_version_by_two": lambda: copy("version", number="77", author_id="%(ben)s", published_by_id="%(ben)s"),
    "policy_version_withdrawn_before_it_starts": lambda: copy("version", number="77", withdrawn_at="effective_from"),
    "policy_version_starts_in_our_time": lambda: copy("version", number="77", effective_from="'9999-12-31 23:00-12'"),
    "user_email_unique_in_any_case": lambda: copy("user", email="upper(email)"),
    "user_standing_known": "UPDATE accounts_user SET standing = 'fine' WHERE id = %(ada)s",
    "user_suspension_cause_known": "UPDATE accounts_user SET suspension_cause = 'mood' WHERE id = %(ada)s",
    "user_suspension_has_a_reason": "UPDATE accounts_user SET suspended_at = now() WHERE id = %(ada)s",
}
# Trigger (by its function's name) -> the statements that it refuses.
TRIGGERS: dict[str, tuple[str, ...]] = {
    "balance_starts_at_zero": (
        "INSERT INTO billing_account (customer_id, kind, balance) VALUES (%(ben)s, 'available', 5)",
    ),
    "balance_moves_by_transfers_only": (
        "UPDATE billing_account SET balance = balance + 1 WHERE id = %(account)s",
        "UPDATE billing_account SET customer_id = %(ben)s WHERE id = %(account)s",
        "UPDATE billing_account SET kind = 'held' WHERE id = %(account)s",
    ),
    "account_is_kept": ("DELETE FROM billing_account WHERE id = %(account)s",),
    "transfer_is_final": (
        "UPDATE billing_transfer SET amount = 1 WHERE id = %(transfer)s",
        "UPDATE billing_transfer SET reason = 'other' WHERE id = %(transfer)s",
        "DELETE FROM billing_transfer WHERE id = %(transfer)s",
    ),
    "event_is_final": (
        "UPDATE orders_orderevent SET note = 'other' WHERE order_id = %(pending)s",
        "DELETE FROM orders_orderevent WHERE order_id = %(pending)s",
    ),
    "orders_money_is_frozen": (
        "UPDATE orders_order SET refunded = 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET recognized = 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET charge = charge + 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET charge_promo = 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET rate = rate * 2 WHERE id = %(pending)s",
        "UPDATE orders_order SET quantity = quantity + 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET terms = 'no_refund_after_start' WHERE id = %(pending)s",
        "UPDATE orders_order SET link = 'https://example.com/other' WHERE id = %(pending)s",
        "UPDATE orders_order SET policy_version = policy_version + 1 WHERE id = %(pending)s",
        "UPDATE orders_order SET customer_id = %(ben)s WHERE id = %(pending)s",
        "UPDATE orders_order SET category = category + 1 WHERE id = %(pending)s",
    ),
    "orders_order_is_kept": ("DELETE FROM orders_order WHERE id = %(pending)s",),
    "refill_is_kept": ("DELETE FROM orders_refill WHERE id = %(refill)s",),
    "refill_ends_once": (
        "UPDATE orders_refill SET state = 'rejected' WHERE id = %(refilled)s",
        "UPDATE orders_refill SET state = 'pending', closed_at = NULL WHERE id = %(refilled)s",
        "UPDATE orders_refill SET detail = 'other' WHERE id = %(refilled)s",
    ),
    "refill_wish_is_final": (
        REFILL.format("order_id = %(pending)s"),
        REFILL.format("provider_id = provider_id + 1"),
        REFILL.format("initiator = 'staff'"),
        REFILL.format("actor_id = %(ben)s"),
        REFILL.format("requested_at = now()"),
    ),
    "decision_is_kept": ("DELETE FROM refunds_decision WHERE id = %(decision)s",),
    "decision_is_final": (
        "UPDATE refunds_decision SET credited = 0 WHERE id = %(decision)s",
        "UPDATE refunds_decision SET state = 'awaiting_review' WHERE id = %(decision)s",
        "UPDATE refunds_decision SET owed = owed + 1 WHERE id = %(waiting)s",
        "UPDATE refunds_decision SET clause = 'other' WHERE id = %(waiting)s",
        "UPDATE refunds_decision SET remains = remains + 1 WHERE id = %(waiting)s",
    ),
    "policy_version_is_final": (
        "UPDATE refunds_policyversion SET effective_from = now() WHERE id = %(version)s",
        "UPDATE refunds_policyversion SET text = '' WHERE id = %(version)s",
        "UPDATE refunds_policyversion SET author_id = %(ada)s, published_by_id = %(ben)s WHERE id = %(version)s",
    ),
    "policy_version_is_kept": ("DELETE FROM refunds_policyversion WHERE id = %(version)s",),
}


@pytest.fixture
def world() -> dict[str, int]:
    """A customer with orders in several states, and the numbers of everything that the statements name."""
    ada, ben, grace = make_customer(funds="100", promo="1"), make_customer("ben"), make_staff()
    provider = make_provider()
    service = make_service(provider=provider, one_order_per_link=True, allows_refill=True)
    canceled, completed, reviewed, pending = (
        place_order(ada, service, link=f"https://example.com/{n}") for n in range(4)
    )
    canceling.cancel(customer=ada, order_id=canceled.pk, at=AT)
    move(completed, OrderStatus.COMPLETED, remains=0)
    handling.cancel(order_id=reviewed.pk, cause=Cause.INVALID_TARGET, staff=grace, at=AT, remains=700)
    with connection.cursor() as cursor:
        for order, number in ((pending, "p-1"), (completed, "p-2")):
            cursor.execute("UPDATE orders_order SET provider_order_id = %s WHERE id = %s", [number, order.pk])
        refilled = refills.ask(customer=ada, order_id=completed.pk, at=AT)
        cursor.execute(
            "UPDATE orders_refill SET state = 'completed', passing = 'accepted', provider_refill_id = 'r-1',"
            " called_at = now(), closed_at = now(), send_due_at = NULL WHERE id = %s",
            [refilled.pk],
        )
        refill = refills.ask(customer=ada, order_id=completed.pk, at=AT)
        cursor.execute(
            "INSERT INTO billing_account (customer_id, kind, balance) VALUES (%s, 'debt', 0) RETURNING id", [ada.pk]
        )
        (debt,) = cursor.fetchone()
        cursor.execute("SELECT id FROM billing_account WHERE customer_id = %s AND kind = 'available'", [ada.pk])
        (account,) = cursor.fetchone()
        cursor.execute("SELECT max(id) FROM billing_transfer WHERE order_ref = %s", [canceled.pk])
        (moved,) = cursor.fetchone()
    decision = Decision.objects.get(order=canceled)
    numbers = {"ada": ada, "ben": ben, "provider": provider, "service": service, "decision": decision}
    numbers |= {"refunded": canceled, "completed": completed, "reviewed": reviewed, "pending": pending}
    numbers |= {"waiting": Decision.objects.get(order=reviewed), "refilled": refilled, "refill": refill}
    return {
        **{name: row.pk for name, row in numbers.items()},
        "version": decision.policy_version_id,
        "debt": debt,
        "account": account,
        "transfer": moved,
    }


@pytest.mark.parametrize("name", CHECKS)
def test_the_database_refuses_what_breaks(name: str, world: dict[str, int]) -> None:
    statement = CHECKS[name]
    statement = statement() if callable(statement) else statement
    before = money()

    diag = refusal(statement.replace("DEFAULT", "id"), world)

    assert diag.constraint_name == name
    assert money() == before


@pytest.mark.parametrize(
    ("name", "statement"), [(name, one) for name, statements in TRIGGERS.items() for one in statements]
)
def test_the_database_refuses_to(name: str, statement: str, world: dict[str, int]) -> None:
    before = money()

    diag = refusal(statement, world)

    assert f"{name}" in diag.context
    assert money() == before


def test_an_order_can_not_start_refunded(world: dict[str, int]) -> None:
    for column in ("refunded", "recognized"):
        changed = {column: "1", "holds_link": "false", "provider_order_id": "''"}
        assert "orders_order_is_kept" in refusal(copy("order", **changed), world).context


def test_an_order_can_not_give_back_more_than_its_charge(world: dict[str, int]) -> None:
    before = money()

    for order in ("refunded", "completed"):
        diag = refusal(transfer(order_ref=f"%({order})s", amount="0.000001"), world)

        assert diag.constraint_name == "order_charge_spent_once"
    assert money() == before


def test_a_transfer_can_not_move_the_balance_of_a_customer_it_does_not_name(world: dict[str, int]) -> None:
    for wrong in ("%(ben)s", "NULL"):
        diag = refusal(adjustment(customer_id=wrong), world)

        assert diag.constraint_name == "transfer_accounts_exist_and_match"


def test_a_transfer_of_an_order_names_an_order_of_that_customer(world: dict[str, int]) -> None:
    diag = refusal(adjustment(customer_id="%(ben)s", credit_account_id="4", order_ref="%(pending)s"), world)

    assert diag.constraint_name == "transfer_order_exists_and_matches"


def money() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'a', id, balance FROM billing_account UNION ALL SELECT 't', id, amount FROM billing_transfer"
        )
        accounts = cursor.fetchall()
        cursor.execute("SELECT 'transfer', id, amount FROM billing_transfer")
        transfers = cursor.fetchall()
        cursor.execute("SELECT id, status, charge, refunded, recognized FROM orders_order")
        return sorted([*accounts, *transfers], key=str) + sorted(cursor.fetchall())
