"""The audit recomputes deposits and withdrawals too: each invariant is broken once here, and found."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection

from billing import arrangements, audit, gateway_refunds, payouts, withdrawals
from billing.models import (
    Arrangement,
    Deposit,
    GatewaySlug,
    LegState,
    Payout,
    PayoutKind,
    Transfer,
    Withdrawal,
    WithdrawalLeg,
    WithdrawalState,
)
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import (
    AT,
    HOUR,
    make_customer,
    make_service,
    make_staff,
    only_leg,
    pay_in,
    place_order,
    receive_by_hand,
    send_due,
    withdraw,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Story:
    """Ada paid 50.00 in by bank; 20.00 went back, 10.00 are on their way, 5.00 were canceled before sending."""

    deposit: Deposit
    paid: Withdrawal
    planned: Withdrawal
    canceled: Withdrawal


@pytest.fixture
def story() -> Story:
    ada = make_customer()
    deposit = receive_by_hand(ada, "50")
    paid = withdraw(ada, "20")
    send_due()
    payouts.confirm(payout_id=Payout.objects.get().pk, bank_reference="E2E-1", staff=make_staff(), at=AT + HOUR)
    canceled = withdraw(ada, "5", at=AT + DAY)
    withdrawals.cancel(withdrawal_id=canceled.pk, customer=ada, at=AT + DAY)
    planned = withdraw(ada, "10", at=AT + 2 * DAY)
    return Story(deposit, paid, planned, canceled)


def tamper(statement: str, story: Story) -> None:
    """Write around every trigger and constraint, as a broken restore or a superuser's hand would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("account", "transfer", "deposit", "withdrawal", "withdrawalleg", "withdrawalevent"):
            cursor.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        names = {
            "deposit": story.deposit.pk,
            "paid": story.paid.pk,
            "planned": story.planned.pk,
            "canceled": story.canceled.pk,
            "paid_leg": only_leg(story.paid).pk,
            "planned_leg": only_leg(story.planned).pk,
            "canceled_leg": only_leg(story.canceled).pk,
            "stranger": make_customer("bob").pk,
        }
        cursor.execute(statement, names)
        assert cursor.rowcount > 0


CREDITED = "a deposit was credited once when paid: what was received, from its gateway's clearing; and else never"
PARTS = "what a deposit says is reserved and refunded is what its legs hold and have paid"
CAP = "refunded, reserved and disputed parts of a deposit are not negative and together not above what was received"
DEPOSITS_CUSTOMER = "transfers that name a deposit are of its customer"
SUM_OF_LEGS = "the legs of a withdrawal add up to its amount"
DESTINATION = "a leg goes back to a deposit of the same customer at the same gateway, or has an arrangement"
HELD = "what is held of a customer is what open legs and disputes hold"
TAKEN = "what was taken for a withdrawal is its amount"
TRANSFERS = "every leg has exactly the transfers that its history demands"
SHAPE = "every transfer of a withdrawal belongs to it or to a leg of it, and moves between the accounts of its kind"
LEFT_HELD = "what the transfers of a withdrawal leave held is what its legs hold, and nothing once it is over"
STATE = "a withdrawal is in the state that its legs say, unless a person decided or has to decide"
EVENTS = "the last event of every withdrawal says its state"
LEG_EVENTS = "the last event of every leg says its state; one without events never moved"

_ABOVE = (
    "ALTER TABLE billing_deposit DROP CONSTRAINT deposit_not_given_back_twice;"
    "UPDATE billing_deposit SET disputed = 20.000001 WHERE id = %(deposit)s"
)

BROKEN: tuple[tuple[str, str, str], ...] = (
    (CREDITED, "another amount", "UPDATE billing_deposit SET amount = amount + 0.000001 WHERE id = %(deposit)s"),
    (
        CREDITED,
        "not paid but credited",
        (
            "UPDATE billing_deposit SET state = 'failed', amount = 0, paid_at = NULL, reserved = 0, refunded = 0"
            " WHERE id = %(deposit)s"
        ),
    ),
    (CREDITED, "paid but not credited", "DELETE FROM billing_transfer WHERE kind = 'deposit'"),
    (
        CREDITED,
        "credited twice",
        (
            "INSERT INTO billing_transfer (at, kind, debit_account_id, credit_account_id, amount, customer_id,"
            " deposit_id, key, reason) SELECT at, kind, debit_account_id, credit_account_id, amount, customer_id,"
            " deposit_id, key || ':again', reason FROM billing_transfer WHERE kind = 'deposit'"
        ),
    ),
    (
        CREDITED,
        "from another gateway's clearing",
        "UPDATE billing_transfer SET debit_account_id = 6 WHERE kind = 'deposit'",
    ),
    (
        CREDITED,
        "to the promotional balance",
        (
            "UPDATE billing_transfer SET credit_account_id = (SELECT p.id FROM billing_account p JOIN billing_account a"
            " ON a.customer_id = p.customer_id WHERE p.kind = 'promo' AND a.id = credit_account_id)"
            " WHERE kind = 'deposit'"
        ),
    ),
    (PARTS, "reserved", "UPDATE billing_deposit SET reserved = reserved - 1 WHERE id = %(deposit)s"),
    (PARTS, "refunded", "UPDATE billing_deposit SET refunded = refunded - 1 WHERE id = %(deposit)s"),
    (CAP, "above", _ABOVE),
    (
        CAP,
        "negative",
        (
            "ALTER TABLE billing_deposit DROP CONSTRAINT deposit_parts_not_negative;"
            "UPDATE billing_deposit SET disputed = -1 WHERE id = %(deposit)s"
        ),
    ),
    (DEPOSITS_CUSTOMER, "", "UPDATE billing_deposit SET customer_id = %(stranger)s WHERE id = %(deposit)s"),
    (SUM_OF_LEGS, "more", "UPDATE billing_withdrawal SET amount = 20.01 WHERE id = %(paid)s"),
    (SUM_OF_LEGS, "no leg", "UPDATE billing_withdrawalleg SET withdrawal_id = %(planned)s WHERE id = %(paid_leg)s"),
    (DESTINATION, "nowhere", "UPDATE billing_withdrawalleg SET deposit_id = NULL WHERE id = %(paid_leg)s"),
    (DESTINATION, "a stranger's", "UPDATE billing_deposit SET customer_id = %(stranger)s WHERE id = %(deposit)s"),
    (DESTINATION, "another gateway's", "UPDATE billing_withdrawalleg SET gateway = 'stripe' WHERE id = %(paid_leg)s"),
    (
        HELD,
        "an open leg ended without its money",
        "UPDATE billing_withdrawalleg SET state = 'canceled', due_at = NULL WHERE id = %(planned_leg)s",
    ),
    (
        HELD,
        "held for nothing",
        "UPDATE billing_account SET balance = balance + 1 WHERE kind = 'held' AND balance > 0",
    ),
    (TAKEN, "less", "UPDATE billing_transfer SET amount = 9 WHERE key = 'withdrawal:' || %(planned)s || ':opened'"),
    (TAKEN, "nothing", "DELETE FROM billing_transfer WHERE key = 'withdrawal:' || %(planned)s || ':opened'"),
    (TRANSFERS, "paid without", "DELETE FROM billing_transfer WHERE key = 'leg:' || %(paid_leg)s || ':paid'"),
    (TRANSFERS, "paid with another", "UPDATE billing_transfer SET amount = 1 WHERE kind = 'withdrawal_paid'"),
    (TRANSFERS, "canceled without", "DELETE FROM billing_transfer WHERE kind = 'withdrawal_returned'"),
    (
        TRANSFERS,
        "canceled and paid",
        "UPDATE billing_withdrawalleg SET state = 'canceled', due_at = NULL WHERE id = %(paid_leg)s",
    ),
    (
        TRANSFERS,
        "failed late without a reversal",
        "UPDATE billing_withdrawalleg SET state = 'failed', failed_at = paid_at, due_at = NULL WHERE id = %(paid_leg)s",
    ),
    (
        TRANSFERS,
        "paid for another deposit",
        "UPDATE billing_transfer SET deposit_id = NULL WHERE kind = 'withdrawal_paid'",
    ),
    (SHAPE, "a stranger's", "UPDATE billing_withdrawal SET customer_id = %(stranger)s WHERE id = %(paid)s"),
    (
        SHAPE,
        "of no leg",
        "UPDATE billing_transfer SET key = 'leg:987654321:paid' WHERE kind = 'withdrawal_paid'",
    ),
    (
        SHAPE,
        "out of another clearing",
        "UPDATE billing_transfer SET credit_account_id = 6 WHERE kind = 'withdrawal_paid'",
    ),
    (
        SHAPE,
        "a kind that has nothing to do with it",
        (
            "UPDATE billing_transfer SET kind = 'adjustment', reason = 'x',"
            " author_id = customer_id WHERE kind = 'withdrawal_returned'"
        ),
    ),
    (
        SHAPE,
        "opened out of promotional money",
        (
            "UPDATE billing_transfer SET debit_account_id = (SELECT p.id FROM billing_account p JOIN billing_account a"
            " ON a.customer_id = p.customer_id WHERE p.kind = 'promo' AND a.id = debit_account_id)"
            " WHERE kind = 'withdrawal_opened'"
        ),
    ),
    (LEFT_HELD, "over but held", "DELETE FROM billing_transfer WHERE key = 'leg:' || %(canceled_leg)s || ':returned'"),
    (
        LEFT_HELD,
        "another withdrawal's",
        "UPDATE billing_transfer SET withdrawal_id = %(planned)s WHERE kind = 'withdrawal_paid'",
    ),
    (STATE, "paid but scheduled", "UPDATE billing_withdrawal SET state = 'scheduled' WHERE id = %(paid)s"),
    (
        STATE,
        "unknown but scheduled",
        ("UPDATE billing_withdrawalleg SET state = 'unknown', attempted_at = now() WHERE id = %(planned_leg)s"),
    ),
    (STATE, "canceled but open", "UPDATE billing_withdrawal SET state = 'canceled' WHERE id = %(planned)s"),
    (EVENTS, "none", "DELETE FROM billing_withdrawalevent WHERE withdrawal_id = %(planned)s"),
    (
        EVENTS,
        "another",
        (
            "UPDATE billing_withdrawalevent SET to_state = 'failed' WHERE withdrawal_id = %(paid)s"
            " AND to_state = 'paid' AND leg_id IS NULL"
        ),
    ),
    (LEG_EVENTS, "none", "DELETE FROM billing_withdrawalevent WHERE leg_id = %(canceled_leg)s"),
    (
        LEG_EVENTS,
        "another",
        ("UPDATE billing_withdrawalevent SET to_state = 'failed' WHERE leg_id = %(paid_leg)s AND to_state = 'paid'"),
    ),
)


@pytest.mark.broken_books
@pytest.mark.parametrize(
    ("invariant", "statement"),
    [pytest.param(name, statement, id=f"{name[:60]}: {how}") for name, how, statement in BROKEN],
)
def test_finds_that_it_is_broken_that(invariant: str, statement: str, story: Story) -> None:
    assert audit.findings() == []

    tamper(statement, story)

    found = {finding.invariant: finding for finding in audit.findings()}
    assert invariant in found
    assert found[invariant].count >= 1
    assert found[invariant].examples


def test_every_invariant_of_payments_is_broken_here() -> None:
    of_payments = [*audit.deposits.CHECKS, *audit.withdrawals.CHECKS]
    assert {check.name for check in of_payments} == {name for name, _how, _statement in BROKEN}
    assert len(of_payments) == 14


def test_sound_through_every_way_that_a_withdrawal_by_hand_can_end() -> None:
    ada, grace = make_customer(funds="300"), make_staff()
    receive_by_hand(ada, "40")
    came_back = withdraw(ada, "15")
    send_due()
    payout = Payout.objects.get(leg=only_leg(came_back).pk)
    payouts.confirm(payout_id=payout.pk, bank_reference="E2E-1", staff=grace, at=AT + HOUR)
    assert audit.findings() == []
    payouts.fail(payout_id=payout.pk, reason="The account is closed.", staff=grace, at=AT + DAY)
    assert audit.findings() == []
    Deposit.objects.filter(gateway="manual").update(method_gone=True)
    never_sent = withdraw(ada, "10", at=AT + DAY)
    send_due(AT + 2 * DAY)
    arranging = Arrangement.objects.get(leg__withdrawal=never_sent)
    arrangements.propose(
        arrangement_id=arranging.pk,
        kind=PayoutKind.WALLET,
        destination="ada@wallet.example.com",
        verification="Video call, passport seen.",
        staff=grace,
        at=AT + 2 * DAY,
    )
    arrangements.consent(
        arrangement_id=arranging.pk, customer=ada, way="Wallet: ada@wallet.example.com", at=AT + 2 * DAY
    )
    send_due(AT + 3 * DAY)
    assert audit.findings() == []
    payouts.fail(
        payout_id=Payout.objects.get(leg=arranging.leg_id).pk, reason="No such wallet.", staff=grace, at=AT + 3 * DAY
    )
    declined = withdraw(ada, "250", at=AT + 4 * DAY)
    assert declined.state == WithdrawalState.IN_REVIEW
    assert audit.findings() == []
    withdrawals.decline(withdrawal_id=declined.pk, staff=grace, reason="Not verified.", at=AT + 4 * DAY)

    assert audit.findings() == []
    assert set(WithdrawalLeg.objects.values_list("state", flat=True)) == {LegState.FAILED, LegState.CANCELED}


def test_sound_when_a_refund_by_hand_left_debt_that_its_failure_settles(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    place_order(ada, make_service(rate="45"))
    assert deposit.payment_reference
    refund = payments.refund_by_hand(deposit.payment_reference, 4_000)

    gateway_refunds.refresh(refund, gateway=GatewaySlug.STRIPE, at=AT)

    assert audit.findings() == []
    assert sorted(Transfer.objects.filter(kind="gateway_refund").values_list("amount", flat=True)) == [5, 35]

    payments.move_refund(refund, "failed", failure_reason="lost_or_stolen_card")
    gateway_refunds.refresh(refund, gateway=GatewaySlug.STRIPE, at=AT + DAY)

    assert audit.findings() == []
    assert Transfer.objects.get(kind="debt_settled").amount == 35


def test_sound_when_one_leg_of_two_fails_late(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    pay_in(ada, payments, "20", card="closed_card")
    withdrawal = withdraw(ada, "60")

    send_due()

    assert audit.findings() == []
    payments.advance(4_000)
    send_due(AT + 2 * DAY)
    assert audit.findings() == []
    withdrawal.refresh_from_db()
    assert [leg.state for leg in withdrawal.legs.all()] == [LegState.PAID, LegState.FAILED]
    assert withdrawal.state == WithdrawalState.PAID
