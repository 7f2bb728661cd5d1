"""What the database refuses about disputes, by the names of constraints and triggers."""

from typing import Final

import pytest
from django.db import connection

from billing.models import Dispute, DisputeEvent
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.refusing import copy_of, refusal
from tests.factories import disputed, make_customer, pay_in

pytestmark = pytest.mark.django_db

DISPUTES: Final = (Dispute, DisputeEvent)


@pytest.fixture
def world(payments: PaymentsSandbox) -> dict[str, int]:
    """A dispute of all of a payment, held of the balance, and its first event."""
    dispute = disputed(payments, pay_in(make_customer(), payments, "50"))
    return {"dispute": dispute.pk, "event": dispute.events.earliest("id").pk, "ben": make_customer("ben").pk}


def everything() -> list[tuple[str]]:
    """Every row of the disputes and their events."""
    found: list[tuple[str]] = []
    with connection.cursor() as cursor:
        for model in DISPUTES:
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t ORDER BY id")  # noqa: S608 - constants
            found += cursor.fetchall()
    return found


CHECKS: Final = (
    ("dispute_gateway_known", {"gateway": "'cash'"}),
    ("dispute_standing_known", {"standing": "'odd'"}),
    ("dispute_lost_holds_nothing", {"standing": "'lost'"}),
    ("dispute_amounts_make_sense", {"amount": "0"}),
    ("dispute_amounts_make_sense", {"withdrawn": "-0.000001"}),
    ("dispute_amounts_make_sense", {"reinstated": "-0.000001"}),
    ("dispute_amounts_make_sense", {"fee_charged": "-0.000001"}),
    ("dispute_amounts_make_sense", {"secured": "-0.000001"}),
    ("dispute_amounts_make_sense", {"lost": "-0.000001"}),
    ("dispute_amounts_make_sense", {"fee": "-0.000001"}),
    ("dispute_amounts_make_sense", {"fee": "fee_charged + 0.000001"}),
)


@pytest.mark.parametrize(("name", "columns"), CHECKS)
def test_the_database_refuses(name: str, columns: dict[str, str], world: dict[str, int]) -> None:
    before = everything()

    diag = refusal(copy_of("billing_dispute", "dispute", **{"reference": "'another'", **columns}), world)

    assert diag.constraint_name == name
    assert everything() == before


@pytest.mark.broken_books
def test_the_database_takes_such_a_row_unchanged_and_a_lost_one_that_holds_nothing(world: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        for reference, columns in (("same", {}), ("lost", {"standing": "'lost'", "secured": "0"})):
            changes = {"reference": f"'{reference}'", **columns}
            cursor.execute(copy_of("billing_dispute", "dispute", **changes), world)

    assert Dispute.objects.filter(reference__in=["same", "lost"]).count() == 2


def test_a_dispute_is_one_row(world: dict[str, int]) -> None:
    diag = refusal(copy_of("billing_dispute", "dispute"), world)

    assert diag.constraint_name == "dispute_reference_once"


CHANGE: Final = "UPDATE billing_dispute SET {} WHERE id = %(dispute)s"
TRIGGERS: Final = (
    ("dispute_keeps_its_payment", CHANGE.format("deposit_id = deposit_id + 1")),
    ("dispute_keeps_its_payment", CHANGE.format("customer_id = %(ben)s")),
    ("dispute_keeps_its_payment", CHANGE.format("reference = 'another'")),
    ("dispute_keeps_its_payment", CHANGE.format("gateway = 'manual'")),
    ("dispute_keeps_its_payment", CHANGE.format("version = version - 1")),
    ("dispute_is_kept", "DELETE FROM billing_dispute WHERE id = %(dispute)s"),
    ("dispute_event_is_final", "UPDATE billing_disputeevent SET note = 'x' WHERE id = %(event)s"),
    ("dispute_event_is_final", "DELETE FROM billing_disputeevent WHERE id = %(event)s"),
)


@pytest.mark.parametrize(("trigger", "statement"), TRIGGERS)
def test_the_database_refuses_to(trigger: str, statement: str, world: dict[str, int]) -> None:
    before = everything()

    diag = refusal(statement, world)

    assert trigger in diag.context
    assert everything() == before


def test_every_named_rule_is_tested() -> None:
    tables = [model._meta.db_table for model in DISPUTES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE r.relname = ANY(%s) AND contype = 'c' AND conname !~ '_check$'",
            [tables],
        )
        checks = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT i.relname FROM pg_index x JOIN pg_class r ON r.oid = x.indrelid"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " WHERE r.relname = ANY(%s) AND x.indisunique AND NOT x.indisprimary",
            [tables],
        )
        uniques = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT proname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT tgisinternal AND r.relname = ANY(%s)",
            [tables],
        )
        functions = {name for (name,) in cursor.fetchall()}

    tried = {name for name, _statement in TRIGGERS}
    assert checks == {name for name, _columns in CHECKS}
    assert uniques == {"dispute_reference_once"}
    assert {name for name in functions if not any(trigger in name for trigger in tried)} == set()
    assert len(functions) == len(tried)
