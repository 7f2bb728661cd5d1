"""Which orders a deposit paid for: first in, first out, with what came back returned to where it came from."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import tracing
from billing.tracing import Lot, Paid, Step
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import fund, make_customer, make_service, move, pay_in, place_order, withdraw

FIRST, SECOND = 1, 2


def deposit(number: int, amount: str) -> Step:
    return Step("deposit", Decimal(amount), deposit_id=number)


def placed(order: int, amount: str) -> Step:
    return Step("order_placed", -Decimal(amount), order_ref=order)


def refunded(order: int, amount: str) -> Step:
    return Step("order_refund", Decimal(amount), order_ref=order)


def paid(lot: int, *steps: Step, legs: dict[int, dict[Lot, Decimal]] | None = None) -> list[tuple[int, str, str]]:
    came_back = {step.order_ref for step in steps if step.order_ref is not None and step.amount > 0}
    found = tracing.orders_paid_by(lot, steps, legs or {}, came_back=came_back)
    return [(one.order_ref, f"{one.amount:.0f}", f"{one.returned:.0f}") for one in found]


def test_the_oldest_deposit_is_spent_first() -> None:
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), placed(7, "30"), placed(8, "30")]

    assert paid(FIRST, *steps) == [(7, "30", "0"), (8, "20", "0")]
    assert paid(SECOND, *steps) == [(8, "10", "0")]


def test_what_staff_gave_is_a_lot_of_its_own() -> None:
    steps = [Step("adjustment", Decimal(20)), deposit(FIRST, "50"), placed(7, "30")]

    assert paid(FIRST, *steps) == [(7, "10", "0")]


def test_a_refund_returns_to_the_deposit_that_paid_last_and_is_spent_again() -> None:
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), placed(7, "60"), refunded(7, "20"), placed(8, "15")]

    assert paid(FIRST, *steps) == [(7, "50", "10"), (8, "10", "0")]
    assert paid(SECOND, *steps) == [(7, "10", "10"), (8, "5", "0")]


def test_an_emptied_deposit_that_gets_money_back_is_spent_in_its_old_place() -> None:
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), placed(7, "60"), placed(8, "5"), refunded(7, "60")]

    assert paid(FIRST, *steps, placed(9, "40")) == [(7, "50", "50"), (9, "40", "0")]
    assert paid(SECOND, *steps, placed(9, "60")) == [(7, "10", "10"), (8, "5", "0"), (9, "10", "0")]


def test_a_withdrawal_takes_from_the_deposits_that_it_goes_back_to() -> None:
    opened = Step("withdrawal_opened", Decimal(-40), withdrawal_id=3)
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), opened, placed(7, "55")]

    found = paid(FIRST, *steps, legs={3: {SECOND: Decimal(40)}})

    assert found == [(7, "50", "0")]


def test_a_withdrawal_that_was_not_sent_returns_to_its_deposit() -> None:
    opened = Step("withdrawal_opened", Decimal(-50), withdrawal_id=3)
    returned = Step("withdrawal_returned", Decimal(50), deposit_id=FIRST, withdrawal_id=3)
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), opened, returned, placed(7, "20")]

    assert paid(FIRST, *steps, legs={3: {FIRST: Decimal(50)}}) == [(7, "20", "0")]


def test_what_a_dispute_holds_is_taken_from_its_deposit() -> None:
    held = Step("dispute_held", Decimal(-50), deposit_id=SECOND)
    steps = [deposit(FIRST, "50"), deposit(SECOND, "50"), held, placed(7, "50")]

    assert paid(SECOND, *steps) == []


AMOUNTS = st.integers(1, 60).map(Decimal)


@given(
    deposits=st.lists(AMOUNTS, min_size=1, max_size=5),
    orders=st.lists(st.tuples(AMOUNTS, st.integers(0, 100)), max_size=8),
)
def test_what_deposits_paid_of_an_order_is_what_it_cost(
    deposits: list[Decimal], orders: list[tuple[Decimal, int]]
) -> None:
    steps = [Step("deposit", amount, deposit_id=number) for number, amount in enumerate(deposits, 1)]
    left, placed_orders = sum(deposits), []
    for number, (cost, percent) in enumerate(orders, 100):
        if cost > left:
            continue
        back = cost * percent / 100
        steps += [Step("order_placed", -cost, order_ref=number)]
        steps += [Step("order_refund", back, order_ref=number)] if back else []
        left += back - cost
        placed_orders.append((number, cost, back))

    shares: dict[int, list[Paid]] = {}
    for lot in range(1, len(deposits) + 1):
        for one in tracing.orders_paid_by(lot, steps, {}, came_back=range(100, 200)):
            shares.setdefault(one.order_ref, []).append(one)

    for number, cost, back in placed_orders:
        assert sum(one.amount for one in shares[number]) == cost
        assert sum(one.returned for one in shares[number]) == back


@pytest.mark.django_db
def test_reads_the_ledger(payments: PaymentsSandbox) -> None:
    ada: User = make_customer(promo="5")
    first = pay_in(ada, payments, "50")
    second = pay_in(ada, payments, "50")
    launch = place_order(ada, make_service(rate="35"))  # 5 of it promotional
    push = place_order(ada, make_service(rate="30"))
    move(push, OrderStatus.PARTIAL, remains=500)
    withdraw(ada, "10")
    fund(ada, "3")

    assert tracing.orders_of_deposit(first.pk, customer_id=ada.pk) == [
        Paid(launch.pk, Decimal(30), Decimal(0)),
        Paid(push.pk, Decimal(20), Decimal(5)),
    ]
    assert tracing.orders_of_deposit(second.pk, customer_id=ada.pk) == [Paid(push.pk, Decimal(10), Decimal(10))]
