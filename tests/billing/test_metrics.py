"""What the monitoring is told of money in and out, and that nothing finished is read for it."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing import metrics, withdrawals
from billing.models import (
    Discrepancy,
    EventState,
    GatewayEvent,
    LegState,
    Payout,
    Problem,
    WithdrawalLeg,
)
from billing.sending import claims
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import (
    fund,
    make_customer,
    make_staff,
    only_leg,
    open_deposit,
    pay_in,
    receive_by_hand,
    send_due,
    withdraw,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def told() -> dict[str, float]:
    """Return every sample by its name, with its state behind a colon."""
    return {
        ":".join([sample.name.removeprefix("makegood_"), *sample.labels.values()]): sample.value
        for sample in metrics.samples()
    }


def customer_with(payments: PaymentsSandbox, amount: str, at: datetime) -> User:
    customer = make_customer()
    pay_in(customer, payments, amount, at=at)
    return customer


def test_an_idle_panel_has_only_zeros() -> None:
    assert set(told().values()) == {0}
    assert len(told()) == 18


def test_tells_open_withdrawals_by_state_and_which_are_overdue(payments: PaymentsSandbox) -> None:
    now = timezone.now()
    long_ago = now - 30 * DAY
    late = customer_with(payments, "90", long_ago)
    oldest, second = withdraw(late, "20", at=long_ago), withdraw(late, "20", at=long_ago + 2 * DAY)
    withdraw(customer_with(payments, "50", now), "20", at=now)
    in_review = customer_with(payments, "300", now)
    withdraw(in_review, "250", at=now)
    arranged = make_customer()
    fund(arranged, "40")
    withdraw(arranged, "40", at=now)
    paid = customer_with(payments, "50", now - 20 * DAY)
    withdraw(paid, "20", at=now - 20 * DAY)
    canceled = customer_with(payments, "50", long_ago)
    withdrawal = withdraw(canceled, "20", at=long_ago)
    withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=canceled, at=long_ago)
    claims.claim_now(withdrawal_ids=[second.pk], at=now)

    found = told()

    assert found["withdrawals_open:scheduled"] == 3
    assert found["withdrawals_open:sending"] == 1
    assert found["withdrawals_open:in_review"] == 1
    assert found["withdrawals_open:requested"] == 1
    assert found["withdrawals_open:unknown"] == 0
    assert found["withdrawals_overdue"] == 3
    age = (now - oldest.overdue_at).total_seconds()
    assert found["withdrawals_oldest_overdue_seconds"] == pytest.approx(age, abs=60)
    assert found["arrangements_open"] == 1

    send_due(now)

    found = told()
    assert found["withdrawals_overdue"] == 1
    assert found["withdrawals_open:scheduled"] == 1


def test_tells_of_legs_whose_outcome_is_unknown(payments: PaymentsSandbox) -> None:
    at = timezone.now() - DAY
    withdrawal = withdraw(customer_with(payments, "50", at), "20", at=at)
    payments.fault("drop_after", path="/v1/refunds", times=1)
    send_due(at + timedelta(hours=1))
    assert only_leg(withdrawal).state == LegState.UNKNOWN

    found = told()

    assert found["withdrawal_legs_unknown"] == 1
    assert found["withdrawals_open:unknown"] == 1


def test_tells_what_waits_for_staff_and_gateways(payments: PaymentsSandbox) -> None:
    now = timezone.now()
    ada = make_customer()
    receive_by_hand(ada, "50", at=now - 3 * DAY)
    withdraw(ada, "20", at=now - 3 * DAY)
    send_due(now)
    Payout.objects.update(created_at=now - 2 * DAY)
    open_deposit(ada, "50", at=now)
    pay_in(ada, payments, "50", card="bank_debit", at=now)
    for number, (state, due_at) in enumerate(
        [(EventState.WAITING, now), (EventState.WAITING, now), (EventState.FAILED, None), (EventState.DONE, None)]
    ):
        GatewayEvent.objects.create(
            gateway="stripe",
            event=f"evt_{number}",
            type="refund.updated",
            object="re_1",
            payload="{}",
            created_at=now,
            received_at=now - (number + 1) * DAY,
            waiting_since=now - (number + 1) * DAY,
            state=state,
            due_at=due_at,
        )
    for resolved_at in (None, now):
        Discrepancy.objects.create(
            gateway="stripe",
            problem=Problem.UNKNOWN_PAYMENT,
            reference="pi_1",
            description="",
            amount=1,
            first_seen_at=now,
            last_seen_at=now,
            resolved_at=resolved_at,
        )

    found = told()

    assert found["payouts_waiting"] == 1
    assert found["payouts_oldest_waiting_seconds"] == pytest.approx(2 * 86_400, abs=60)
    assert found["deposits_waiting:open"] == 1
    assert found["deposits_waiting:delayed"] == 1
    assert found["deposits_waiting:opening"] == 0
    assert found["gateway_events_waiting"] == 2
    assert found["gateway_events_oldest_waiting_seconds"] == pytest.approx(2 * 86_400, abs=60)
    assert found["gateway_events_failed"] == 1
    assert found["discrepancies_open"] == 1


def test_reads_open_rows_by_their_partial_indexes_alone() -> None:
    ada, grace, at = make_customer(), make_staff(), timezone.now() - 30 * DAY
    receive_by_hand(ada, "50", staff=grace, at=at)
    for _ in range(20):
        withdrawal = withdraw(ada, "5", at=at)
        withdrawals.cancel(withdrawal_id=withdrawal.pk, customer=ada, at=at)
    with CaptureQueriesContext(connection) as captured:
        list(metrics.samples())
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("ANALYZE billing_withdrawal, billing_withdrawalleg, billing_deposit")
        for query in captured:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    indexes = (
        ("withdrawal_promised",),
        ("withdrawal_promised", "billing_withdrawalleg_withdrawal_id"),
        ("payout_waiting",),
        ("deposit_due",),
        ("gateway_event_due",),
        ("gateway_event_failed",),
        ("discrepancy_listed_once",),
    )
    assert len(plans) == len(indexes)
    for plan, names in zip(plans, indexes, strict=True):
        assert "Seq Scan" not in plan
        assert all(name in plan for name in names), plan
    assert WithdrawalLeg.objects.filter(state=LegState.CANCELED).count() == 20
