"""A deadlock hunt: eight threads do anything at all about money in and out to three customers, for some seconds.

What it would show is one use case that takes its locks in another order than the others. PostgreSQL counts deadlocks,
also those that the panel words as "busy".
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from billing import adjustments, arrangements, deposit_checks, deposits, gateway_refunds, payouts, withdrawals
from billing.gateways.base import GatewayError
from billing.models import (
    Arrangement,
    Deposit,
    DepositState,
    LegState,
    Payout,
    PayoutKind,
    Withdrawal,
    WithdrawalLeg,
    WithdrawalState,
)
from billing.sending import checking
from orders import canceling, lifecycle, placing
from orders.lifecycle import Move
from orders.lines import Line
from orders.models import Initiator, Order, OrderStatus, Service
from panel import webhooks
from panel.accounts import suspension
from panel.accounts.models import User
from panel.kernel.errors import Busy, Conflict, Forbidden, NotFound, Refused
from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.errors import StripeError
from refunds import balance_refunds
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_service, make_staff, open_deposit, pay_in, receive_by_hand, send_due

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
SECONDS = 5.0
LONGEST = 40.0  # on a slow machine: until each use case has succeeded at least once
LINK = "https://example.com/launch"
# What a use case may answer, and what the gateway may. Anything else is a fault, also an error of the database.
ANSWERS = (Refused, Conflict, Forbidden, NotFound, GatewayError, StripeError)


@dataclass(slots=True)
class World:
    """Three customers, two members of staff, and a clock that goes on with every deed."""

    payments: PaymentsSandbox
    customers: list[User]
    staff: list[User]
    service: Service
    done: "Counter[str]" = field(default_factory=Counter)
    ticks: "itertools.count[int]" = field(default_factory=itertools.count)
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return AT + timedelta(minutes=10) * next(self.ticks)

    def is_over(self) -> bool:
        """Whether the time is over and nothing is left that never succeeded."""
        lasted = time.monotonic() - self.began
        return lasted > LONGEST or (lasted > SECONDS and all(self.done[deed.__name__] for deed in DEEDS))


def test_no_mix_of_use_cases_ever_deadlocks(payments: PaymentsSandbox) -> None:
    world = World(
        payments,
        [make_customer(name, funds="30") for name in ("ada", "ben", "cleo")],
        [make_staff("grace"), make_staff("alan")],
        make_service(rate="5"),
    )
    for customer in world.customers:
        pay_in(customer, payments, "90")
        receive_by_hand(customer, "60", staff=world.staff[0])
    before = deadlocks()

    results = race([partial(act, world, random.Random(seed)) for seed in range(THREADS)])  # noqa: S311 - no secret

    assert of(Exception, results) == []
    assert deadlocks() - before == 0
    assert world.done["busy"] == 0
    assert [deed.__name__ for deed in DEEDS if not world.done[deed.__name__]] == []


def act(world: World, dice: random.Random) -> None:
    """Do one thing after the other until it is over, and count what succeeded."""
    while not world.is_over():
        deed = dice.choice(DEEDS)
        try:
            if deed(world, dice) is not False:
                world.done[deed.__name__] += 1
        except Busy:
            world.done["busy"] += 1
        except ANSWERS:
            continue


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def any_of(rows: Any, dice: random.Random) -> Any:
    """Return one of these rows, or raise NotFound when there is none."""
    found = list(rows.order_by("-pk")[:8])
    if not found:
        raise NotFound("There is none yet.")
    return dice.choice(found)


def add(world: World, dice: random.Random) -> None:
    customer, at = dice.choice(world.customers), world.now()
    deposit = open_deposit(customer, "20", at=at)
    world.payments.pay(str(deposit.reference), card=dice.choice(["visa", "closed_card", "pending_refunds"]))
    deposits.refresh(deposit.pk, at=at)


def receive(world: World, dice: random.Random) -> None:
    receive_by_hand(dice.choice(world.customers), "10", staff=world.staff[0], at=world.now())


def check_deposits(world: World, dice: random.Random) -> None:
    del dice
    deposit_checks.check_due(clock=world.now, limit=3)


def ask(world: World, dice: random.Random) -> None:
    customer = User.objects.get(pk=dice.choice(world.customers).pk)
    amount, at = Decimal(dice.choice(["5", "8", "30", "70"])), world.now()
    quote = balance_refunds.quote(customer=customer, amount=amount, at=at)
    balance_refunds.request(customer=customer, amount=amount, key=uuid4(), confirmed=quote.plan.digest, at=at)


def ask_for_much(world: World, dice: random.Random) -> None:
    """What is above the policy's figure is looked at first; the adjustment makes room for it."""
    customer, at = User.objects.get(pk=dice.choice(world.customers).pk), world.now()
    key = f"much {next(world.ticks)}"
    adjustments.credit(customer=customer, amount=Decimal(201), reason="Gift", author=world.staff[0], key=key, at=at)
    quote = balance_refunds.quote(customer=customer, amount=Decimal(201), at=at)
    balance_refunds.request(customer=customer, amount=Decimal(201), key=uuid4(), confirmed=quote.plan.digest, at=at)


def cancel(world: World, dice: random.Random) -> None:
    found = any_of(Withdrawal.objects.filter(legs__state=LegState.PLANNED), dice)
    withdrawals.cancel(withdrawal_id=found.pk, customer=found.customer, at=world.now())


def approve(world: World, dice: random.Random) -> None:
    found = any_of(Withdrawal.objects.filter(state=WithdrawalState.IN_REVIEW), dice)
    withdrawals.approve(withdrawal_id=found.pk, staff=dice.choice(world.staff), at=world.now())


def decline(world: World, dice: random.Random) -> None:
    found = any_of(Withdrawal.objects.filter(state=WithdrawalState.IN_REVIEW), dice)
    withdrawals.decline(withdrawal_id=found.pk, staff=dice.choice(world.staff), reason="Not proven", at=world.now())


def send(world: World, dice: random.Random) -> bool:
    del dice
    return send_due(world.now()) > 0


def look(world: World, dice: random.Random) -> None:
    checking.check_now(withdrawal_id=any_of(Withdrawal.objects.all(), dice).pk, at=world.now())


def propose(world: World, dice: random.Random) -> None:
    arrangements.propose(
        arrangement_id=any_of(Arrangement.objects.filter(leg__state=LegState.ARRANGING), dice).pk,
        kind=PayoutKind.BANK,
        destination="DE02 1203 0000 0000 2020 51",
        verification="Called back",
        staff=dice.choice(world.staff),
        at=world.now(),
    )


def consent(world: World, dice: random.Random) -> None:
    found = any_of(Arrangement.objects.filter(leg__state=LegState.ARRANGING, proposed_at__isnull=False), dice)
    customer = found.leg.withdrawal.customer
    arrangements.consent(arrangement_id=found.pk, customer=customer, way=found.way, at=world.now())


def give_up(world: World, dice: random.Random) -> None:
    found = any_of(Arrangement.objects.filter(leg__state=LegState.ARRANGING), dice)
    arrangements.give_up(arrangement_id=found.pk, actor=dice.choice(world.staff), at=world.now())


def pay_out(world: World, dice: random.Random) -> None:
    found = any_of(Payout.objects.filter(state="waiting"), dice)
    payouts.confirm(payout_id=found.pk, bank_reference=f"BANK-{found.pk}", staff=world.staff[1], at=world.now())


def fail_payout(world: World, dice: random.Random) -> None:
    found = any_of(Payout.objects.exclude(state="failed"), dice)
    payouts.fail(payout_id=found.pk, reason="Account closed", staff=world.staff[1], at=world.now())


def refund_by_hand(world: World, dice: random.Random) -> None:
    found = any_of(Deposit.objects.filter(gateway="stripe", state=DepositState.PAID), dice)
    world.payments.refund_by_hand(found.payment_reference, dice.choice([300, 700]))
    gateway_refunds.refresh_payment(found.payment_reference, gateway="stripe", at=world.now())


def fail_late(world: World, dice: random.Random) -> None:
    found = any_of(WithdrawalLeg.objects.filter(gateway="stripe", state__in=["sent", "paid"]), dice)
    world.payments.move_refund(found.reference, "failed", failure_reason="expired_or_canceled_card")
    gateway_refunds.refresh(found.reference, gateway="stripe", at=world.now())


def deliver(world: World, dice: random.Random) -> None:
    """Let one webhook arrive, and handle all that wait, by the real clock."""
    queued = world.payments.queued()
    if queued:
        world.payments.deliver(dice.choice(queued).id)
    webhooks.handle_due()


def order(world: World, dice: random.Random) -> None:
    customer = User.objects.get(pk=dice.choice(world.customers).pk)
    placing.place(customer=customer, lines=[Line(world.service.pk, LINK, 1000)] * 2, at=world.now())


def cancel_order(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.filter(status=OrderStatus.PENDING), dice)
    canceling.cancel(customer=found.customer, order_id=found.pk, at=world.now())


def end_orders(world: World, dice: random.Random) -> None:
    found = Order.objects.filter(status=OrderStatus.PENDING).order_by("?")[:6]
    moves = [Move(number, OrderStatus.PARTIAL, remains=dice.choice([0, 400])) for number in {each.pk for each in found}]
    with transaction.atomic():
        lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=world.now())


def adjust(world: World, dice: random.Random) -> None:
    customer, key = dice.choice(world.customers), f"adjust {next(world.ticks)}"
    book = dice.choice([adjustments.credit, adjustments.debit])
    book(customer=customer, amount=Decimal(3), reason="Mix", author=world.staff[0], key=key, at=world.now())


def suspend(world: World, dice: random.Random) -> None:
    """For a moment: what waited is put before staff if a sweep comes by meanwhile."""
    customer = User.objects.get(pk=dice.choice(world.customers).pk)
    suspension.suspend(user=customer, reason="The bank asks.", at=world.now())
    time.sleep(dice.choice([0, 0.05]))
    suspension.lift(user=customer)


Deed = Callable[[World, random.Random], object]
DEEDS: list[Deed] = [
    *[add, receive, check_deposits, ask, ask, ask_for_much, cancel, approve, decline, send, send, look, propose],
    *[consent, give_up, pay_out, fail_payout, refund_by_hand, fail_late, deliver, order, cancel_order, end_orders],
    *[adjust, suspend],
]
