"""A policy version that is tried on its own history changes nothing (ADR 19): the histories in which that is hard.

The money path's property test (tests/properties) draws histories; these are the ones that it would seldom draw.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from orders import handling
from orders.models import Cause, Order, OrderStatus
from refunds.backtesting.results import Sums
from refunds.desk import opening
from refunds.models import PolicyVersion, RefundRequest
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    completed,
    confirm,
    decline,
    order_in_review,
    partly_delivered,
    publish_paying_for_errors,
    started,
    withdraw,
)
from tests.refunds.backtesting.periods import tried

pytestmark = pytest.mark.django_db(transaction=True)

SOON, LATER = AT + timedelta(hours=1), AT + timedelta(hours=2)


def unchanged(refunded: str, *, waiting: str = "0") -> None:
    """See that the version in force would have paid just what it paid for the one order there is."""
    version = PolicyVersion.objects.get(pk=Order.objects.get().policy_version)

    total = tried(version.policy).total

    assert total == Sums(1, 0, Decimal(refunded), Decimal(refunded), Decimal(waiting))


def grant(request: RefundRequest, amount: str, *, remains: int | None = None) -> None:
    """Approve what the policy does not propose, which takes two people."""
    confirm(approve(request, make_staff(), amount, remains=remains, at=SOON), make_staff("hiro"), at=SOON)


def ask_for_the_customer(order: Order, cause: Cause = Cause.SYSTEM_ERROR) -> RefundRequest:
    return opening.open_by_staff(
        staff=make_staff("kai"), order_id=order.pk, cause=cause, description="She wrote.", at=SOON
    )


def test_when_a_step_of_staff_is_below_the_limit_and_all_that_is_owed_above() -> None:
    order = started(rate="150")
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

    handling.cancel(order_id=order.pk, cause=Cause.STAFF_CANCELED, staff=make_staff(), at=LATER)

    unchanged("150")


def test_when_steps_of_staff_add_up_above_the_limit() -> None:
    order, grace = started(rate="150"), make_staff()
    handling.set_partial(order_id=order.pk, remains=400, cause=Cause.CANNOT_COMPLETE, staff=grace, at=SOON)

    handling.cancel(order_id=order.pk, cause=Cause.STAFF_CANCELED, staff=grace, at=LATER)

    unchanged("60", waiting="90")


def test_when_a_correction_owes_less_than_people_granted() -> None:
    order = partly_delivered(remains=400)
    grant(ask_for_refund(order, Cause.SYSTEM_ERROR, at=SOON), "2")

    move(order, OrderStatus.PARTIAL, remains=500, cause=Cause.CORRECTION, at=LATER)

    unchanged("6")


def test_when_a_correction_owes_more_than_people_granted() -> None:
    order = partly_delivered(remains=400)
    grant(ask_for_refund(order, Cause.SYSTEM_ERROR, at=SOON), "2")

    move(order, OrderStatus.PARTIAL, remains=700, cause=Cause.CORRECTION, at=LATER)

    unchanged("7")


def test_when_people_end_a_running_order_and_grant_more_than_its_end_pays() -> None:
    grant(ask_for_refund(started(remains=400)), "7", remains=400)

    unchanged("7")


def test_when_people_end_a_running_order_as_proposed() -> None:
    approve(ask_for_refund(started(remains=400)), make_staff(), remains=400, at=LATER)

    unchanged("4")


def test_when_people_end_a_pending_order_by_a_request() -> None:
    order = place_order(make_customer(funds="20"), make_service(rate="10"))

    grant(ask_for_the_customer(order), "10")

    unchanged("10")


@pytest.mark.usefixtures("credit_only_policy")
def test_when_people_overrule_a_policy_that_pays_nothing() -> None:
    grant(ask_for_the_customer(completed()), "3")

    unchanged("3")


@pytest.mark.usefixtures("credit_only_policy")
def test_when_people_overrule_a_policy_that_pays_nothing_on_a_running_order() -> None:
    grant(ask_for_the_customer(started(remains=400)), "9", remains=400)

    unchanged("9")


def test_when_the_policy_pays_a_claim_at_once() -> None:
    publish_paying_for_errors()

    ask_for_refund(completed(), Cause.SYSTEM_ERROR)

    unchanged("10")


def test_when_the_policy_does_not_pay_a_claim_against_what_people_decided() -> None:
    publish_paying_for_errors()
    order = partly_delivered(remains=400)
    decline(ask_for_refund(order, at=SOON), make_staff(), at=SOON)

    ask_for_refund(order, Cause.SYSTEM_ERROR, at=LATER)

    unchanged("4", waiting="6")


def test_when_a_claim_that_waited_was_taken_back() -> None:
    order = partly_delivered(remains=400)

    withdraw(ask_for_refund(order, Cause.SYSTEM_ERROR, at=LATER), at=LATER)

    unchanged("4")


def test_when_staff_open_a_claim_that_the_policy_would_pay_at_once() -> None:
    publish_paying_for_errors()

    decline(ask_for_the_customer(completed()), make_staff(), at=LATER)

    unchanged("0")


def test_when_a_claim_on_a_running_order_was_open_as_it_ended() -> None:
    order = started(remains=400)
    ask_for_refund(order, Cause.SYSTEM_ERROR)

    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE, at=LATER)

    unchanged("4")


def test_when_a_review_was_approved_for_more_than_it_proposed() -> None:
    grant(order_in_review(), "7")

    unchanged("7")


def test_when_a_review_waits() -> None:
    order_in_review()

    unchanged("0", waiting="4")


def test_when_a_review_was_declined_and_the_report_corrected() -> None:
    request = order_in_review()
    decline(request, make_staff("ida"), at=SOON)

    move(request.order, OrderStatus.PARTIAL, remains=500, cause=Cause.CORRECTION, at=LATER)

    unchanged("5")
