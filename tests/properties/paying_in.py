"""Steps of the stateful test by which money comes in, is spent, and is learned of."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid4

import time_machine
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.strategies import SearchStrategy

from billing import adjustments, deposit_checks, deposits
from billing.models import CustomerAccount, Deposit, DepositState
from orders import canceling, placing
from orders.lines import Line
from orders.models import Cause, Order, OrderStatus, Service
from panel import webhooks
from panel.accounts import suspension
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import (
    AT,
    make_customer,
    make_package,
    make_service,
    make_staff,
    move,
    open_deposit,
    receive_by_hand,
)
from tests.properties.money_model import UNIT, Model, Spent, balances, dollars

RowT = TypeVar("RowT")

Step = tuple[str, dict[str, Any]]
MethodT = TypeVar("MethodT", bound=Callable[..., None])

CARDS = ("visa", "closed_card", "pending_refunds", "bank_debit", "visa_declined", "bank_debit_fails")
FAULTS = ("drop_before", "drop_after", "error_500_before", "error_500_after", "http_429")
EXPIRES, BY_HAND, WELL = "lets it expire", "by hand", "well again"
WHICH = st.integers(0, 11)
CENTS = st.one_of(st.integers(500, 9_000), st.integers(500, 30_000))


def step(*, weight: int = 1, **given: SearchStrategy[Any]) -> Callable[[MethodT], MethodT]:
    """Mark a method as a step, to be called with values drawn from these strategies; `weight` times as often."""

    def mark(method: MethodT) -> MethodT:
        method.__dict__["step"] = weight, given
        return method

    return mark


def steps_of(machine: type[RuleBasedStateMachine]) -> SearchStrategy[Step]:
    """Return any step of a machine.

    One rule draws from all of them: with a rule each, hypothesis would leave out most of them in most of its examples,
    and 40 steps would seldom get a payment all the way in and out again.
    """
    drawn = []
    for name in sorted(dir(machine)):
        weight, given = getattr(getattr(machine, name), "__dict__", {}).get("step", (0, {}))
        drawn += [st.tuples(st.just(name), st.fixed_dictionaries(given)) for _ in range(weight)]
    return st.one_of(drawn)


class PayingIn(RuleBasedStateMachine):
    """Deposits, orders, credits, webhooks, the poller. One clock for both sides, which stands still between steps."""

    def __init__(self, sandbox: PaymentsSandbox, clock: time_machine.Traveller) -> None:
        super().__init__()
        self.sandbox, self.clock = sandbox, clock
        self.clock.move_to(AT)
        self.sandbox.reset()
        self.sandbox.set_webhooks("manual")
        self.before = transaction.savepoint()
        self.grace = make_staff()
        self.ada = make_customer()
        self.model = Model(self.ada)
        connection.execute_wrappers.append(self.model.note_writing)
        self.services: list[Service] = [make_service(rate="33.333333", min_quantity=1), make_package(rate="7.000001")]
        self.forms: list[tuple[UUID, Decimal]] = []
        self.credits = 0

    @property
    def at(self) -> datetime:
        return timezone.now()

    def pick(self, rows: Sequence[RowT], which: int) -> RowT | None:
        return rows[which % len(rows)] if rows else None

    # --- deposits

    @step(cents=CENTS, again=st.none() | WHICH)
    def open_deposit(self, cents: int, again: int | None) -> None:
        """Open a deposit, or send the form of an earlier one again."""
        form = self.pick(self.forms, again) if again is not None else None
        key, amount = form or (uuid4(), dollars(cents))
        before = Deposit.objects.filter(key=key).first()
        try:
            deposit = open_deposit(self.ada, str(amount), key=key, at=self.at)
        except deposits.NotNow:
            assert Deposit.objects.get(key=key).state == DepositState.OPENING
        except suspension.AccountSuspended:
            assert self.ada.is_suspended
            return
        else:
            assert deposit.state != DepositState.OPENING
            assert before is None or before.pk == deposit.pk
        if form is None:
            self.forms.append((key, amount))

    @step(which=WHICH, card=st.sampled_from([*CARDS, EXPIRES]), percent=st.sampled_from([100, 60]))
    def pay(self, which: int, card: str, percent: int) -> None:
        """The customer pays at the gateway: in full or less, now or later, or not at all."""
        session = self.pick(self.sessions(), which)
        if session is not None and card == EXPIRES:
            self.sandbox.expire(session["id"])
        elif session is not None:
            received = session["amount_total"] * percent // 100 if card in {"visa", "closed_card"} else None
            self.sandbox.pay(session["id"], card=card, amount_received=received)

    def sessions(self) -> list[dict[str, Any]]:
        with self.sandbox.changing() as account:
            found, _ = account.store.page("checkout.session", [], limit=1_000, after=None, before=None)
        return [session for session in found[::-1] if session["status"] == "open"]

    @step(weight=2, cents=CENTS, card=st.sampled_from([*CARDS[:4], BY_HAND]), percent=st.sampled_from([100, 60]))
    def pay_in(self, cents: int, card: str, percent: int) -> None:
        """All of it at once, as on a good day."""
        if card == BY_HAND:
            receive_by_hand(self.ada, str(dollars(cents)), staff=self.grace, at=self.at)
            self.model.received_by_hand += dollars(cents)
            return
        self.open_deposit(cents, None)
        self.pay(-1, card, percent)
        self.ask_about_deposits()

    @step(only_due=st.booleans())
    def ask_about_deposits(self, *, only_due: bool = False) -> None:
        """The return page asks about any deposit, the poller about those that are due."""
        if only_due:
            deposit_checks.check_due(clock=timezone.now)
            return
        for deposit in Deposit.objects.filter(customer=self.ada).order_by("pk"):
            deposits.refresh(deposit.pk, at=self.at)

    # --- webhooks

    @step(which=WHICH, how=st.sampled_from(["deliver", "twice", "again", "lose"]), handle=st.booleans())
    def webhook(self, which: int, how: str, *, handle: bool) -> None:
        """Any event that waits arrives, or never will; or one that arrived before does once more."""
        known = [one["id"] for one in self.sandbox.events() if one["type"] in webhooks.HANDLERS]
        waiting = {one.id for one in self.sandbox.queued()}
        event = self.pick(known if how == "again" else [one for one in known if one in waiting], which)
        if event is not None and how == "lose":
            self.sandbox.drop(event)
        elif event is not None:
            times = 2 if how == "twice" else 1
            assert self.sandbox.deliver(event, times=times) == [200] * times
        if handle:
            webhooks.handle_due()

    @step()
    def deliver_and_handle_all(self) -> None:
        for event in self.sandbox.queued():
            if event.type in webhooks.HANDLERS:
                self.sandbox.deliver(event.id)
        webhooks.handle_due()

    # --- orders and credits

    @step(package=st.booleans(), quantity=st.integers(1, 3_000))
    def place(self, *, package: bool, quantity: int) -> None:
        service = self.services[package]
        quantity = service.min_quantity if package else quantity
        charge = service.rate if package else (service.rate * quantity / 1000).quantize(UNIT, ROUND_HALF_UP)
        money = balances(self.ada)
        try:
            placed = placing.place(
                customer=self.ada, lines=[Line(service.pk, "https://example.com/launch", quantity)], at=self.at
            )
        except suspension.AccountSuspended:
            assert self.ada.is_suspended
            return
        except placing.NotEnoughFunds:
            assert charge > money["available"] + money["promo"]
            return
        self.model.orders[placed.order_ids[0]] = Spent(charge, quantity, min(charge, money["promo"]))

    @step(
        which=WHICH,
        to=st.sampled_from([OrderStatus.CANCELED, OrderStatus.PARTIAL, OrderStatus.COMPLETED]),
        share=st.floats(0, 1),
    )
    def end_order(self, which: int, to: OrderStatus, share: float) -> None:
        """The customer cancels, or the provider reports an end or corrects one."""
        order_id = self.pick(list(self.model.orders), which)
        if order_id is None:
            return
        if to == OrderStatus.CANCELED:
            self.cancel_order(order_id)
            return
        order, one = Order.objects.get(pk=order_id), self.model.orders[order_id]
        remains = 0 if to == OrderStatus.COMPLETED else int(one.quantity * share)
        cause = Cause.CORRECTION if order.is_final else Cause.PROVIDER_CANCELED
        move(order, to, remains=remains, cause=cause, at=self.at)
        one.end(to, remains)

    def cancel_order(self, order_id: int) -> None:
        pending = Order.objects.get(pk=order_id).status == OrderStatus.PENDING
        try:
            canceling.cancel(customer=self.ada, order_id=order_id, at=self.at)
        except canceling.CancelRefused:
            assert not pending
        else:
            assert pending
            self.model.orders[order_id].end(OrderStatus.CANCELED, self.model.orders[order_id].quantity)

    @step(weight=2, cents=st.integers(100, 3_000), what=st.sampled_from(["balance", "promo", "stop"]))
    def staff_act(self, cents: int, what: str) -> None:
        """Staff give something, or stop the account, or let it go on."""
        if self.ada.is_suspended:
            suspension.lift(user=self.ada)
            return
        if what == "stop":
            suspension.suspend(user=self.ada, reason="A look at the account.", at=self.at)
            return
        promotional = what == "promo"
        self.credits += 1
        adjustments.credit(
            customer=self.ada,
            amount=dollars(cents),
            reason="Sorry",
            author=self.grace,
            key=f"{self.ada.pk}:{self.credits}",
            account=CustomerAccount.PROMO if promotional else CustomerAccount.AVAILABLE,
            at=self.at,
        )
        if promotional:
            self.model.promo += dollars(cents)
        else:
            self.model.credited += dollars(cents)

    # --- time, faults, standing

    @step(
        kind=st.sampled_from([*FAULTS, WELL]),
        method=st.sampled_from(["POST", "POST", "GET", None]),
        times=st.integers(1, 2),
        stored=st.booleans(),
    )
    def gateway_will_fail(self, kind: str, method: str | None, times: int, *, stored: bool) -> None:
        """The next call or two go wrong; or no call does any more."""
        if kind == WELL:
            self.sandbox.clear_faults()
            return
        stored = stored and kind.startswith("error")
        self.sandbox.fault(kind, path="/v1/", method=method, times=times, stored=stored)

    @step(
        passed=st.sampled_from([
            timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=25),
            timedelta(days=5), timedelta(days=31),
        ])
    )  # fmt: skip
    def wait(self, passed: timedelta) -> None:
        self.clock.shift(passed)

    def teardown(self) -> None:
        connection.execute_wrappers.remove(self.model.note_writing)
        transaction.savepoint_rollback(self.before)
