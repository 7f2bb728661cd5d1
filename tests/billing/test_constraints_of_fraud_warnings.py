"""What the database refuses about fraud warnings, by the names of constraints and triggers."""

from typing import Final

import pytest
from django.db import connection

from billing.models import FraudWarning, FraudWarningEvent, WarningState
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.refusing import copy_of, refusal
from tests.factories import make_customer, pay_in
from tests.factories.fraud_warnings import warned

pytestmark = pytest.mark.django_db

WARNINGS: Final = (FraudWarning, FraudWarningEvent)


@pytest.fixture
def world(payments: PaymentsSandbox) -> dict[str, int]:
    case = warned(payments, pay_in(make_customer(), payments, "50"))
    event = case.events.first()
    assert event is not None
    return {"case": case.pk, "event": event.pk}


CHANGES: Final = {
    "fraud_warning_gateway_known": "gateway = 'cash'",
    "fraud_warning_state_known": "state = 'lost'",
    "fraud_warning_action_known": "action = 'burn'",
    "fraud_warning_amounts_make_sense": '"left" = -0.000001',
    "fraud_warning_refund_has_a_withdrawal": "state = 'refunding', refund = 1",
    "fraud_warning_left_alone_holds_nothing": "state = 'dismissed', holds = TRUE",
    "fraud_warning_open_is_not_handled": "handled_at = now()",
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_database_refuses(name: str, world: dict[str, int]) -> None:
    fresh = [part.split(" = ", maxsplit=1) for part in CHANGES[name].split(", ")]
    columns = {column.strip('"'): value for column, value in fresh}

    statement = copy_of("billing_fraudwarning", "case", **{"reference": "'another'", **columns})

    assert refusal(statement, world).constraint_name == name
    assert FraudWarning.objects.get().state == WarningState.OPEN


def test_a_warning_is_one_case(world: dict[str, int]) -> None:
    diag = refusal(copy_of("billing_fraudwarning", "case"), world)

    assert diag.constraint_name == "fraud_warning_reference_once"


@pytest.mark.parametrize(
    ("trigger", "statement"),
    [
        ("fraud_warning_keeps_its_payment", "UPDATE billing_fraudwarning SET reference = 'x' WHERE id = %(case)s"),
        ("fraud_warning_keeps_its_payment", "UPDATE billing_fraudwarning SET customer_id = 0 WHERE id = %(case)s"),
        ("fraud_warning_is_kept", "DELETE FROM billing_fraudwarning WHERE id = %(case)s"),
        ("fraud_warning_event_is_final", "UPDATE billing_fraudwarningevent SET note = 'x' WHERE id = %(event)s"),
        ("fraud_warning_event_is_final", "DELETE FROM billing_fraudwarningevent WHERE id = %(event)s"),
    ],
)
def test_the_database_refuses_to(trigger: str, statement: str, world: dict[str, int]) -> None:
    assert trigger in refusal(statement, world).context
    assert FraudWarning.objects.count() == FraudWarningEvent.objects.count() == 1


def test_a_dismissed_case_stays_dismissed(world: dict[str, int]) -> None:
    dismissed = copy_of("billing_fraudwarning", "case", reference="'another'", state="'dismissed'", handled_at="now()")
    with connection.cursor() as cursor:
        cursor.execute(dismissed, world)
        case = FraudWarning.objects.get(reference="another")
        cursor.execute(
            "INSERT INTO billing_fraudwarningevent (warning_id, at, from_state, to_state, note)"
            " VALUES (%s, now(), '', 'dismissed', '')",
            [case.pk],
        )

    diag = refusal(
        "UPDATE billing_fraudwarning SET state = 'open', handled_at = NULL WHERE id = %(case)s", {"case": case.pk}
    )

    assert "fraud_warning_keeps_its_payment" in diag.context


def test_every_named_rule_is_tested() -> None:
    tables = [model._meta.db_table for model in WARNINGS]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE r.relname = ANY(%s) AND contype = 'c' AND conname LIKE 'fraud!_warning!_%%' ESCAPE '!'",
            [tables],
        )
        named = {name for (name,) in cursor.fetchall()}

    assert named == set(CHANGES)
