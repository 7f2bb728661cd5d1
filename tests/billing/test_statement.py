from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from billing import statement
from billing.models import CustomerAccount, TransferKind
from orders.models import Cause, Initiator, OrderStatus
from tests.factories import fund, make_customer, make_service, move, place_order

pytestmark = pytest.mark.django_db


def test_tells_every_move_newest_first_with_the_balance_after_it() -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50"))
    move(order, OrderStatus.CANCELED, remains=1000, cause=Cause.CHANGE_OF_MIND, initiator=Initiator.CUSTOMER)

    found = statement.lines(ada)

    assert [(line.kind, line.amount, line.balance, line.order_ref) for line in found.lines] == [
        (TransferKind.ORDER_REFUND, Decimal("2.5"), Decimal(10), order.pk),
        (TransferKind.ORDER_PLACED, Decimal("-2.5"), Decimal("7.5"), order.pk),
        (TransferKind.ADJUSTMENT, Decimal(10), Decimal(10), None),
    ]
    assert found.lines[-1].reason == "opening balance"
    assert (found.available, found.promo, found.spendable, found.older) == (Decimal(10), Decimal(0), Decimal(10), None)


def test_says_which_balance_a_line_moved_and_adds_both_up() -> None:
    ada = make_customer(funds="10", promo="1")
    place_order(ada, make_service(rate="2.50"))

    found = statement.lines(ada)

    assert [(line.account, line.amount) for line in found.lines[:2]] == [
        (CustomerAccount.AVAILABLE, Decimal("-1.5")),
        (CustomerAccount.PROMO, Decimal(-1)),
    ]
    assert [line.balance for line in found.lines] == [Decimal("8.5"), Decimal(10), Decimal(11), Decimal(10)]
    assert (found.available, found.promo) == (Decimal("8.5"), Decimal(0))


def test_leaves_out_transfers_between_accounts_of_the_house() -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50"))
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)

    found = statement.lines(ada)

    assert TransferKind.ORDER_DELIVERED not in {line.kind for line in found.lines}
    assert len(found.lines) == 2


def test_pages_join_without_a_gap_and_with_the_same_balances() -> None:
    ada = make_customer()
    for amount in ("1", "2", "3", "4", "5"):
        fund(ada, amount)
    whole = statement.lines(ada).lines

    first = statement.lines(ada, limit=2)
    second = statement.lines(ada, before=first.older, limit=2)
    third = statement.lines(ada, before=second.older, limit=2)

    assert first.lines + second.lines + third.lines == whole
    assert third.older is None
    assert [line.balance for line in whole] == [15, 10, 6, 3, 1]


def test_shows_nothing_of_another_customer() -> None:
    make_customer("ada", funds="10")
    ben = make_customer("ben")

    found = statement.lines(ben)

    assert not found.lines
    assert (found.spendable, found.older) == (Decimal(0), None)


def test_takes_one_query_whatever_the_number_of_lines(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ada = make_customer()
    for _ in range(30):
        fund(ada, "1")

    with django_assert_num_queries(1):
        statement.lines(ada)
