"""Orders raced by real threads: a balance, a request_id, a link, a cancel and a claim each have one winner."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from billing import adjustments, ledger
from billing.models import Account, Transfer, TransferKind
from orders import canceling, handling, lifecycle, placing, refills
from orders.canceling import Canceled
from orders.fulfilment import submit
from orders.lifecycle import Move
from orders.lines import Line
from orders.models import CancelRequest, Cause, Initiator, Order, OrderEvent, OrderStatus, Refill, Submission
from panel.accounts.models import User
from panel.kernel.errors import Conflict, PanelError
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, move, place_order
from tests.factories.refills import refillable

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/launch"


def available(customer: User) -> Decimal:
    balance = Account.objects.get(customer=customer, kind="available").balance
    assert balance is not None
    return balance


def test_twenty_orders_against_a_balance_for_five_place_five() -> None:
    ada, reach = make_customer(funds="12.50"), make_service(rate="2.50")

    results = race([partial(placing.place, customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT)] * 20)

    assert len(of(placing.Placed, results)) == 5
    assert len(of(placing.NotEnoughFunds, results)) == 15
    assert (Order.objects.count(), available(ada)) == (5, Decimal(0))


def test_one_request_id_sent_eight_times_at_once_is_one_order() -> None:
    ada, reach = make_customer(funds="100"), make_service(rate="2.50")
    wish = partial(placing.place, customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT, request_id="r-1")

    results = race([wish] * 8)

    assert len({result.order_ids for result in results}) == 1
    assert sorted(result.repeated for result in results) == [False] + [True] * 7
    assert (Order.objects.count(), available(ada)) == (1, Decimal("97.500000"))


def test_one_link_wished_for_by_six_customers_at_once_goes_to_one() -> None:
    customers = [make_customer(funds="10") for _ in range(6)]
    one_at_a_time = make_service(rate="2.50", one_order_per_link=True)

    results = race(
        [partial(placing.place, customer=c, lines=[Line(one_at_a_time.pk, LINK, 1000)], at=AT) for c in customers]
    )

    assert len(of(placing.Placed, results)) == 1
    assert len(of(placing.LinkBusy, results)) == 5
    assert sorted(available(c) for c in customers) == [Decimal("7.5")] + [Decimal(10)] * 5


def test_the_end_of_an_order_and_the_next_one_on_its_link_do_not_block_each_other() -> None:
    """The ending locks the order and then the account; placing has the account and then meets the order's link."""
    ada, one_at_a_time = make_customer(funds="100"), make_service(rate="2.50", one_order_per_link=True)

    for round_number in range(8):
        link = f"{LINK}/{round_number}"
        order = place_order(ada, one_at_a_time, link=link)

        ended, placed = race(
            [
                partial(end, order),
                partial(placing.place, customer=ada, lines=[Line(one_at_a_time.pk, link, 1000)], at=AT),
            ]
        )

        assert ended is None
        assert isinstance(placed, placing.Placed | Conflict)


def end(order: Order) -> None:
    with transaction.atomic():
        lifecycle.transition([Move(order.pk, OrderStatus.COMPLETED, remains=0)], initiator=Initiator.PROVIDER, at=AT)


def test_of_two_cancels_at_once_one_refunds() -> None:
    ada, reach = make_customer(funds="10"), make_service(rate="2.50")

    for _ in range(5):
        order = place_order(ada, reach)

        results = race([partial(canceling.cancel, customer=ada, order_id=order.pk, at=AT)] * 2)

        assert of(Canceled, results) == [Canceled.AT_ONCE]
        assert len(of(canceling.CancelRefused, results)) == 1
        assert available(ada) == Decimal(10)
        assert Transfer.objects.filter(order_ref=order.pk, kind="order_refund").count() == 1


def test_of_many_asks_for_a_refill_at_once_one_makes_a_refill() -> None:
    grace = make_staff()

    for _ in range(4):
        order = refillable()

        results = race(
            [
                *[partial(refills.ask, customer=order.customer, order_id=order.pk, at=AT)] * 3,
                partial(refills.ask_for_customer, staff=grace, order_id=order.pk, at=AT),
            ]
        )

        assert len(of(Refill, results)) == 1
        assert len(of(refills.RefillRunning, results)) == 3
        assert Refill.objects.filter(order=order).count() == 1


def test_a_cancel_and_a_submission_never_both_win() -> None:
    ada, reach = make_customer(funds="100"), make_service(rate="2.50", provider=make_provider(), allows_cancel=True)
    outcomes = set()

    for _ in range(12):
        order = place_order(ada, reach)
        due = AT + settings.ORDER_SUBMIT_DELAY

        canceled, claimed = race(
            [
                partial(canceling.cancel, customer=ada, order_id=order.pk, at=due),
                partial(submit.claim, limit=10, at=due),
            ]
        )

        order.refresh_from_db()
        attempts = Submission.objects.filter(order=order).count()
        if canceled is Canceled.AT_ONCE:
            assert (claimed, attempts, order.status, order.refunded) == ([], 0, "canceled", Decimal("2.5"))
        else:
            assert canceled is Canceled.REQUESTED
            assert (len(claimed), attempts, order.status, order.refunded) == (1, 1, "processing", Decimal(0))
            assert CancelRequest.objects.filter(order=order).count() == 1
        outcomes.add(canceled)
    assert outcomes


def test_two_claims_at_once_never_take_the_same_order() -> None:
    ada, reach = make_customer(funds="100"), make_service(rate="2.50", provider=make_provider())
    for _ in range(12):
        place_order(ada, reach)
    due = AT + settings.ORDER_SUBMIT_DELAY

    results = race([partial(submit.claim, limit=12, at=due)] * 4)
    results.append(submit.claim(limit=12, at=due))

    numbers = [number for result in results for number in result]
    assert len(numbers) == len(set(numbers)) == 12
    assert Submission.objects.values("order").distinct().count() == 12


def test_staff_and_provider_ending_one_order_at_once_refund_it_once() -> None:
    ada, grace, reach = make_customer(funds="100"), make_staff(), make_service(rate="10")

    for _ in range(5):
        order = place_order(ada, reach)
        move(order, OrderStatus.IN_PROGRESS)

        results = race(
            [
                partial(report, order, remains=400),
                partial(report, order, remains=400),
                partial(
                    handling.cancel,
                    order_id=order.pk,
                    cause=Cause.SERVICE_UNAVAILABLE,
                    staff=grace,
                    at=AT,
                    remains=1000,
                ),
            ]
        )

        assert results == [None, None, None]
        order.refresh_from_db()
        assert order.refunded == Decimal(10)
        credited = Transfer.objects.filter(order_ref=order.pk, kind="order_refund").values_list("amount", flat=True)
        assert sum(credited) == Decimal(10)


def report(order: Order, *, remains: int) -> None:
    with transaction.atomic():
        lifecycle.transition(
            [Move(order.pk, OrderStatus.PARTIAL, remains=remains)], initiator=Initiator.PROVIDER, at=AT
        )


def test_the_same_report_three_times_at_once_is_one_move() -> None:
    order = place_order(make_customer(funds="100"), make_service(rate="10"))
    move(order, OrderStatus.IN_PROGRESS)

    race([partial(report, order, remains=400)] * 3)

    order.refresh_from_db()
    assert order.refunded == Decimal(4)
    assert OrderEvent.objects.filter(order=order, to_status="partial").count() == 1


def test_orders_and_adjustments_at_once_never_overdraw() -> None:
    ada, grace, reach = make_customer(funds="10"), make_staff(), make_service(rate="2.50")

    def take(number: int) -> None:
        adjustments.debit(
            customer=ada, amount=Decimal(2), reason="Taken back", author=grace, key=f"take {number}", at=AT
        )

    wish = partial(placing.place, customer=ada, lines=[Line(reach.pk, LINK, 1000)], at=AT)
    results = race([*[wish] * 6, *[partial(take, number) for number in range(6)]])

    refused = of(PanelError, results)
    assert {type(error) for error in refused} <= {placing.NotEnoughFunds, ledger.InsufficientFunds}
    spent = Decimal("2.5") * len(of(placing.Placed, results)) + 2 * results[6:].count(None)
    assert available(ada) == 10 - spent >= 0
    assert available(ada) < Decimal("2.5")


def test_one_adjustment_sent_five_times_at_once_is_booked_once() -> None:
    ada, grace = make_customer(funds="1"), make_staff()
    gift = partial(adjustments.credit, customer=ada, amount=Decimal(5), reason="Gift", author=grace, key="one", at=AT)

    results = race([gift] * 5)

    assert results == [None] * 5
    assert available(ada) == Decimal(6)


def test_batches_that_share_customers_wait_for_each_other_and_never_deadlock() -> None:
    customers = [make_customer(funds="100", promo="3") for _ in range(4)]
    reach = make_service(rate="2.50")
    orders = [place_order(customer, reach) for _ in range(10) for customer in customers]

    def settle(batch: list[Order], remains: int) -> None:
        for first in range(0, len(batch), 10):
            moves = [Move(o.pk, OrderStatus.PARTIAL, remains=remains) for o in batch[first : first + 10]]
            with transaction.atomic():
                lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=AT)

    def spend(customer: User) -> None:
        for number in range(5):
            placing.place(customer=customer, lines=[Line(reach.pk, f"{LINK}/{number}", 1000)] * 3, at=AT)

    contenders: list[Any] = [
        partial(settle, orders, 700),
        partial(settle, orders[::-1], 500),
        partial(settle, orders[::2] + orders[1::2], 300),
        *[partial(spend, customer) for customer in customers],
    ]
    results = race(contenders)

    assert results == [None] * len(contenders)
    # Whoever came first: the largest part that was ever reported undelivered is refunded.
    assert set(Order.objects.filter(pk__in=[o.pk for o in orders]).values_list("refunded", flat=True)) == {
        Decimal("1.75")
    }


def test_transfers_posted_in_opposite_orders_never_deadlock() -> None:
    ada, ben, grace = make_customer(funds="100"), make_customer("ben", funds="100"), make_staff()

    def swap(name: str, customers: list[User]) -> None:
        for number in range(20):
            with transaction.atomic():
                ledger.post(
                    [
                        ledger.NewTransfer(
                            key=f"{name} {number} {customer.pk}",
                            kind=TransferKind.ADJUSTMENT,
                            debit=Account.objects.get(customer=customer, kind="available").pk,
                            credit=1,
                            amount=Decimal(1),
                            customer_id=customer.pk,
                            reason="Swap",
                            author_id=grace.pk,
                        )
                        for customer in customers
                    ],
                    at=AT,
                )

    results = race([partial(swap, "one", [ada, ben]), partial(swap, "two", [ben, ada])])

    assert results == [None, None]
    assert (available(ada), available(ben)) == (Decimal(60), Decimal(60))


def test_a_settlement_that_fails_halfway_leaves_no_lock_behind() -> None:
    ada, reach = make_customer(funds="10"), make_service(rate="2.50")
    order = place_order(ada, reach)

    def fail() -> None:
        with transaction.atomic():
            lifecycle.transition([Move(order.pk, OrderStatus.PARTIAL, remains=1)], initiator=Initiator.STAFF, at=AT)
            raise ZeroDivisionError

    results = race([fail, partial(canceling.cancel, customer=ada, order_id=order.pk, at=AT)])

    assert isinstance(results[0], ZeroDivisionError)
    assert results[1] is Canceled.AT_ONCE
    assert available(ada) == Decimal(10)
    assert not connection.in_atomic_block
