"""A deadlock hunt: eight threads do anything at all about requests and the orders that they are about, for seconds.

What it would show is one use case that takes its locks in another order than the others. PostgreSQL counts deadlocks,
also those that the panel words as "busy". The books are audited afterwards, as after every test.
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

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from orders import canceling, handling, lifecycle, placing
from orders.lifecycle import Move
from orders.lines import Line
from orders.models import Cause, Initiator, Order, OrderStatus, Service
from panel.accounts import standing
from panel.accounts.models import Standing, User
from panel.kernel.errors import Busy, Conflict, Forbidden, NotFound, Refused
from refunds.desk import causes, deciding, opening, referring, talking
from refunds.desk.plans import Choice
from refunds.models import RefundRequest, RequestState
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_provider, make_service, make_staff
from tests.factories.desk import ask_for_refund, publish_paying_for_errors

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
SECONDS = 6.0
LONGEST = 40.0  # on a slow machine: until each use case has succeeded at least once
LINK = "https://example.com/launch"
ANSWERS = (Refused, Conflict, Forbidden, NotFound)


@dataclass(slots=True)
class World:
    """Three customers, three members of staff, and a clock that goes on with every deed."""

    customers: list[User]
    staff: list[User]
    service: Service
    done: "Counter[str]" = field(default_factory=Counter)
    ticks: "itertools.count[int]" = field(default_factory=itertools.count)
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return AT + timedelta(minutes=1) * next(self.ticks)

    def is_over(self) -> bool:
        """Whether the time is over and nothing is left that never succeeded."""
        lasted = time.monotonic() - self.began
        return lasted > LONGEST or (lasted > SECONDS and all(self.done[deed.__name__] for deed in DEEDS))


def test_no_mix_of_the_desk_and_the_orders_ever_deadlocks_or_loses_money() -> None:
    publish_paying_for_errors()
    world = World(
        [make_customer(name, funds="300", promo="20") for name in ("ada", "ben", "cleo")],
        [make_staff(name) for name in ("grace", "hiro", "ida")],
        make_service(rate="5", provider=make_provider(), allows_cancel=True),
    )
    before = deadlocks()

    results = race([partial(act, world, random.Random(seed)) for seed in range(THREADS)])  # noqa: S311 - no secret

    assert of(Exception, results) == []
    assert deadlocks() - before == 0
    assert world.done["busy"] == 0
    assert [deed.__name__ for deed in DEEDS if not world.done[deed.__name__]] == []
    assert not Order.objects.filter(refunded__gt=F("charge")).exists()
    credited = RefundRequest.objects.aggregate(total=Sum("amount"))["total"]
    assert Decimal(0) < credited <= Order.objects.aggregate(total=Sum("refunded"))["total"]


def act(world: World, dice: random.Random) -> None:
    """Do one thing after the other until it is over, and count what succeeded."""
    while not world.is_over():
        deed = dice.choice(DEEDS)
        try:
            deed(world, dice)
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
    found = list(rows.order_by("-pk")[:6])
    if not found:
        raise NotFound("There is none yet.")
    return dice.choice(found)


def any_request(dice: random.Random, **wanted: Any) -> RefundRequest:
    found: RefundRequest = any_of(RefundRequest.objects.filter(state=RequestState.OPEN, **wanted), dice)
    return found


# --- what becomes of orders


def order(world: World, dice: random.Random) -> None:
    customer = User.objects.get(pk=dice.choice(world.customers).pk)
    placing.place(customer=customer, lines=[Line(world.service.pk, LINK, 1000)] * 2, at=world.now())


def start(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.filter(status=OrderStatus.PENDING), dice)
    handling.start(order_id=found.pk, staff=world.staff[0], at=world.now())


def cancel_order(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.filter(status=OrderStatus.PENDING), dice)
    canceling.cancel(customer=found.customer, order_id=found.pk, at=world.now())


def report(world: World, dice: random.Random) -> None:
    """Many orders at once, of all customers: ends and corrections, some of which a person has to look at."""
    found = {one.pk for one in Order.objects.order_by("-pk")[:40] if dice.random() < 0.3}
    to = dice.choice([OrderStatus.PARTIAL, OrderStatus.CANCELED])
    cause = dice.choice([Cause.PROVIDER_CANCELED, Cause.INVALID_TARGET, Cause.CORRECTION])
    moves = [Move(number, to, cause=cause, remains=dice.choice([100, 400, 700])) for number in found]
    with transaction.atomic():
        lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=world.now())


def end_by_hand(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.all(), dice)
    cause = dice.choice([Cause.CANNOT_COMPLETE, Cause.DROPPED])
    handling.set_partial(order_id=found.pk, remains=300, cause=cause, staff=world.staff[0], at=world.now())


# --- what customers do


def ask(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.all(), dice)
    cause, _ = dice.choice(causes.fitting(found))
    ask_for_refund(found, cause, at=world.now())


def withdraw(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    talking.withdraw(request_id=found.pk, customer=found.customer, at=world.now())


def write(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    talking.message(request_id=found.pk, customer=found.customer, text="Well?", at=world.now())


def hurry(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    talking.expedite(request_id=found.pk, customer=found.customer, reason="Today", at=world.now())


# --- what staff do


def open_for(world: World, dice: random.Random) -> None:
    found = any_of(Order.objects.all(), dice)
    cause, _ = dice.choice(causes.fitting(found))
    staff = dice.choice(world.staff)
    opening.open_by_staff(staff=staff, order_id=found.pk, cause=cause, description="By phone.", at=world.now())


def approve(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    choice = Choice(dice.choice([None, None, Decimal("1.5")]), dice.choice([200, 500]))
    staff = dice.choice(world.staff)
    deciding.approve(request_id=found.pk, staff=staff, choice=choice, note="Fine", seen=None, at=world.now())


def confirm(world: World, dice: random.Random) -> None:
    found = any_request(dice, recommended_at__isnull=False)
    deciding.confirm(request_id=found.pk, staff=dice.choice(world.staff), seen=None, at=world.now())


def send_back(world: World, dice: random.Random) -> None:
    found = any_request(dice, recommended_at__isnull=False)
    deciding.send_back(request_id=found.pk, staff=dice.choice(world.staff), note="Why?", at=world.now())


def decline(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    staff = dice.choice(world.staff)
    deciding.decline(request_id=found.pk, staff=staff, clause=found.clause, note="No", at=world.now())


def question(world: World, dice: random.Random) -> None:
    found = any_request(dice)
    talking.ask(request_id=found.pk, staff=dice.choice(world.staff), question="Which?", at=world.now())


def claim(world: World, dice: random.Random) -> None:
    talking.claim(request_id=any_request(dice).pk, staff=dice.choice(world.staff), at=world.now())


def refer(world: World, dice: random.Random) -> None:
    staff = dice.choice(world.staff)
    referring.refer(request_id=any_request(dice).pk, staff=staff, note="Please stop.", at=world.now())


def flag(world: World, dice: random.Random) -> None:
    """Flag a customer, or lift what was counted."""
    customer = User.objects.get(pk=dice.choice(world.customers).pk)
    to = Standing.ABUSE_FLAGGED if customer.standing == Standing.CLEAR else Standing.CLEAR
    standing.change(user=customer, to=to, reason="Looked at", staff=world.staff[0], at=world.now())


Deed = Callable[[World, random.Random], object]
DEEDS: list[Deed] = [
    *[order, order, start, start, cancel_order, report, end_by_hand],
    *[ask, ask, ask, withdraw, write, hurry],
    *[open_for, approve, approve, approve, confirm, confirm, send_back, decline, question, claim, refer, flag],
]
