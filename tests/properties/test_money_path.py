"""The whole money path under both policies, against real PostgreSQL and a model of a few lines.

Hypothesis drives placing, starting, progress, ends, corrections, cancels, reviews and adjustments in any order. After
every step the customer's money is what the model says, each order was refunded what the model says, and the books
pass the whole audit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from billing import adjustments, ledger
from billing.models import Account, CustomerAccount
from orders import canceling, handling, lifecycle, placing
from orders.lines import Line
from orders.models import Cause, Order, OrderStatus, Service
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from refunds import audit, publishing, reviews
from refunds.models import Decision, DecisionState
from tests.factories import AT, make_customer, make_package, make_service, make_staff, move

pytestmark = pytest.mark.django_db

UNIT = Decimal("0.000001")
# Orders placed at AT carry the money-back guarantee, a year later the policy of panel credit only.
NEXT_POLICY_AT = AT + timedelta(days=365)
GUARANTEE, CREDIT_ONLY = "money-back-guarantee", "panel-credit-only"
ENDS = (OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED)


@dataclass
class Expected:
    """What the model knows of one order. `proposed` is what waits for a person."""

    policy: str
    charge: Decimal
    quantity: int
    promo: Decimal
    status: OrderStatus = OrderStatus.PENDING
    remains: int | None = None
    refunded: Decimal = Decimal(0)
    proposed: Decimal | None = None

    def undelivered(self, remains: int) -> Decimal:
        return (self.charge * remains / self.quantity).quantize(UNIT, ROUND_DOWN)

    @property
    def promo_back(self) -> Decimal:
        return (self.promo * self.refunded / self.charge).quantize(UNIT, ROUND_DOWN)

    def end(self, to: OrderStatus, remains: int, initiator: str, cause: Cause) -> None:
        owed, reviewed = self.owed(to, remains, initiator, cause)
        self.status, self.remains = to, remains
        self.proposed = owed if reviewed and owed > self.refunded else None
        if not reviewed:
            self.refunded = max(self.refunded, owed)

    def owed(self, to: OrderStatus, remains: int, initiator: str, cause: Cause) -> tuple[Decimal, bool]:
        """What the two policies owe in the cases that the machine makes, and whether a person looks first."""
        if self.policy == CREDIT_ONLY:
            return self.owed_by_credit_only(to, remains, cause), False
        some, none, whole = self.undelivered(remains), Decimal(0), self.charge
        if cause == Cause.INVALID_TARGET:
            return some, True
        if to == OrderStatus.COMPLETED:
            return none, False
        if to == OrderStatus.CANCELED and initiator == "provider" and remains == 0:
            return none, True
        if to == OrderStatus.CANCELED and initiator in {"staff", "customer"}:
            return whole, False
        return some, False

    def owed_by_credit_only(self, to: OrderStatus, remains: int, cause: Cause) -> Decimal:
        if to == OrderStatus.COMPLETED or cause == Cause.INVALID_TARGET:
            return Decimal(0)
        return self.charge if to == OrderStatus.CANCELED else self.undelivered(remains)


class MoneyPath(RuleBasedStateMachine):
    orders: Bundle[int] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.at = AT
        self.ada: User = make_customer()
        self.grace, self.hiro = make_staff(), make_staff("hiro")
        self.services: list[Service] = [
            make_service(rate="3.333333", min_quantity=1),
            make_service(rate="0.9", min_quantity=1),
            make_package(rate="7.000001", units=7),
        ]
        self.expected: dict[int, Expected] = {}
        self.available, self.promo, self.adjusted = Decimal(0), Decimal(0), 0
        self.adjust(cents=4000, promotional=False, taken=False)
        self.adjust(cents=500, promotional=True, taken=False)

    def soon(self) -> None:
        self.at += timedelta(seconds=1)

    @contextmanager
    def refunding(self, one: Expected) -> Iterator[None]:
        """Bring to the model's balances what the step inside gives back for this order."""
        refunded, promo = one.refunded, one.promo_back
        yield
        back_to_promo = one.promo_back - promo
        self.promo += back_to_promo
        self.available += one.refunded - refunded - back_to_promo

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

    @rule(
        target=orders,
        wishes=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4000)), min_size=1, max_size=3),
        later=st.booleans(),
    )
    def place(self, wishes: list[tuple[int, int]], later: bool) -> MultipleResults[int]:  # noqa: FBT001 - drawn by hypothesis
        self.soon()
        at = self.at + (NEXT_POLICY_AT - AT if later else timedelta(0))
        lines = [Line(self.services[which].pk, "https://example.com/launch", units) for which, units in wishes]
        expected = [self.priced(which, units, CREDIT_ONLY if later else GUARANTEE) for which, units in wishes]
        total = sum((one.charge for one in expected), Decimal(0))
        try:
            placed = placing.place(customer=self.ada, lines=lines, at=at)
        except placing.NotEnoughFunds:
            assert total > self.available + self.promo
            return multiple()
        assert total <= self.available + self.promo
        for order_id, one in zip(placed.order_ids, expected, strict=True):
            one.promo = min(self.promo, one.charge)
            self.promo -= one.promo
            self.available -= one.charge - one.promo
            self.expected[order_id] = one
        return multiple(*placed.order_ids)

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
        to=st.sampled_from(ENDS),
        share=st.sampled_from([0.0, 0.2, 0.667, 1.0]),
        cause=st.sampled_from([Cause.SERVICE_UNAVAILABLE, Cause.STAFF_CANCELED, Cause.INVALID_TARGET]),
    )
    def end_by_staff(self, order_id: int, to: OrderStatus, share: float, cause: Cause) -> None:
        one = self.expected[order_id]
        remains = int(one.quantity * share)
        self.soon()
        if to == OrderStatus.COMPLETED:
            remains, cause = 0, Cause.DELIVERED
            handling.complete(order_id=order_id, staff=self.grace, at=self.at)
        elif to == OrderStatus.PARTIAL:
            handling.set_partial(order_id=order_id, remains=remains, cause=cause, staff=self.grace, at=self.at)
        else:
            handling.cancel(order_id=order_id, cause=cause, staff=self.grace, at=self.at, remains=remains)
        if (one.status, one.remains) != (to, remains):
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

    # --- reviews

    @rule(order_id=orders, approve=st.booleans())
    def review(self, order_id: int, approve: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        one = self.expected[order_id]
        decision = Decision.objects.filter(order=order_id).first()
        if decision is None:
            return
        self.soon()
        try:
            verdict = reviews.approve if approve else reviews.decline
            verdict(decision_id=decision.pk, reviewer=self.hiro, note="Looked at", at=self.at)
        except reviews.AlreadyReviewed:
            assert one.proposed is None
            return
        assert one.proposed is not None
        if approve:
            with self.refunding(one):
                one.refunded = max(one.refunded, one.proposed)
        one.proposed = None

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
            waits = Decision.objects.filter(order=order, state=DecisionState.AWAITING_REVIEW).exists()
            assert waits == (one.proposed is not None)
            if order.is_final and not waits:
                assert order.refunded + order.recognized == order.charge

    @invariant()
    def the_books_are_right(self) -> None:
        assert audit.findings() == []


def test_no_sequence_of_steps_makes_or_loses_money() -> None:
    text = (publishing.SHIPPED / f"{CREDIT_ONLY}.toml").read_text(encoding="utf-8")
    publishing.publish(text=text, source=CREDIT_ONLY, effective_from=NEXT_POLICY_AT, at=AT)

    run_state_machine_as_test(
        MoneyPath,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
