"""What the database itself refuses about money in and out, whoever writes; the rest is in test_constraints."""

from typing import Any

import pytest
from django.db import connection

from billing import arrangements, gateway_events, payouts
from billing.gateways.base import Notice
from billing.models import (
    Arrangement,
    Deposit,
    Discrepancy,
    GatewayEvent,
    Payout,
    PayoutKind,
    Problem,
    Receipt,
    Transfer,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
)
from tests.billing import test_constraints
from tests.billing.refusing import copy_of, refusal
from tests.billing.test_constraints_of_disputes import DISPUTES
from tests.billing.test_constraints_of_fraud_warnings import WARNINGS
from tests.factories import AT, make_customer, make_staff, receive_by_hand, send_due, withdraw
from tests.refunds.desk.test_constraints import DESK
from tests.refunds.evidence.test_constraints import EVIDENCE
from tests.refunds.test_constraints_of_policies import LABORATORY

pytestmark = pytest.mark.django_db

TABLES = {
    "paid": "billing_deposit",
    "open": "billing_deposit",
    "withdrawal": "billing_withdrawal",
    "planned": "billing_withdrawalleg",
    "sending": "billing_withdrawalleg",
    "settled": "billing_withdrawalleg",
    "agreed": "billing_arrangement",
    "unasked": "billing_arrangement",
    "receipt": "billing_receipt",
    "payout": "billing_payout",
    "event": "billing_gatewayevent",
    "difference": "billing_discrepancy",
    "deposited": "billing_transfer",
    "held": "billing_transfer",
    "history": "billing_withdrawalevent",
}


def changed(row: str, change: str) -> str:
    return f"UPDATE {TABLES[row]} SET {change} WHERE id = %({row})s"  # noqa: S608 - constants


def copied(row: str, **columns: str) -> str:
    fresh = {"key": "gen_random_uuid()"} if TABLES[row] in {"billing_deposit", "billing_withdrawal"} else {}
    return copy_of(TABLES[row], row, **{**fresh, **columns})


# Constraint -> the statement that it refuses, or a function that makes it.
CHECKS: dict[str, Any] = {
    "deposit_state_known": changed("open", "state = 'lost'"),
    "deposit_gateway_known": lambda: copied("open", gateway="'cash'"),
    "deposit_asked_positive": lambda: copied("open", asked="0"),
    "deposit_paid_has_amount": changed("open", "amount = 1"),
    "deposit_parts_not_negative": changed("paid", "disputed = -0.000001"),
    "deposit_not_given_back_twice": changed("paid", "disputed = amount - reserved - refunded + 0.000001"),
    "deposit_reference_once": lambda: copied("paid", payment_reference="'another'"),
    "deposit_payment_once": lambda: copied("paid", reference="'another'", reserved="0", refunded="0"),
    "transfer_of_a_deposit_names_it": lambda: copied("deposited", key="'forged'", deposit_id="NULL"),
    "transfer_of_a_withdrawal_names_it": lambda: copied("held", key="'forged'", withdrawal_id="NULL"),
    "transfer_of_a_dispute_names_its_deposit": lambda: copied("held", key="'forged'", kind="'dispute_held'"),
    "withdrawal_state_known": changed("withdrawal", "state = 'lost'"),
    "withdrawal_origin_known": lambda: copied("withdrawal", origin="'nobody'"),
    "withdrawal_amount_positive": lambda: copied("withdrawal", amount="0"),
    "withdrawal_review_has_a_reason": changed("withdrawal", "state = 'in_review'"),
    "withdrawal_decline_explained": changed("withdrawal", "state = 'declined'"),
    "withdrawal_decided_by_a_policy": changed("withdrawal", "policy_version = NULL"),
    "leg_state_known": lambda: copied("planned", state="'lost'", attempted_at="now()"),
    "leg_gateway_known": changed("planned", "gateway = 'cash'"),
    "leg_amount_positive": lambda: copied("planned", amount="0"),
    "leg_attempt_has_a_time": changed("planned", "state = 'sending'"),
    "leg_sent_has_a_reference": changed("sending", "state = 'sent', reference = NULL"),
    "leg_arranged_has_no_deposit": changed("planned", "state = 'arranging'"),
    "leg_ended_is_not_due": changed("planned", "state = 'canceled', due_at = now()"),
    "leg_reference_once": changed(
        "sending", "reference = (SELECT reference FROM billing_withdrawalleg WHERE id = %(settled)s)"
    ),
    "arrangement_explained": changed("unasked", "reason = ''"),
    "arrangement_proposal_is_whole": changed("unasked", "proposed_at = now()"),
    "arrangement_consent_is_whole": changed("unasked", "consent_at = now()"),
    "receipt_amount_positive": lambda: copied("receipt", key="'another'", reference="'another'", amount="0"),
    "receipt_has_a_reference": lambda: copied("receipt", key="'another'", reference="''"),
    "receipt_recorded_once": lambda: copied("receipt", key="'another'"),
    "payout_amount_positive": lambda: copied("payout", key="'another'", attempt="2", amount="0"),
    "payout_state_known": changed("payout", "state = 'lost'"),
    "payout_has_a_destination": changed("payout", "destination = ''"),
    "payout_confirmed_with_reference": changed("payout", "state = 'confirmed'"),
    "payout_failure_explained": changed("payout", "state = 'failed'"),
    "payout_once_an_attempt": lambda: copied("payout", key="'another'"),
    "gateway_event_state_known": changed("event", "state = 'lost', due_at = NULL"),
    "gateway_event_waiting_is_due": changed("event", "due_at = NULL"),
    "gateway_event_once": lambda: copied("event"),
    "discrepancy_problem_known": changed("difference", "problem = 'odd'"),
    "discrepancy_listed_once": lambda: copied("difference"),
}
# Trigger (by its function's name) -> the statements that it refuses.
TRIGGERS: dict[str, tuple[str, ...]] = {
    "parts_follow_the_legs": (changed("paid", "reserved = reserved - 1"), changed("paid", "refunded = refunded - 1")),
    "paid_is_paid": (
        changed("paid", "amount = amount + 1"),
        changed("paid", "state = 'failed', amount = 0, paid_at = NULL"),
        changed("paid", "payment_reference = 'another'"),
        changed("paid", "customer_id = %(ben)s"),
        changed("open", "customer_id = %(ben)s"),
        changed("open", "asked = asked + 1"),
        changed("open", "gateway = 'manual'"),
    ),
    "deposit_is_kept": ("DELETE FROM billing_deposit WHERE id = %(open)s",),
    "amount_is_fixed": (
        changed("withdrawal", "amount = amount + 1"),
        changed("withdrawal", "customer_id = %(ben)s"),
        changed("withdrawal", "origin = 'gateway'"),
    ),
    "withdrawal_is_kept": ("DELETE FROM billing_withdrawal WHERE id = %(withdrawal)s",),
    "final_is_final": (
        changed("settled", "state = 'sent'"),
        changed("settled", "state = 'planned'"),
        changed("planned", "amount = amount + 1"),
        changed("planned", "withdrawal_id = withdrawal_id + 1"),
        changed("settled", "state = 'sending'"),
    ),
    "move_parts": (
        changed("planned", "deposit_id = NULL"),
        changed("planned", "deposit_id = %(open)s"),
    ),
    "leg_is_kept": ("DELETE FROM billing_withdrawalleg WHERE id = %(planned)s",),
    "withdrawal_event_is_final": (
        changed("history", "note = 'other'"),
        "DELETE FROM billing_withdrawalevent WHERE id = %(history)s",
    ),
    "consent_binds": (changed("agreed", "destination = 'elsewhere'"), changed("agreed", "consent_at = NULL")),
    "arrangement_is_kept": ("DELETE FROM billing_arrangement WHERE id = %(unasked)s",),
    "receipt_is_final": (changed("receipt", "amount = 1"), "DELETE FROM billing_receipt WHERE id = %(receipt)s"),
    "payout_is_kept": ("DELETE FROM billing_payout WHERE id = %(payout)s",),
    "content_is_fixed": (
        changed("event", "payload = 'other'"),
        changed("event", "object = 'other'"),
        changed("event", "type = 'other'"),
        changed("event", "event = 'other'"),
    ),
    "gateway_event_is_kept": ("DELETE FROM billing_gatewayevent WHERE id = %(event)s",),
}


@pytest.fixture
def world() -> dict[str, int]:
    """Ada with money in and out in several states, and the numbers of everything that the statements name."""
    ada, ben, grace = make_customer(), make_customer("ben", funds="30"), make_staff()
    paid = receive_by_hand(ada, "100", staff=grace)
    withdraw(ada, "10")
    send_due()
    payouts.confirm(payout_id=Payout.objects.get().pk, bank_reference="SEPA-1", staff=grace, at=AT)
    withdraw(ada, "20")
    send_due()
    last = withdraw(ada, "30")
    for amount in ("10", "20"):
        withdraw(ben, amount)
    agreed, unasked = Arrangement.objects.order_by("id")
    arrangements.propose(
        arrangement_id=agreed.pk, kind=PayoutKind.BANK, destination="IBAN", verification="Call.", staff=grace, at=AT
    )
    arrangements.consent(arrangement_id=agreed.pk, customer=ben, way="Bank transfer: IBAN", at=AT)
    gateway_events.store(
        Notice(event="evt_1", type="refund.created", object="re_1", created_at=AT, payload="{}"),
        gateway="stripe",
        at=AT,
    )
    settled, sending, planned = WithdrawalLeg.objects.filter(deposit=paid).order_by("id")
    rows = {
        "ben": ben,
        "paid": paid,
        "open": Deposit.objects.create(
            customer=ada, gateway="stripe", state="open", asked=50, currency="USD", created_at=AT
        ),
        "withdrawal": last,
        "settled": settled,
        "sending": sending,
        "planned": planned,
        "agreed": agreed,
        "unasked": unasked,
        "receipt": Receipt.objects.get(),
        "payout": Payout.objects.get(state="waiting"),
        "event": GatewayEvent.objects.get(),
        "difference": Discrepancy.objects.create(
            gateway="stripe",
            problem=Problem.UNKNOWN_PAYMENT,
            reference="pi_1",
            amount=1,
            first_seen_at=AT,
            last_seen_at=AT,
        ),
        "deposited": Transfer.objects.get(kind="deposit"),
        "held": Transfer.objects.get(kind="withdrawal_opened", withdrawal=last),
        "history": WithdrawalEvent.objects.filter(withdrawal=last).latest("id"),
    }
    return {name: row.pk for name, row in rows.items()}


def everything() -> list[Any]:
    """Every amount and state about money in and out."""
    found: list[Any] = [Withdrawal.objects.count(), WithdrawalLeg.objects.count(), Deposit.objects.count()]
    with connection.cursor() as cursor:
        for table in sorted({*TABLES.values(), "billing_account"}):
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY id")  # noqa: S608 - constants
            found += cursor.fetchall()
    return found


@pytest.mark.parametrize("name", CHECKS)
def test_the_database_refuses_what_breaks(name: str, world: dict[str, int]) -> None:
    statement = CHECKS[name]
    before = everything()

    diag = refusal(statement() if callable(statement) else statement, world)

    assert diag.constraint_name == name
    assert everything() == before


@pytest.mark.parametrize(
    ("name", "statement"), [(name, one) for name, statements in TRIGGERS.items() for one in statements]
)
def test_the_database_refuses_to(name: str, statement: str, world: dict[str, int]) -> None:
    before = everything()

    diag = refusal(statement, world)

    assert name in diag.context
    assert everything() == before


def test_a_leg_can_not_give_back_more_than_its_deposit_has_left(world: dict[str, int]) -> None:
    before = everything()

    too_much = copied("planned", amount="40.000001")

    assert refusal(too_much, world).constraint_name == "deposit_not_given_back_twice"
    assert everything() == before


def test_a_deposit_can_not_start_with_parts(world: dict[str, int]) -> None:
    parts = copied("paid", reference="'another'", payment_reference="'another'", reserved="0", refunded="100.000001")

    assert refusal(parts, world).constraint_name == "deposit_not_given_back_twice"


def test_every_named_constraint_and_trigger_is_tested() -> None:
    """Those of the desk, the policy laboratory, disputes, evidence and warnings are tried and counted elsewhere."""
    checks = CHECKS.keys() | test_constraints.CHECKS.keys()
    triggers = TRIGGERS.keys() | test_constraints.TRIGGERS.keys()
    elsewhere = ", ".join(
        f"'{model._meta.db_table}'" for model in (*DESK, *LABORATORY, *DISPUTES, *EVIDENCE, *WARNINGS)
    )
    ours = (
        f"(r.relname ~ '^(billing|orders|refunds)_' OR r.relname = 'accounts_user') AND r.relname NOT IN ({elsewhere})"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE ({ours})"  # noqa: S608 - constants
            " AND contype = 'c' AND conname !~ '_check$'"
        )
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            f"SELECT i.relname FROM pg_index x JOIN pg_class r ON r.oid = x.indrelid"  # noqa: S608 - constants
            f" JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisunique AND NOT x.indisprimary AND ({ours})"
        )
        named |= {name for (name,) in cursor.fetchall() if not name.endswith(("_key", "_uniq"))}
        cursor.execute(
            f"SELECT proname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"  # noqa: S608 - constants
            f" WHERE NOT tgisinternal AND ({ours})"
        )
        functions = {name for (name,) in cursor.fetchall()}

    assert named - checks == set()
    bookkeeping = {"apply_to_balances", "orders_follow_transfers"}  # they write; what they refuse has names of its own
    untested = {f for f in functions if not any(known in f for known in {*triggers, *bookkeeping})}
    assert untested == set()
