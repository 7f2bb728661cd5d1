"""Withdrawals: how fast one process sends due legs, and that finding due ones does not slow with the finished ones.

The sandbox payments server runs beside it and answers at once. The floor is the same SDK making the same
refund calls one after another with nothing written on our side.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.rates import Rates
from billing import deposits, gateways
from billing.gateways.base import RefundRequest
from billing.models import Deposit, GatewaySlug, Withdrawal
from billing.sending import claims, work
from panel.accounts.models import User
from panel.supervision import commands
from refunds import balance_refunds

WHAT = "legs of withdrawals sent by one process; floor: the same refund calls, one after another, nothing written"
LEGS_A_SECOND = 250  # more than are sent
CUSTOMERS = 40
AMOUNT = Decimal("5.00")
FINISHED = 1_000_000


def measure(seconds: int, rounds: int) -> list[Rates]:
    """Let floor and panel take turns, each on deposits of its own; then time the sweep among many finished rows."""
    with _payments() as (url, control):
        settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = url, "sk_test_sandbox_makegood"
        measured = [_round(control, seconds) for _ in range(rounds)]
    few, many = _sweep_times()
    note = (
        f"the sweep claims 50 due of {many[1]:,} withdrawals in {many[0] * 1000:.1f} ms,"
        f" of {few[1]:,} in {few[0] * 1000:.1f} ms: ratio {many[0] / few[0]:.2f}"
    )
    last = measured[-1]
    return [*measured[:-1], Rates(last.what, last.panel, last.floor, notes=(*last.notes, note))]


def _round(control: httpx.Client, seconds: int) -> Rates:
    wanted = LEGS_A_SECOND * seconds
    customers = _customers_with_deposits(control, each=Decimal(10) * AMOUNT * (wanted // CUSTOMERS + 1))
    opening = _open_withdrawals(customers, wanted)
    started = time.monotonic()
    sent = 0
    while time.monotonic() - started < seconds and (made := work.send_due(batches=1)):
        sent += made
    panel = sent / (time.monotonic() - started)
    assert Withdrawal.objects.filter(customer__in=customers, state="paid").count() == sent

    gateway = gateways.get(GatewaySlug.STRIPE)
    payment = (
        Deposit.objects.filter(customer=customers[0], state="paid").values_list("payment_reference", flat=True)[0] or ""
    )
    calls, started = 0, time.monotonic()
    while time.monotonic() - started < max(seconds // 4, 1):
        calls += 1
        amount = Decimal("0.01")
        gateway.refund(RefundRequest(uuid4().hex, 10**9 + calls, 1, payment, amount, settings.PANEL_CURRENCY))
    floor = calls / (time.monotonic() - started)
    return Rates(WHAT, panel, floor, notes=(f"opening one, without any call: {opening * 1000:.1f} ms",))


def _customers_with_deposits(control: httpx.Client, *, each: Decimal) -> list[User]:
    customers = []
    for _ in range(CUSTOMERS):
        customer = User.objects.create_user(f"bench-{uuid4().hex}@bench.example.com")
        deposit = deposits.open(
            customer=customer,
            amount=each,
            key=uuid4(),
            page_url="http://127.0.0.1/",
            policy_version=None,
            at=timezone.now(),
        )
        control.post(f"/_control/sessions/{deposit.reference}", json={"outcome": "pay"}).raise_for_status()
        assert deposits.refresh(deposit.pk, at=timezone.now()).state == "paid"
        customers.append(customer)
    return customers


def _open_withdrawals(customers: list[User], wanted: int) -> float:
    times = []
    for number in range(wanted):
        customer = customers[number % len(customers)]
        quote = balance_refunds.quote(customer=customer, amount=AMOUNT, at=timezone.now())
        started = time.perf_counter()
        balance_refunds.request(
            customer=customer, amount=AMOUNT, key=uuid4(), confirmed=quote.plan.digest, at=timezone.now()
        )
        times.append(time.perf_counter() - started)
    with connection.cursor() as cursor:
        ids = [customer.pk for customer in customers]
        cursor.execute("UPDATE billing_withdrawal SET due_at = NULL WHERE due_at IS NOT NULL")
        cursor.execute("UPDATE billing_withdrawal SET due_at = now() WHERE customer_id = ANY(%s)", [ids])
        cursor.execute("UPDATE billing_withdrawalleg SET due_at = now() WHERE state = 'planned'")
        cursor.execute("ANALYZE")
    return statistics.median(times)


def _sweep_times() -> tuple[tuple[float, int], tuple[float, int]]:
    """Return the median time of a claim, and the number of withdrawals, before and after a million finished ones."""
    few = _claim_time(), Withdrawal.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # a million rows that no trigger has to look at
        cursor.execute(
            """
            INSERT INTO billing_withdrawal (key, customer_id, origin, state, amount, currency, clause, sentence,
                review_reason, decline_reason, requested_at, send_at, earliest_date, send_by_date, bank_by_date,
                overdue_at, ended_at)
            SELECT gen_random_uuid(), newest.id - n %% 20, 'gateway', 'paid', 5, 'USD', '', '', '', '',
                now(), now(), now(), now(), now(), now(), now()
            FROM generate_series(1, %s) n, (SELECT max(id) AS id FROM accounts_user) newest
            """,
            [FINISHED],
        )
        cursor.execute(
            """
            INSERT INTO billing_withdrawalleg (withdrawal_id, gateway, state, amount, attempt, attempted_at, tries,
                reference, bank_reference, gateway_words, failure)
            SELECT id, 'manual', 'paid', 5, 1, now(), 0, 'bench-' || id, '', '', '' FROM billing_withdrawal w
            WHERE NOT EXISTS (SELECT FROM billing_withdrawalleg l WHERE l.withdrawal_id = w.id)
            """
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
    return few, (_claim_time(), Withdrawal.objects.count())


def _claim_time() -> float:
    """Time claims of 50 due withdrawals, made for it and due again each time."""
    ids = _fifty_due()
    times = []
    for _ in range(15):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE billing_withdrawalleg SET due_at = now() WHERE withdrawal_id = ANY(%s)", [ids])
            cursor.execute("UPDATE billing_withdrawal SET due_at = now() WHERE id = ANY(%s)", [ids])
        started = time.perf_counter()
        claimed = claims.claim_due(limit=50, at=timezone.now())
        times.append(time.perf_counter() - started)
        assert {claim.withdrawal_id for claim in claimed} == set(ids)
    return statistics.median(times)


def _fifty_due() -> list[int]:
    """Insert 50 withdrawals with a leg each on one deposit with enough left; nothing else is due afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_withdrawal SET due_at = NULL WHERE due_at IS NOT NULL")
        cursor.execute(
            """
            WITH deposit AS (
                SELECT id, customer_id FROM billing_deposit
                WHERE state = 'paid' AND amount - refunded - reserved > 1 ORDER BY id DESC LIMIT 1
            ), made AS (
                INSERT INTO billing_withdrawal (key, customer_id, origin, state, amount, currency, clause, sentence,
                    review_reason, decline_reason, requested_at, send_at, earliest_date, send_by_date, bank_by_date,
                    overdue_at)
                SELECT gen_random_uuid(), customer_id, 'gateway', 'scheduled', 0.01, 'USD', '', '', '', '',
                    now(), now(), now(), now(), now(), now()
                FROM deposit, generate_series(1, 50)
                RETURNING id
            )
            INSERT INTO billing_withdrawalleg (withdrawal_id, deposit_id, gateway, state, amount, attempt, tries,
                bank_reference, gateway_words, failure)
            SELECT made.id, deposit.id, 'stripe', 'planned', 0.01, 1, 0, '', '', '' FROM made, deposit
            RETURNING withdrawal_id
            """
        )
        return [pk for (pk,) in cursor.fetchall()]


@contextlib.contextmanager
def _payments() -> Iterator[tuple[str, httpx.Client]]:
    command = [sys.executable, "-m", "panel.sandbox.payments", "--port", "0", "--seed", str(time.time_ns() % 10**9)]
    with subprocess.Popen(command, cwd=commands.ROOT, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, trust_env=False) as control:
                yield url, control
        finally:
            process.terminate()
