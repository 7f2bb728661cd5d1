"""Sending against the sandbox while something goes wrong: each leg is paid exactly once, and counted as paid once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings
from time_machine import travel

from billing import deposits
from billing.models import Deposit, LegState, Withdrawal, WithdrawalLeg, WithdrawalState
from billing.sending import calls, claims, outcomes, work
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways import scripted
from tests.billing.money import balances, clearing
from tests.concurrency.racing import race
from tests.factories import AT, HOUR, make_customer, only_leg, pay_in, send_due, withdraw

pytestmark = pytest.mark.django_db

SENT = AT + HOUR
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

Ready = tuple[User, WithdrawalLeg]


@pytest.fixture
def ready(payments: PaymentsSandbox) -> Ready:
    """Ada has paid 50.00 by card, and 20.00 of it is due to go back at `SENT`."""
    ada = make_customer()
    pay_in(ada, payments, "50")
    return ada, only_leg(withdraw(ada, "20"))


def fresh(leg: WithdrawalLeg) -> WithdrawalLeg:
    return WithdrawalLeg.objects.select_related("withdrawal", "deposit").get(pk=leg.pk)


def send_until_paid(leg: WithdrawalLeg) -> list[str]:
    """Carry out what is due whenever it is, until it is paid; return the states on the way."""
    states: list[str] = []
    while not states or states[-1] != "paid":
        due = fresh(leg).due_at
        assert due is not None, states
        assert send_due(due) == 1
        states.append(fresh(leg).state)
        assert len(states) < 40
    return states


def paid_once(payments: PaymentsSandbox, ada: User, leg: WithdrawalLeg) -> bool:
    """Whether gateway, books, deposit and letters all say that 20.00 went back, once."""
    deposit = Deposit.objects.get(legs=leg)
    at_gateway = [(refund["amount"], refund["status"]) for refund in payments.refunds()]
    return (
        at_gateway == [(2000, "succeeded")]
        and balances(ada) == {"available": "30.00"}
        and (deposit.refunded, deposit.reserved) == (20, 0)
        and clearing() == "30.00"
        and Email.objects.filter(template="withdrawal_paid").count() == 1
    )


def test_sends_what_is_due_to_the_card_and_stores_the_banks_reference(payments: PaymentsSandbox, ready: Ready) -> None:
    ada, leg = ready
    assert send_due(SENT - MINUTE) == 0

    assert send_due(SENT) == 1

    leg = fresh(leg)
    (refund,) = payments.refunds()
    assert (leg.state, leg.reference) == ("paid", refund["id"])
    assert leg.bank_reference == refund["destination_details"]["card"]["reference"]
    assert refund["metadata"] == {"leg": str(leg.pk), "attempt": "1"}
    assert paid_once(payments, ada, leg)


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        ("drop_before", ["unknown", "paid"]),
        ("drop_after", ["unknown", "paid"]),
        ("error_500_before", ["unknown", "paid"]),
        ("error_500_after", ["unknown", "paid"]),
        ("http_429", ["planned", "paid"]),
    ],
)
def test_a_fault_on_the_way_pays_once(payments: PaymentsSandbox, ready: Ready, fault: str, states: list[str]) -> None:
    ada, leg = ready
    payments.fault(fault, path="/v1/refunds", method="POST", times=1)

    assert send_until_paid(leg) == states

    assert paid_once(payments, ada, leg)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_500_before", "error_500_after", "http_429"])
def test_the_same_fault_again_and_again_pays_once(payments: PaymentsSandbox, ready: Ready, fault: str) -> None:
    ada, leg = ready
    payments.fault(fault, path="/v1/refunds", method="POST", times=4)
    payments.fault("drop_before", path="/v1/refunds", method="GET", times=3)

    states = send_until_paid(leg)

    assert len(states) > 2
    assert paid_once(payments, ada, leg)


def test_a_500_that_the_gateway_keeps_under_the_key_is_overcome_by_a_new_key_after_a_day(
    payments: PaymentsSandbox, ready: Ready
) -> None:
    ada, leg = ready
    payments.fault("error_500_before", path="/v1/refunds", method="POST", times=1, stored=True)

    states = send_until_paid(leg)

    leg = fresh(leg)
    assert states[:2] == ["unknown", "unknown"]
    assert states[-2:] == ["planned", "paid"]
    assert leg.attempt == 2
    assert leg.paid_at
    assert leg.paid_at - SENT >= timedelta(hours=23)
    assert paid_once(payments, ada, leg)


def test_an_answer_that_comes_too_late_pays_once(payments: PaymentsSandbox, ready: Ready, settings: Settings) -> None:
    ada, leg = ready
    settings.GATEWAY_TIMEOUT = timedelta(seconds=0.5)
    payments.fault("stall", path="/v1/refunds", method="POST", times=1, seconds=1.5)

    assert send_until_paid(leg) == ["unknown", "paid"]

    assert paid_once(payments, ada, leg)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_retry_after_the_gateway_has_forgotten_the_key_pays_once(
    payments: PaymentsSandbox, ready: Ready, fault: str
) -> None:
    ada, leg = ready
    payments.fault(fault, path="/v1/refunds", method="POST", times=1)
    send_due(SENT)
    assert fresh(leg).state == "unknown"

    payments.advance(25 * 3600)
    send_due(SENT + timedelta(hours=25))

    if fault == "drop_before":
        assert (fresh(leg).state, fresh(leg).attempt) == ("planned", 2)
        send_due(SENT + timedelta(hours=25))
    assert paid_once(payments, ada, leg)


def test_a_worker_that_dies_before_its_call_leaves_it_to_the_next(payments: PaymentsSandbox, ready: Ready) -> None:
    ada, leg = ready
    claims.claim_due(limit=10, at=SENT)

    assert send_due(SENT + 2 * MINUTE) == 0
    assert send_due(SENT + 3 * MINUTE) == 1

    assert paid_once(payments, ada, leg)


def test_a_worker_that_dies_after_its_call_does_not_pay_twice(payments: PaymentsSandbox, ready: Ready) -> None:
    ada, leg = ready
    calls.carry_out(claims.claim_due(limit=10, at=SENT))
    payments.advance(25 * 3600)

    assert send_due(SENT + timedelta(hours=25)) == 1

    assert paid_once(payments, ada, leg)


def test_a_first_worker_that_wakes_up_after_the_second_pays_nothing_more(
    payments: PaymentsSandbox, ready: Ready
) -> None:
    ada, leg = ready
    first = claims.claim_due(limit=10, at=SENT)
    send_due(SENT + 3 * MINUTE)

    outcomes.record(calls.carry_out(first), at=SENT + 4 * MINUTE)

    assert paid_once(payments, ada, leg)


def test_a_balance_too_short_at_the_gateway_is_waited_for(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50", card="bank_debit")
    payments.advance(7200)
    deposit = deposits.refresh(Deposit.objects.get().pk, at=AT)
    leg = only_leg(withdraw(ada, "20"))
    payments.set_balance(0)

    send_due(SENT)
    assert (fresh(leg).state, fresh(leg).attempt, balances(ada)["held"]) == ("planned", 2, "20.00")
    payments.set_balance(100_000)
    send_due(SENT + HOUR)
    payments.advance(7200)
    send_due(SENT + 2 * HOUR)

    assert deposit.pk == leg.deposit_id
    assert (fresh(leg).state, [refund["amount"] for refund in payments.refunds()]) == ("paid", [2000])


def test_a_disputed_payment_puts_the_money_back(payments: PaymentsSandbox, ready: Ready) -> None:
    ada, leg = ready
    assert leg.deposit
    payments.open_dispute(leg.deposit.payment_reference or "")

    send_due(SENT)

    leg = fresh(leg)
    assert (leg.state, leg.failure) == ("failed", "The payment is under dispute at the bank.")
    assert balances(ada) == {"available": "50.00"}


def test_a_closed_card_is_found_out_by_asking_when_no_webhook_comes(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50", card="closed_card")
    leg = only_leg(withdraw(ada, "20"))
    send_due(SENT)
    assert (fresh(leg).state, balances(ada)) == ("paid", {"available": "30.00"})
    payments.advance(7200)

    send_due(SENT + DAY)

    deposit.refresh_from_db()
    assert (fresh(leg).state, fresh(leg).is_late_failure, deposit.method_gone) == ("failed", True, True)
    assert balances(ada) == {"available": "50.00"}
    assert (deposit.refunded, clearing()) == (0, "50.00")


def test_equal_legs_are_two_refunds(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    withdraw(ada, "20")
    withdraw(ada, "20")

    assert send_due(SENT) == 2

    assert [refund["amount"] for refund in payments.refunds()] == [2000, 2000]
    assert balances(ada) == {"available": "10.00"}


def test_many_legs_go_side_by_side_and_all_arrive(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    for number in range(20):
        pay_in(ada, payments, "5", at=AT - (20 - number) * MINUTE)
    withdrawal = withdraw(ada, "100")
    payments.fault("drop_after", path="/v1/refunds", method="POST", times=3)
    payments.fault("error_500_before", path="/v1/refunds", method="POST", times=3)
    payments.fault("http_429", path="/v1/refunds", method="POST", times=3)

    assert send_due(SENT) == 20
    while withdrawal.state != WithdrawalState.PAID:
        assert withdrawal.due_at
        send_due(max(withdrawal.due_at, SENT))
        withdrawal.refresh_from_db()

    assert sorted(refund["amount"] for refund in payments.refunds()) == [500] * 20
    assert len({refund["payment_intent"] for refund in payments.refunds()}) == 20
    assert balances(ada) == {}


def test_what_does_not_fit_into_the_time_is_left_for_the_next(
    payments: PaymentsSandbox, ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, leg = ready
    monkeypatch.setattr(calls, "LONGEST", -1.0)
    send_due(SENT)
    assert (fresh(leg).state, payments.refunds()) == ("planned", [])
    monkeypatch.undo()

    send_due(SENT + HOUR)

    assert paid_once(payments, ada, leg)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_share_what_is_due(payments: PaymentsSandbox) -> None:
    people = [make_customer(name) for name in ("ada", "ben", "cleo", "dora", "emil", "fay")]
    for person in people:
        pay_in(person, payments, "50")
        withdraw(person, "20")

    made = race([partial(send_due, SENT)] * 3)

    assert sum(made) == 6
    assert [refund["amount"] for refund in payments.refunds()] == [2000] * 6
    assert [balances(person) for person in people] == [{"available": "30.00"}] * 6


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_holds_is_passed_over_and_not_waited_for(payments: PaymentsSandbox) -> None:
    ada, ben = make_customer(), make_customer("ben")
    for person in (ada, ben):
        pay_in(person, payments, "50")
    held, free = withdraw(ada, "20"), withdraw(ben, "20")

    with transaction.atomic():
        Withdrawal.objects.locked().get(pk=held.pk)
        (claimed,) = race([partial(claims.claim_due, limit=10, at=SENT)])

    assert [claim.withdrawal_id for claim in claimed] == [free.pk]


@pytest.mark.django_db(transaction=True)
def test_the_sweep_carries_out_everything_that_is_due_by_the_clock(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50", at=timezone.now() - DAY)
    withdrawal = withdraw(ada, "20", at=timezone.now() - DAY)

    with travel(withdrawal.send_at - timedelta(seconds=1), tick=False):
        assert work.send_due() == 0
    assert work.send_due() == 1

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.PAID


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_gateway_is_called(payments: PaymentsSandbox, settings: Settings) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    withdraw(ada, "20")
    settings.GATEWAY_TIMEOUT = timedelta(seconds=10)
    payments.fault("stall", path="/v1/refunds", method="POST", times=1, seconds=2.0)
    seen: list[tuple[str, int]] = []

    def look(pid: list[int]) -> None:
        while not payments.refunds():
            threading.Event().wait(0.01)
        with connection.cursor() as cursor:
            cursor.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", pid)
            (state,) = cursor.fetchone()
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.pid = %s AND c.relname LIKE 'billing%%'",
                pid,
            )
            (locks,) = cursor.fetchone()
        seen.append((state, locks))

    pid: list[int] = []
    watcher = threading.Thread(target=_closing(partial(look, pid)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid.append(cursor.fetchone()[0])
    watcher.start()
    send_due(SENT)
    watcher.join()

    assert seen == [("idle", 0)]
    assert balances(ada) == {"available": "30.00"}


def _closing(function: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            function()
        finally:
            connection.close()

    return run


def test_a_look_that_is_refused_says_nothing_about_the_refund(payments: PaymentsSandbox, settings: Settings) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    wanted = withdraw(ada, "50")
    payments.fault("drop_after", path="/v1/refunds", method="POST", times=1)
    send_due()

    with scripted.serving() as elsewhere:
        elsewhere.say_error(400, type="invalid_request_error", code="parameter_invalid", message="Not so.")
        settings.STRIPE_API_BASE = elsewhere.url
        send_due(AT + 2 * HOUR)
    assert (only_leg(wanted).state, balances(ada)) == (LegState.UNKNOWN, {"held": "50.00"})

    settings.STRIPE_API_BASE = payments.url
    send_due(AT + 4 * HOUR)
    assert (only_leg(wanted).state, len(payments.refunds())) == (LegState.PAID, 1)
