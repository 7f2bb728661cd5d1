"""A settlement tells each customer whom it credited, once, in its own transaction."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from orders import lifecycle
from orders.lifecycle import Move
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import User
from panel.notifications import rendering
from panel.notifications.models import Email
from refunds.models import Decision
from tests.factories import AT, make_customer, make_service, move, place_order

pytestmark = pytest.mark.django_db

PARTIAL, CANCELED, COMPLETED = OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED


def running(customer: User, number: int = 1) -> list[Order]:
    """Orders of 1,000 units for 10.00 each, in progress."""
    service = make_service(rate="10")
    orders = [place_order(customer, service) for _ in range(number)]
    for order in orders:
        move(order, OrderStatus.IN_PROGRESS)
    return orders


def end(*orders: Order, remains: int = 400) -> None:
    """Report all of them partial in one batch, as a sync does."""
    moves = [Move(order.pk, PARTIAL, cause=Cause.CANNOT_COMPLETE, remains=remains) for order in orders]
    with transaction.atomic():
        lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=AT)


def letters() -> list[Email]:
    return list(Email.objects.filter(template="order_refunded").order_by("customer_id"))


def context(email: Email, *names: str) -> list[Any]:
    return [email.context[name] for name in names]


def test_tells_amount_reason_and_new_balance() -> None:
    ada = make_customer("ada", funds="100")
    [order] = running(ada)

    end(order)

    [email] = letters()
    decision = Decision.objects.get(order=order)
    assert (email.key, email.to, email.customer_id) == (f"decision:{decision.pk}:refunded", ada.email, ada.pk)
    assert context(email, "amount", "balance", "promo_balance") == ["4.00 USD", "94.00 USD", ""]
    text = rendering.letter(email).text
    assert f"4.00 USD is back on your balance for order #{order.pk}." in text
    assert decision.sentence in text
    assert f"http://127.0.0.1:8000/orders/{order.pk}/" in text


def test_tells_each_customer_once_of_all_orders_of_a_batch() -> None:
    ada, ben = make_customer("ada", funds="100"), make_customer("ben", funds="100")
    [first, second], [third] = running(ada, 2), running(ben)

    end(first, second, third)

    to_ada, to_ben = letters()
    assert (to_ada.to, to_ben.to) == (ada.email, ben.email)
    lowest = min(Decision.objects.filter(order__customer=ada).values_list("pk", flat=True))
    assert to_ada.key == f"decision:{lowest}:refunded"
    assert context(to_ada, "which", "amount", "balance") == ["2 orders", "8.00 USD", "88.00 USD"]
    assert [line.partition(":")[0] for line in to_ada.context["lines"]] == [f"Order #{first.pk}", f"Order #{second.pk}"]
    assert context(to_ben, "which", "amount", "balance") == [f"order #{third.pk}", "4.00 USD", "94.00 USD"]


def test_tells_the_promotional_balance_when_a_share_of_it_came_back() -> None:
    ada = make_customer("ada", funds="100", promo="5")
    [order] = running(ada)

    end(order, remains=1000)

    [email] = letters()
    assert context(email, "amount", "balance", "promo_balance") == ["10.00 USD", "100.00 USD", "5.00 USD"]


@pytest.mark.parametrize(
    ("to", "remains", "cause"),
    [(COMPLETED, 0, Cause.DELIVERED), (PARTIAL, 0, Cause.CANNOT_COMPLETE)],
)
def test_says_nothing_when_nothing_was_credited(to: OrderStatus, remains: int, cause: Cause) -> None:
    [order] = running(make_customer("ada", funds="100"))

    move(order, to, remains=remains, cause=cause)

    assert order.refunded == 0
    assert letters() == []


def test_says_nothing_to_an_account_that_is_inactive() -> None:
    ada, ben = make_customer("ada", funds="100"), make_customer("ben", funds="100")
    orders = [*running(ada), *running(ben)]
    User.objects.filter(pk=ada.pk).update(is_active=False)

    end(*orders)

    assert [email.to for email in letters()] == [ben.email]
    orders[0].refresh_from_db()
    assert orders[0].refunded == Decimal(4)


def test_a_correction_is_told_with_what_it_adds_and_a_repeat_is_not() -> None:
    [order] = running(make_customer("ada", funds="100"))
    end(order, remains=400)
    end(order, remains=400)

    move(order, PARTIAL, remains=700, cause=Cause.CORRECTION, at=AT + timedelta(days=1))

    assert [context(email, "amount", "balance") for email in letters()] == [
        ["4.00 USD", "94.00 USD"],
        ["3.00 USD", "97.00 USD"],
    ]


def test_what_the_desk_answers_is_told_by_the_desk() -> None:
    [order] = running(make_customer("ada", funds="100"))
    answer = Move(order.pk, CANCELED, cause=Cause.STAFF_CANCELED, remains=1000, request_ref=1)

    with transaction.atomic():
        lifecycle.transition([answer], initiator=Initiator.STAFF, at=AT)

    order.refresh_from_db()
    assert order.refunded == 10
    assert letters() == []


def test_a_settlement_that_is_rolled_back_writes_and_sends_nothing(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    [order] = running(make_customer("ada", funds="100"))

    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        end(order)
        assert len(letters()) == 1
        transaction.set_rollback(True)

    order.refresh_from_db()
    assert (order.status, order.refunded) == (OrderStatus.IN_PROGRESS, 0)
    assert letters() == []
    assert callbacks == []


def test_letters_cost_two_statements_whatever_the_number() -> None:
    ada, ben = make_customer("ada", funds="1000", promo="4"), make_customer("ben", funds="1000")

    def statements(each: int, *, remains: int = 400) -> int:
        orders = [*running(ada, each), *running(ben, each)]
        with CaptureQueriesContext(connection) as queries:
            end(*orders, remains=remains)
        return len(queries)

    statements(1)
    few, many = statements(1), statements(25)
    without = statements(25, remains=0)

    assert few == many == without + 3  # and one that looks for debt to pay first
    assert len(letters()) == 6
