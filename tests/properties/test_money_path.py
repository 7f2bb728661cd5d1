"""The whole money path under both policies, against real PostgreSQL and a model of a few lines.

Hypothesis drives placing, starting, progress, ends, corrections, cancels, refund requests and adjustments in any order.
After every step the customer's money is what the model says, each order was refunded what the model says, and the
books pass the whole audit.
"""

import itertools
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, initialize, invariant, multiple, rule, run_state_machine_as_test

from billing import adjustments, ledger
from billing.models import Account, CustomerAccount
from orders import canceling, handling, lifecycle, placing
from orders.lines import Line
from orders.models import Cause, Order, OrderStatus, Service
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from refunds import audit, publishing
from refunds.desk import following
from refunds.models import Decision, DecisionState, RefundRequest, RequestState
from tests.factories import AT, make_customer, make_package, make_service, make_staff, move
from tests.factories.desk import LONG_AGO
from tests.properties.desk_rules import DeskRules, orders
from tests.properties.order_model import CREDIT_ONLY, ENDS, GUARANTEE, LIMIT, NEXT_POLICY, UNIT, Expected
from tests.properties.own_history import ONE_EXAMPLE, OwnHistory
from tests.properties.refill_rules import RefillRules

_examples = itertools.count()

pytestmark = pytest.mark.django_db(transaction=True)  # a backtest reads on a connection of its own

FIRST_WISHES = [(0, 1000), (1, 4000), (0, 500)]
NEXT_POLICY_AT = AT + NEXT_POLICY


class MoneyPath(OwnHistory, RefillRules, DeskRules):
    def __init__(self) -> None:
        super().__init__()
        self.at = self.began = AT + ONE_EXAMPLE * next(_examples)
        self.ada: User = make_customer()
        self.grace, self.hiro = make_staff(), make_staff("hiro")
        self.services: list[Service] = [
            make_service(rate="3.333333", min_quantity=1, allows_refill=True),
            make_service(rate="0.9", min_quantity=1),
            make_package(rate="7.000001", units=7),
        ]
        self.available, self.promo, self.adjusted = Decimal(0), Decimal(0), 0
        self.adjust(cents=4000, promotional=False, taken=False)
        self.adjust(cents=500, promotional=True, taken=False)

    # --- money in and out by hand

    @rule(cents=st.integers(1, 3000), promotional=st.booleans(), taken=st.booleans())
    def adjust(self, cents: int, promotional: bool, taken: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        amount, self.adjusted = Decimal(cents) / 100, self.adjusted + 1
        account = CustomerAccount.PROMO if promotional else CustomerAccount.AVAILABLE
        before = self.promo if promotional else self.available
        try:
            (adjustments.debit if taken else adjustments.credit)(
                customer=self.ada,
                amount=amount,
                reason="Adjusted",
                author=self.grace,
                key=f"{self.ada.pk}:{self.adjusted}",
                account=account,
                at=AT,
            )
        except ledger.InsufficientFunds:
            assert taken
            assert amount > before
            return
        after = before - amount if taken else before + amount
        self.promo, self.available = (after, self.available) if promotional else (self.promo, after)

    # --- placing

    @initialize(target=orders)
    def place_some_of_each_policy(self) -> MultipleResults[int]:
        """Start with orders, most of them running and asked about: whole sequences go without the rules for that."""
        numbers = [number for later in (False, True) for number in self.placed(FIRST_WISHES, later=later)]
        for number in numbers:
            if number % len(FIRST_WISHES):
                self.start(number)
                self.progress(number, 0.5)
                self.ask(number, Cause.SYSTEM_ERROR)
        return multiple(*numbers)

    @rule(
        target=orders,
        wishes=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4000)), min_size=1, max_size=3),
        later=st.booleans(),
    )
    def place(self, wishes: list[tuple[int, int]], later: bool) -> MultipleResults[int]:  # noqa: FBT001 - drawn by hypothesis
        return multiple(*self.placed(wishes, later=later))

    def placed(self, wishes: list[tuple[int, int]], *, later: bool) -> list[int]:
        self.soon()
        at = self.at + (NEXT_POLICY if later else timedelta(0))
        lines = [Line(self.services[which].pk, "https://example.com/launch", units) for which, units in wishes]
        expected = [self.priced(which, units, CREDIT_ONLY if later else GUARANTEE) for which, units in wishes]
        total = sum((one.charge for one in expected), Decimal(0))
        try:
            placed = placing.place(customer=self.ada, lines=lines, at=at)
        except placing.NotEnoughFunds:
            assert total > self.available + self.promo
            return []
        assert total <= self.available + self.promo
        for order_id, one in zip(placed.order_ids, expected, strict=True):
            one.promo = min(self.promo, one.charge)
            self.promo -= one.promo
            self.available -= one.charge - one.promo
            self.expected[order_id] = one
        return list(placed.order_ids)

    def priced(self, which: int, units: int, policy: str) -> Expected:
        service = self.services[which]
        if service.type == "Package":
            return Expected(policy, service.rate, service.min_quantity, Decimal(0))
        charge = (service.rate * units / 1000).quantize(UNIT, ROUND_HALF_UP)
        return Expected(policy, charge, units, Decimal(0))

    # --- moves

    @rule(order_id=orders)
    def start(self, order_id: int) -> None:
        one = self.expected[order_id]
        self.soon()
        try:
            handling.start(order_id=order_id, staff=self.grace, at=self.at)
        except lifecycle.IllegalMove:
            assert one.status in ENDS
            return
        one.status = OrderStatus.IN_PROGRESS

    @rule(order_id=orders, share=st.floats(0, 1))
    def progress(self, order_id: int, share: float) -> None:
        one = self.expected[order_id]
        remains = int(one.quantity * share)
        changed = lifecycle.note_progress([lifecycle.Progress(order_id, remains, 5)])
        assert changed == (one.status == OrderStatus.IN_PROGRESS)
        if changed:
            one.remains = remains

    @rule(
        order_id=orders,
        to=st.sampled_from(ENDS),
        share=st.sampled_from([0.0, 0.25, 0.333, 0.5, 0.9, 1.0, 1.2]),
    )
    def report(self, order_id: int, to: OrderStatus, share: float) -> None:
        """The provider ends the order or corrects its end; impossible reports leave everything as it was."""
        self.end_by_provider(order_id, to, int(self.expected[order_id].quantity * share))

    @rule(order_id=orders)
    def report_the_same_again(self, order_id: int) -> None:
        one = self.expected[order_id]
        if one.status in ENDS and one.remains is not None:
            self.end_by_provider(order_id, one.status, one.remains)

    def end_by_provider(self, order_id: int, to: OrderStatus, remains: int) -> None:
        one = self.expected[order_id]
        self.soon()
        cause = Cause.CORRECTION if one.status in ENDS else Cause.PROVIDER_CANCELED
        outcome = move(Order.objects.get(pk=order_id), to, remains=remains, cause=cause, at=self.at)
        senseless = remains > one.quantity or (to == OrderStatus.COMPLETED and remains > 0)
        assert bool(outcome.rejected) == senseless
        if not senseless and (one.status, one.remains) != (to, remains):
            with self.refunding(one):
                one.end(to, remains, "provider", cause)

    @rule(
        order_id=orders,
        to=st.sampled_from([OrderStatus.PARTIAL, OrderStatus.CANCELED, *ENDS]),
        share=st.sampled_from([0.2, 0.667, 1.0, 0.0]),
        # The first is left to a person, as is what exceeds the limit: often enough that each answer comes about.
        cause=st.sampled_from([Cause.INVALID_TARGET, Cause.STAFF_CANCELED] * 2 + [Cause.SERVICE_UNAVAILABLE]),
    )
    def end_by_staff(self, order_id: int, to: OrderStatus, share: float, cause: Cause) -> None:
        one = self.expected[order_id]
        remains = int(one.quantity * share)
        self.soon()
        said: dict[str, Any] = {"order_id": order_id, "staff": self.grace, "at": self.at}
        if to == OrderStatus.COMPLETED:
            remains, cause = 0, Cause.DELIVERED
            end = partial(handling.complete, **said)
        elif to == OrderStatus.PARTIAL:
            end = partial(handling.set_partial, remains=remains, cause=cause, **said)
        else:
            end = partial(handling.cancel, remains=remains, cause=cause, **said)
        if (one.status, one.remains) == (to, remains):
            end()
        elif one.recommended is not None:
            with pytest.raises(following.RecommendationWaits):
                end()
        else:
            end()
            with self.refunding(one):
                one.end(to, remains, "staff", cause)

    @rule(order_id=orders)
    def cancel(self, order_id: int) -> None:
        one = self.expected[order_id]
        self.soon()
        try:
            canceling.cancel(customer=self.ada, order_id=order_id, at=self.at)
        except canceling.CancelRefused:
            assert one.status != OrderStatus.PENDING or one.policy == CREDIT_ONLY
            return
        assert (one.status, one.policy) == (OrderStatus.PENDING, GUARANTEE)
        with self.refunding(one):
            one.end(OrderStatus.CANCELED, one.quantity, "customer", Cause.CHANGE_OF_MIND)

    @rule(order_id=orders)
    def refuse_a_stranger(self, order_id: int) -> None:
        with pytest.raises(PanelError):
            canceling.cancel(customer=self.hiro, order_id=order_id, at=self.at)

    # --- what always holds

    @invariant()
    def money_is_where_the_model_says(self) -> None:
        balances = dict(Account.objects.filter(customer=self.ada).values_list("kind", "balance"))
        assert balances == {"available": self.available, "promo": self.promo}

    @invariant()
    def orders_are_as_the_model_says(self) -> None:
        for order in Order.objects.filter(customer=self.ada):
            one = self.expected[order.pk]
            assert (order.status, order.remains, order.charge) == (one.status, one.remains, one.charge)
            assert order.refunded == one.refunded <= order.charge
            asked = RefundRequest.objects.filter(order=order, state=RequestState.OPEN).first()
            assert (asked is not None) == (one.asked is not None)
            assert (asked is not None and asked.awaits_second) == (one.recommended is not None)
            waits = Decision.objects.filter(order=order, state=DecisionState.AWAITING_REVIEW).exists()
            assert waits == (one.proposed is not None)
            if order.is_final and not waits:
                assert order.refunded + order.recognized == order.charge

    @invariant()
    def the_books_are_right(self) -> None:
        assert audit.findings() == []


def uncounted(slug: str) -> str:
    """Return a shipped policy for the machine: it measures no abuse, and its limit is amid what the orders cost.

    The machine asks for refunds of every order of one customer.
    """
    text = (publishing.SHIPPED / f"{slug}.toml").read_text(encoding="utf-8")
    before, rest = text.split("[abuse]")
    limit = 'confirm_above = "100.00"'
    assert before.count(limit) == 1
    return before.replace(limit, f'confirm_above = "{LIMIT:.2f}"') + rest[rest.index("[chargebacks]") :]


def test_no_sequence_of_steps_makes_or_loses_money() -> None:
    for slug, effective_from in ((GUARANTEE, LONG_AGO), (CREDIT_ONLY, NEXT_POLICY_AT)):
        publishing.publish(text=uncounted(slug), source=slug, effective_from=effective_from, at=effective_from)

    run_state_machine_as_test(
        MoneyPath,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
