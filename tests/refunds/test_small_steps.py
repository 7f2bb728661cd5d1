"""Small steps, at the desk and on the order's page, don't get past the policy's limit."""

from decimal import Decimal

import pytest

from orders import handling
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import User
from tests.factories import AT, make_staff, move
from tests.factories.desk import approve, ask_for_refund, completed, confirm, make_approver, request_about, started
from tests.refunds.desk.ground import money

pytestmark = pytest.mark.django_db


def partial(order: Order, remains: int, staff: User) -> None:
    handling.set_partial(order_id=order.pk, remains=remains, cause=Cause.CANNOT_COMPLETE, staff=staff, at=AT)


@pytest.mark.parametrize("policy", ["money-back-guarantee", "panel-credit-only"])
def test_corrections_by_one_person_add_up(policy: str, request: pytest.FixtureRequest) -> None:
    if policy == "panel-credit-only":
        request.getfixturevalue("credit_only_policy")
    grace, order = make_staff(), started(rate="1000")
    partial(order, 60, grace)
    partial(order, 100, grace)
    assert money(order)[0] == Decimal(100)

    partial(order, 101, grace)

    assert money(order)[0] == Decimal(100)
    asked = approve(request_about(order), make_staff("hiro"))
    assert asked.awaits_second
    confirm(asked, make_approver())
    assert money(order)[0] == Decimal(101)


def test_what_one_person_approved_at_the_desk_counts_for_the_next_correction() -> None:
    grace, order = make_staff(), started(rate="1000", remains=100)
    assert approve(ask_for_refund(order), grace, remains=100).amount == Decimal(100)

    partial(order, 101, grace)

    assert money(order)[0] == Decimal(100)
    assert request_about(order).owed == Decimal(101)


def test_what_one_person_made_the_order_credit_counts_at_the_desk() -> None:
    grace, order = make_staff(), completed(rate="150")
    partial(order, 600, grace)
    assert money(order)[0] == Decimal(90)

    assert approve(ask_for_refund(order, Cause.SYSTEM_ERROR), grace).awaits_second
    assert money(order)[0] == Decimal(90)


def test_what_the_provider_made_the_order_credit_does_not() -> None:
    order = started(rate="1000")
    move(order, OrderStatus.PARTIAL, remains=500)

    partial(order, 600, make_staff())

    assert money(order)[0] == Decimal(600)
