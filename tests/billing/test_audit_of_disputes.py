"""The audit recomputes disputes too: each invariant is broken once here, and found."""

import pytest
from django.db import connection

from billing import audit
from billing.models import Dispute
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import disputed, make_customer, move_dispute, pay_in

pytestmark = [pytest.mark.django_db, pytest.mark.broken_books]

BOOKED = "what the transfers of a dispute leave held, lost and charged is what it says"
SHAPE = "every transfer of a dispute belongs to one, is of its customer and deposit, and moves between its accounts"
CLAIMED = "what a deposit says is disputed is what its disputes claim, as far as it was not paid back otherwise"
OWN = "a dispute is of a deposit of its customer at its gateway"
EVENTS = "the last event of every dispute says its standing"

BROKEN = (
    (BOOKED, "UPDATE billing_dispute SET secured = secured + 1 WHERE id = %(open)s"),
    (BOOKED, "UPDATE billing_dispute SET lost = 0 WHERE id = %(lost)s"),
    (BOOKED, "UPDATE billing_dispute SET fee = 0 WHERE id = %(lost)s"),
    (BOOKED, "DELETE FROM billing_transfer WHERE kind = 'dispute_held'"),
    (SHAPE, "UPDATE billing_transfer SET debit_account_id = 5 WHERE kind = 'dispute_held'"),
    (SHAPE, "UPDATE billing_transfer SET credit_account_id = 7 WHERE kind = 'dispute_lost'"),
    (SHAPE, "UPDATE billing_transfer SET key = 'dispute:0:1:fee:balance' WHERE kind = 'dispute_fee'"),
    (CLAIMED, "UPDATE billing_deposit SET disputed = 0"),
    (OWN, "UPDATE billing_dispute SET gateway = 'manual' WHERE id = %(open)s"),
    (EVENTS, "UPDATE billing_dispute SET standing = 'under_review' WHERE id = %(open)s"),
)


@pytest.mark.parametrize(("invariant", "statement"), BROKEN)
def test_finds_that_it_is_broken_that(invariant: str, statement: str, payments: PaymentsSandbox) -> None:
    ada = make_customer()
    first, second = pay_in(ada, payments, "50"), pay_in(ada, payments, "70")
    lost = move_dispute(payments, disputed(payments, first, cents=2000), "lost")
    still_open = disputed(payments, second, cents=3000)
    assert audit.findings() == []

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("account", "transfer", "deposit", "dispute"):
            cursor.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        cursor.execute(statement, {"open": still_open.pk, "lost": lost.pk})
        assert cursor.rowcount > 0

    assert invariant in {finding.invariant for finding in audit.findings()}
    assert Dispute.objects.count() == 2


def test_every_invariant_of_disputes_is_broken_here() -> None:
    assert {check.name for check in audit.disputes.CHECKS} == {name for name, _statement in BROKEN}
