"""Celery workers are killed in the middle of a batch, and the gateway in the middle of a call."""

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from celery import Celery
from django.db import connection
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from billing import deposits
from billing.gateways import stripe
from billing.models import Deposit, LegState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.sending import claims
from panel import embedded
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from panel.supervision import commands
from tests.billing.money import balances
from tests.chaos import processes
from tests.chaos.processes import Process, ended, kill, until
from tests.factories import AT, HOUR, make_customer, only_leg, open_deposit, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
DUE = AT + HOUR
LONGER_THAN_THE_CANCEL_WINDOW = 2 * HOUR
CALLS_DONE = 5  # of 20, eight at a time


def test_twenty_refunds_are_each_made_once_when_their_worker_is_killed_and_two_take_over(
    payments: PaymentsSandbox, tmp_path: Path
) -> None:
    customers = [
        make_customer(name) for name in ("ada", "ben", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "jo")
    ]
    for customer in customers:
        ask_for_two_deposits(customer, payments)
    payments.answer_ms = 200
    broker = Celery(
        set_as_current=False,
        broker="filesystem://localhost",
        broker_transport="panel.broker:Transport",
        broker_transport_options=embedded.broker_options(tmp_path),
    )

    broker.send_task("billing.tasks.send_due_withdrawals")
    with ended(worker := start_worker(tmp_path)):
        until(lambda: len(payments.refunds()) >= CALLS_DONE)
        kill(worker)
    until_answered(payments)
    payments.answer_ms = 0
    made, recorded = len(payments.refunds()), WithdrawalLeg.objects.exclude(state=LegState.SENDING).count()
    pass_time(claims.LEASE)
    with ended(one := start_worker(tmp_path), other := start_worker(tmp_path)):
        for _ in range(4):
            broker.send_task("billing.tasks.send_due_withdrawals")
        until(lambda: Withdrawal.objects.filter(state=WithdrawalState.PAID).count() == len(customers))
        assert (one.poll(), other.poll()) == (None, None)

    assert CALLS_DONE <= made < 20
    assert recorded == 0
    assert sorted(refund["metadata"]["leg"] for refund in payments.refunds()) == sorted(
        str(leg) for leg in WithdrawalLeg.objects.values_list("pk", flat=True)
    )
    assert {(refund["amount"], refund["status"]) for refund in payments.refunds()} == {(1000, "succeeded")}
    assert [balances(customer) for customer in customers] == [{}] * 10
    assert Email.objects.filter(template="withdrawal_paid").count() == 10


def ask_for_two_deposits(customer: User, payments: PaymentsSandbox) -> None:
    """Two deposits of 10.00 are on their way back, and by the real clock they are due."""
    asked_at = timezone.now() - LONGER_THAN_THE_CANCEL_WINDOW
    for _ in range(2):
        pay_in(customer, payments, "10", at=asked_at)
    withdraw(customer, "20", at=asked_at)


def start_worker(var: Path) -> Process:
    """Start a Celery worker as the panel's own supervisor does."""
    return processes.start(commands.worker(concurrency=1), var)


def until_answered(payments: PaymentsSandbox) -> None:
    """Wait until the calls that the dead worker had under way have come to their end at the gateway."""
    seen = -1
    while seen != (seen := len(payments.refunds())):
        time.sleep(2 * payments.answer_ms / 1000)


def pass_time(length: timedelta) -> None:
    """Let this much time pass for what is due: workers go by the real clock, so due times move towards it."""
    WithdrawalLeg.objects.update(due_at=F("due_at") - length)
    Withdrawal.objects.update(due_at=F("due_at") - length)


@dataclass(slots=True)
class Gateway:
    """A payments sandbox as a process of its own, which keeps its state in a file and can be killed."""

    var: Path
    process: Process
    url: str

    def kill(self) -> None:
        kill(self.process)

    def start_again(self) -> None:
        """Start it at the same address, with the state that it had."""
        port = self.url.rpartition(":")[2]
        self.process, self.url = start_gateway(self.var, port)

    def post(self, what: str, **values: object) -> None:
        """Steer it."""
        body = json.dumps(values).encode()
        with urlopen(Request(f"{self.url}/_control/{what}", body, {"Content-Type": "application/json"})) as answer:  # noqa: S310 - our own
            assert answer.status == 200

    def read(self, what: str) -> list[dict[str, Any]]:
        """Return its `refunds` or the `faults` that wait."""
        with urlopen(f"{self.url}/_control/{what}") as answer:  # noqa: S310 - our own
            found: list[dict[str, Any]] = json.load(answer)[what]
            return found


def start_gateway(var: Path, port: str) -> tuple[Process, str]:
    """Start one; port 0 is any that is free. Return it with its address."""
    command = [sys.executable, "-m", "panel.sandbox.payments", "--port", port, "--state", str(var / "gateway.sqlite")]
    process = processes.start(command, var)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


@pytest.fixture
def gateway(settings: Settings, tmp_path: Path) -> Iterator[Gateway]:
    settings.STRIPE_SECRET_KEY = "sk_test_sandbox_makegood"
    settings.STRIPE_API_BASE = ""
    process, url = start_gateway(tmp_path, "0")
    settings.STRIPE_API_BASE = url
    running = Gateway(tmp_path, process, url)
    with ended(process):
        yield running
        with ended(running.process):
            stripe.close_gateways()


@pytest.mark.parametrize(
    ("kind", "acted"), [("slow", False), ("stall", True)], ids=["before it acts", "after it acted"]
)
def test_a_customer_is_paid_once_when_the_gateway_dies_during_the_call(
    gateway: Gateway, kind: str, *, acted: bool
) -> None:
    ada = make_customer()
    deposit = open_deposit(ada, "50")
    gateway.post(f"sessions/{deposit.reference}", card="visa")
    deposits.refresh(deposit.pk, at=AT)
    withdrawal = withdraw(ada, "20")
    gateway.post("faults", kind=kind, path="/v1/refunds", method="POST", times=1, seconds=600)

    with ThreadPoolExecutor(max_workers=1) as other:
        sending = other.submit(send_and_hang_up)
        until(lambda: not gateway.read("faults"))
        until(lambda: len(gateway.read("refunds")) == int(acted))
        gateway.kill()
        assert sending.result(processes.PATIENCE) == 1
    after_the_death = only_leg(withdrawal).state
    assert send_due(DUE + 2 * MINUTE) == 1
    while_it_is_down = only_leg(withdrawal).state
    gateway.start_again()
    assert send_due(DUE + HOUR) == 1

    assert (after_the_death, while_it_is_down) == (LegState.UNKNOWN, LegState.UNKNOWN)
    leg = only_leg(withdrawal)
    [refund] = gateway.read("refunds")
    assert (refund["amount"], refund["status"], refund["metadata"]["leg"]) == (2000, "succeeded", str(leg.pk))
    assert (leg.state, leg.reference, leg.attempt) == (LegState.PAID, refund["id"], 1)
    assert (Deposit.objects.get().refunded, balances(ada)) == (Decimal(20), {"available": "30.00"})
    assert Email.objects.filter(template="withdrawal_paid").count() == 1


def send_and_hang_up() -> int:
    """Send what is due, in a thread with a database connection of its own."""
    try:
        return send_due(DUE)
    finally:
        connection.close()
