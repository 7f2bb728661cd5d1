"""Withdrawals are sent once: senders are killed at every step, calls go wrong in every way, and keys grow old.

The clock is `at`, and for a process one of its own; the sandbox's is put forward. So nothing waits for time to pass.
"""

import signal
import socket
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from billing.models import Deposit, LegState, Transfer, Withdrawal, WithdrawalState
from billing.sending import claims
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.chaos import processes
from tests.chaos.processes import ended, holding, kill, kill_waiting, start_sender, until
from tests.factories import AT, HOUR, make_customer, only_leg, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db(transaction=True)

DUE = AT + HOUR
MINUTE = timedelta(minutes=1)
AFTER_THE_LEASE = claims.LEASE + MINUTE
NEXT_DAY = timedelta(hours=25)  # keys are forgotten after 24 hours

ASKED = {"path": "/v1/refunds", "method": "POST", "times": 1}
LOOKED = {"path": "/v1/refunds", "method": "GET", "times": 1}

# Taking this lock waits for nobody, and inserting a row then waits for it.
NO_EVENTS = "LOCK TABLE billing_withdrawalevent IN SHARE MODE"
NO_LETTERS = "LOCK TABLE notifications_email IN SHARE MODE"
THIS_ROW = "SELECT id FROM billing_withdrawal WHERE id = %s FOR UPDATE"


@pytest.fixture
def withdrawal(payments: PaymentsSandbox) -> Withdrawal:
    """20.00 of a deposit of 50.00, on their way back."""
    ada = make_customer()
    pay_in(ada, payments, "50")
    return withdraw(ada, "20")


def while_claiming(payments: PaymentsSandbox, withdrawal: Withdrawal, var: Path) -> None:
    """Everything about the claim is written, and nothing of it committed."""
    del payments, withdrawal
    with holding(NO_EVENTS):
        sender = start_sender(DUE, var)
        with ended(sender):
            kill_waiting(sender)


def before_the_call(payments: PaymentsSandbox, withdrawal: Withdrawal, var: Path) -> None:
    """The claim is committed; the call gets as far as a socket that nobody reads."""
    del payments, withdrawal
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.settimeout(processes.PATIENCE)
        sender = start_sender(DUE, var, STRIPE_API_BASE=f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with ended(sender):
            call, _ = deaf.accept()
            kill(sender)
            call.close()


def before_the_answer(payments: PaymentsSandbox, withdrawal: Withdrawal, var: Path) -> None:
    """The gateway has acted and keeps its answer to itself."""
    del withdrawal
    payments.fault("stall", seconds=600, **ASKED)
    sender = start_sender(DUE, var)
    with ended(sender):
        until(payments.refunds)
        kill(sender)


def before_recording(payments: PaymentsSandbox, withdrawal: Withdrawal, var: Path) -> None:
    """The answer is there; nothing of it is written."""
    payments.fault("stall", seconds=1, **ASKED)
    sender = start_sender(DUE, var)
    with ended(sender):
        until(payments.refunds)
        with holding(THIS_ROW, withdrawal.pk):
            kill_waiting(sender)


def while_recording(payments: PaymentsSandbox, withdrawal: Withdrawal, var: Path) -> None:
    """States and money are written, the letter is not, and nothing is committed."""
    del payments, withdrawal
    with holding(NO_LETTERS):
        sender = start_sender(DUE, var)
        with ended(sender):
            kill_waiting(sender)


Point = Callable[[PaymentsSandbox, Withdrawal, Path], None]


@pytest.mark.parametrize(
    ("point", "state", "refunds"),
    [
        (while_claiming, LegState.PLANNED, 0),
        (before_the_call, LegState.SENDING, 0),
        (before_the_answer, LegState.SENDING, 1),
        (before_recording, LegState.SENDING, 1),
        (while_recording, LegState.SENDING, 1),
    ],
)
def test_a_customer_is_paid_once_when_the_sender_is_killed(
    payments: PaymentsSandbox, withdrawal: Withdrawal, tmp_path: Path, point: Point, state: LegState, refunds: int
) -> None:
    point(payments, withdrawal, tmp_path)

    assert (only_leg(withdrawal).state, len(payments.refunds())) == (state, refunds)
    if state == LegState.SENDING:
        assert send_due(DUE + MINUTE) == 0  # its claim lasts for the lease
    assert send_due(DUE + AFTER_THE_LEASE) == 1
    assert_paid_once(payments, withdrawal)


@pytest.mark.parametrize(("point", "attempt"), [(before_the_call, 2), (before_the_answer, 1)])
def test_a_customer_is_paid_once_when_the_sender_is_killed_and_the_key_forgotten(
    payments: PaymentsSandbox, withdrawal: Withdrawal, tmp_path: Path, point: Point, attempt: int
) -> None:
    point(payments, withdrawal, tmp_path)
    payments.advance(NEXT_DAY.total_seconds())

    settle(withdrawal, NEXT_DAY)

    assert only_leg(withdrawal).attempt == attempt
    assert_paid_once(payments, withdrawal)


def test_a_customer_is_paid_once_when_the_next_sender_comes_while_the_gateway_still_works(
    payments: PaymentsSandbox, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    payments.fault("slow", seconds=2, **ASKED)
    sender = start_sender(DUE, tmp_path)
    with ended(sender):
        until(lambda: not payments.faults.left())
        kill(sender)

    assert send_due(DUE + AFTER_THE_LEASE) == 1
    found_nothing = only_leg(withdrawal)
    until(payments.refunds)
    settle(withdrawal, HOUR)

    assert found_nothing.state == LegState.UNKNOWN  # no refund yet, and the key is in use
    assert only_leg(withdrawal).attempt == 1
    assert_paid_once(payments, withdrawal)


def test_a_sender_that_was_stopped_for_longer_than_its_lease_changes_nothing_when_it_goes_on(
    payments: PaymentsSandbox, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    payments.fault("stall", seconds=2, **ASKED)
    sender = start_sender(DUE, tmp_path)
    with ended(sender):
        until(payments.refunds)
        sender.send_signal(signal.SIGSTOP)
        assert send_due(DUE + AFTER_THE_LEASE) == 1
        taken_over = only_leg(withdrawal)
        sender.send_signal(signal.SIGCONT)
        assert sender.wait(processes.PATIENCE) == 0

    assert taken_over.state == LegState.PAID
    assert_paid_once(payments, withdrawal)


# What goes wrong with the call, whether the gateway acted, how the leg stands, and with which attempt it is paid a day
# later. By default a call is given up after 20 seconds; here sooner, and what follows is the same.
GOES_WRONG = [
    pytest.param("drop_before", False, LegState.UNKNOWN, 2, id="dropped before"),
    pytest.param("drop_after", True, LegState.UNKNOWN, 1, id="dropped after"),
    pytest.param("error_500_before", False, LegState.UNKNOWN, 2, id="500 before"),
    pytest.param("error_500_after", True, LegState.UNKNOWN, 1, id="500 after"),
    pytest.param("http_429", False, LegState.PLANNED, 1, id="429"),
    pytest.param("stall", True, LegState.UNKNOWN, 1, id="30 s without an answer"),
]


@pytest.mark.parametrize(("kind", "acted", "state", "attempt_next_day"), GOES_WRONG)
@pytest.mark.parametrize("pause", [2 * MINUTE, NEXT_DAY], ids=["soon", "next day"])
def test_a_customer_is_paid_once_when_the_call_goes_wrong(
    payments: PaymentsSandbox,
    withdrawal: Withdrawal,
    settings: Settings,
    kind: str,
    state: LegState,
    attempt_next_day: int,
    pause: timedelta,
    *,
    acted: bool,
) -> None:
    payments.fault(kind, seconds=30, **ASKED)
    if kind == "stall":
        settings.GATEWAY_TIMEOUT = timedelta(seconds=0.5)

    send_due(DUE)

    settings.GATEWAY_TIMEOUT = timedelta(seconds=20)
    assert (only_leg(withdrawal).state, len(payments.refunds())) == (state, int(acted))
    payments.advance(pause.total_seconds())
    settle(withdrawal, pause)
    assert only_leg(withdrawal).attempt == (attempt_next_day if pause == NEXT_DAY else 1)
    assert_paid_once(payments, withdrawal)


def test_a_stored_500_is_asked_about_for_a_day_and_then_paid_under_a_new_key(
    payments: PaymentsSandbox, withdrawal: Withdrawal
) -> None:
    payments.fault("error_500_before", stored=True, **ASKED)
    send_due(DUE)

    for hours in (1, 5, 22):  # each of them asks with the old key, and gets the 500 again
        assert send_due(DUE + hours * HOUR) == 1
        assert (only_leg(withdrawal).state, payments.refunds()) == (LegState.UNKNOWN, [])
    payments.advance(NEXT_DAY.total_seconds())
    settle(withdrawal, NEXT_DAY)

    assert only_leg(withdrawal).attempt == 2
    assert_paid_once(payments, withdrawal)


@pytest.mark.parametrize("looking", ["drop_before", "drop_after", "error_500_before", "http_429"])
@pytest.mark.parametrize("calling", ["drop_before", "drop_after"])
def test_a_look_that_fails_sends_nothing_even_when_the_key_is_forgotten(
    payments: PaymentsSandbox, withdrawal: Withdrawal, calling: str, looking: str
) -> None:
    payments.fault(calling, **ASKED)
    send_due(DUE)
    before = payments.refunds()
    payments.advance(NEXT_DAY.total_seconds())
    payments.fault(looking, **LOOKED)

    assert send_due(DUE + NEXT_DAY) == 1

    assert payments.refunds() == before
    assert (only_leg(withdrawal).state, only_leg(withdrawal).attempt) == (LegState.UNKNOWN, 1)
    settle(withdrawal, NEXT_DAY + HOUR)
    assert_paid_once(payments, withdrawal)


def test_a_day_of_every_fault_in_turn_pays_once(payments: PaymentsSandbox, withdrawal: Withdrawal) -> None:
    kinds = ["http_429", "drop_before", "error_500_before", "http_429", "drop_before", "drop_after", "error_500_after"]
    for turn, kind in enumerate(kinds):
        payments.fault(kind, path="/v1/refunds", times=1)
        send_due(DUE + turn * 2 * HOUR)
        payments.clear_faults()
        payments.advance(7200)

    settle(withdrawal, len(kinds) * 2 * HOUR)

    assert_paid_once(payments, withdrawal)


def settle(withdrawal: Withdrawal, after: timedelta) -> None:
    """Let the sweep run every hour until the withdrawal is paid."""
    for turn in range(3):
        send_due(DUE + after + turn * HOUR)
        if Withdrawal.objects.get(pk=withdrawal.pk).state == WithdrawalState.PAID:
            return


def assert_paid_once(payments: PaymentsSandbox, withdrawal: Withdrawal) -> None:
    """One refund of 20.00 at the gateway, booked once and told once; a day later nothing more comes of it."""
    assert send_due(DUE + 2 * NEXT_DAY) <= 1  # it is looked at again, for failures that come late
    leg, deposit = only_leg(withdrawal), Deposit.objects.get()
    [refund] = payments.refunds()
    assert refund_facts(refund) == ("succeeded", 2000, str(leg.pk), str(leg.attempt))
    assert (leg.state, leg.reference, leg.withdrawal.state) == (LegState.PAID, refund["id"], WithdrawalState.PAID)
    assert (deposit.refunded, deposit.reserved) == (Decimal(20), Decimal(0))
    assert balances(withdrawal.customer) == {"available": "30.00"}
    assert [row.amount for row in Transfer.objects.filter(kind="withdrawal_paid")] == [Decimal(20)]
    assert Email.objects.filter(template="withdrawal_paid").count() == 1


def refund_facts(refund: dict[str, Any]) -> tuple[str, int, str, str]:
    return refund["status"], refund["amount"], refund["metadata"]["leg"], refund["metadata"]["attempt"]
