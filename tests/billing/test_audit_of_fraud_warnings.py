"""The audit recomputes fraud warnings too: each invariant is broken once here, and found."""

import pytest
from django.db import connection

from billing import audit
from billing.models import FraudWarning, WarningState
from panel.sandbox.payments import PaymentsSandbox
from refunds import warning_desk
from tests.factories import HOUR, make_customer, make_staff, pay_in, send_due
from tests.factories.fraud_warnings import WARNED_AT, warned

pytestmark = [pytest.mark.django_db, pytest.mark.broken_books]

OWN = "a fraud warning is of a deposit of its customer at its gateway"
REFUND = "a fraud warning's refund stands as its withdrawal does, which pays back its deposit alone"
BELONGS = "a withdrawal that was begun for a fraud warning and is not over belongs to one"
EVENTS = "the last event of every fraud warning says its state"

CASE = "UPDATE billing_fraudwarning SET {} WHERE id = %({})s"
WITHDRAWAL = "UPDATE billing_withdrawal SET {} WHERE id = %({})s"
LEG = "UPDATE billing_withdrawalleg SET {} WHERE withdrawal_id = %({})s"
BROKEN = (
    (OWN, CASE.format("gateway = 'manual'", "open")),
    (OWN, CASE.format("customer_id = %(ben)s", "open")),
    (REFUND, CASE.format("refund = refund - 1", "refunding")),
    (REFUND, CASE.format("refund = refund + 1", "refunded")),
    (REFUND, CASE.format("state = 'refunded'", "refunding")),
    (REFUND, CASE.format("state = 'refunding'", "refunded")),
    (REFUND, CASE.format("state = 'open', refund = 0, handled_at = NULL", "refunding")),
    (REFUND, CASE.format("state = 'open', refund = 0, handled_at = NULL", "refunded")),
    (REFUND, WITHDRAWAL.format("state = 'failed'", "its withdrawal")),
    (REFUND, WITHDRAWAL.format("origin = 'customer'", "its paid withdrawal")),
    (REFUND, WITHDRAWAL.format("customer_id = %(ben)s", "its paid withdrawal")),
    (REFUND, LEG.format("deposit_id = %(another deposit)s", "its paid withdrawal")),
    (BELONGS, CASE.format("state = 'open', refund = 0, handled_at = NULL, withdrawal_id = NULL", "refunding")),
    (BELONGS, CASE.format("state = 'open', refund = 0, handled_at = NULL, withdrawal_id = NULL", "refunded")),
    (EVENTS, CASE.format("state = 'observed'", "open")),
    (EVENTS, "DELETE FROM billing_fraudwarningevent WHERE warning_id = %(open)s"),
)


@pytest.mark.parametrize(("invariant", "statement"), BROKEN)
def test_finds_that_it_is_broken_that(invariant: str, statement: str, payments: PaymentsSandbox) -> None:
    ada, jonas = make_customer(), make_staff()
    left_open, refunding, refunded = (warned(payments, pay_in(ada, payments, "50")) for _ in range(3))
    for case in (refunded, refunding):
        warning_desk.refund(warning_id=case.pk, staff=jonas, reason="Looks stolen.", holds=False, at=WARNED_AT)
        if case == refunded:
            send_due(WARNED_AT)
            send_due(WARNED_AT + HOUR)
    states = [WarningState.OPEN, WarningState.REFUNDING, WarningState.REFUNDED]
    assert list(FraudWarning.objects.order_by("id").values_list("state", flat=True)) == states
    assert audit.findings() == []
    rows = {
        "open": left_open.pk,
        "refunding": refunding.pk,
        "refunded": refunded.pk,
        "its withdrawal": FraudWarning.objects.get(pk=refunding.pk).withdrawal_id,
        "its paid withdrawal": FraudWarning.objects.get(pk=refunded.pk).withdrawal_id,
        "another deposit": left_open.deposit_id,
        "ben": make_customer("ben").pk,
    }

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("withdrawal", "withdrawalleg", "deposit", "fraudwarning", "fraudwarningevent"):
            cursor.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        cursor.execute(statement, rows)
        assert cursor.rowcount > 0

    assert invariant in {finding.invariant for finding in audit.findings()}


def test_every_invariant_of_fraud_warnings_is_broken_here() -> None:
    assert {check.name for check in audit.fraud_warnings.CHECKS} == {name for name, _statement in BROKEN}
