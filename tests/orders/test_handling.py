"""Staff move orders by hand: through the same lifecycle, never their own, never while one is being submitted."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Account, Transfer
from orders import handling, lifecycle
from orders.models import (
    AttentionItem,
    AttentionKind,
    Cause,
    Order,
    OrderEvent,
    OrderStatus,
    Submission,
    SubmissionState,
)
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, move, place_order
from tests.factories.people import fund

pytestmark = pytest.mark.django_db

HANDS: dict[str, Callable[[int, User], None]] = {
    "start": lambda order, staff: handling.start(order_id=order, staff=staff, at=AT),
    "partial": lambda order, staff: handling.set_partial(
        order_id=order, remains=400, cause=Cause.CANNOT_COMPLETE, staff=staff, at=AT
    ),
    "cancel": lambda order, staff: handling.cancel(order_id=order, cause=Cause.SERVICE_UNAVAILABLE, staff=staff, at=AT),
    "complete": lambda order, staff: handling.complete(order_id=order, staff=staff, at=AT),
}


def placed(**service: Any) -> Order:
    return place_order(make_customer(funds="10"), make_service(rate="2.50", **service))


def unmoved(order: Order) -> bool:
    order.refresh_from_db()
    available = Account.objects.get(customer=order.customer, kind="available").balance
    return (
        order.status == OrderStatus.PENDING
        and available == Decimal("7.5")
        and OrderEvent.objects.filter(order=order).count() == 1
        and Transfer.objects.filter(order_ref=order.pk).count() == 1
    )


@pytest.mark.parametrize(
    ("hand", "status", "refunded"),
    [
        ("start", "in_progress", "0"),
        ("partial", "partial", "1"),
        ("cancel", "canceled", "2.5"),
        ("complete", "completed", "0"),
    ],
)
def test_staff_move_an_order_and_the_money_follows(hand: str, status: str, refunded: str) -> None:
    order, grace = placed(), make_staff()

    HANDS[hand](order.pk, grace)

    order.refresh_from_db()
    assert (order.status, order.refunded) == (status, Decimal(refunded))
    event = OrderEvent.objects.filter(order=order).latest("pk")
    assert (event.initiator, event.actor) == ("staff", grace)


@pytest.mark.parametrize("hand", HANDS)
def test_refuses_who_is_no_staff(hand: str) -> None:
    order, ben = placed(), make_customer("ben")

    with pytest.raises(Forbidden):
        HANDS[hand](order.pk, ben)

    assert unmoved(order)


@pytest.mark.parametrize("hand", HANDS)
def test_refuses_an_own_order(hand: str) -> None:
    grace = make_staff()
    fund(grace, "10")
    order = place_order(grace, make_service(rate="2.50"))

    with pytest.raises(Forbidden):
        HANDS[hand](order.pk, grace)

    assert unmoved(order)


@pytest.mark.parametrize("hand", HANDS)
def test_refuses_an_order_that_there_is_not(hand: str) -> None:
    with pytest.raises(NotFound):
        HANDS[hand](987_654_321, make_staff())


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("state", [SubmissionState.CLAIMED, SubmissionState.CALLING, SubmissionState.UNKNOWN])
def test_refuses_while_nobody_knows_whether_the_provider_has_it(hand: str, state: SubmissionState) -> None:
    provider = make_provider()
    order, grace = placed(provider=provider), make_staff()
    Submission.objects.create(order=order, provider=provider, state=state)

    with pytest.raises(handling.BeingSubmitted):
        HANDS[hand](order.pk, grace)

    assert unmoved(order)


@pytest.mark.parametrize("state", [SubmissionState.ACCEPTED, SubmissionState.REFUSED, SubmissionState.NOT_SENT])
def test_moves_an_order_whose_submission_is_over(state: SubmissionState) -> None:
    provider = make_provider()
    order, grace = placed(provider=provider), make_staff()
    Submission.objects.create(order=order, provider=provider, state=state)

    HANDS["complete"](order.pk, grace)

    order.refresh_from_db()
    assert order.status == OrderStatus.COMPLETED


@pytest.mark.parametrize("remains", [-1, 1001])
def test_refuses_remains_outside_of_the_quantity(remains: int) -> None:
    order, grace = placed(), make_staff()

    with pytest.raises(lifecycle.BadRemains):
        handling.set_partial(order_id=order.pk, remains=remains, cause=Cause.CANNOT_COMPLETE, staff=grace, at=AT)

    assert unmoved(order)


def test_refuses_to_start_an_ended_order() -> None:
    order, grace = placed(), make_staff()
    HANDS["complete"](order.pk, grace)

    with pytest.raises(lifecycle.IllegalMove):
        HANDS["start"](order.pk, grace)

    order.refresh_from_db()
    assert order.status == OrderStatus.COMPLETED


def test_a_cancel_without_remains_takes_what_was_last_known() -> None:
    order, grace = placed(), make_staff()
    move(order, OrderStatus.IN_PROGRESS, remains=300)

    handling.cancel(order_id=order.pk, cause=Cause.CORRECTION, staff=grace, at=AT)

    order.refresh_from_db()
    assert (order.remains, order.refunded) == (300, Decimal("0.750000"))


def test_keeps_the_note_of_every_hand() -> None:
    order, grace = placed(), make_staff()

    handling.cancel(
        order_id=order.pk,
        cause=Cause.SERVICE_UNAVAILABLE,
        staff=grace,
        at=AT,
        remains=1000,
        note="The network is down.",
    )

    assert OrderEvent.objects.filter(order=order).latest("pk").note == "The network is down."


@pytest.mark.parametrize("hand", ["partial", "cancel", "complete"])
def test_tells_staff_to_end_it_at_the_provider_too(hand: str) -> None:
    order = placed(provider=make_provider())
    move(order, OrderStatus.PROCESSING)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")

    HANDS[hand](order.pk, make_staff())

    item = AttentionItem.objects.get(order=order)
    assert item.kind == AttentionKind.STILL_AT_PROVIDER
    assert "number 7001" in item.detail


def test_asks_nobody_when_the_provider_never_had_it() -> None:
    order = placed(provider=make_provider())

    HANDS["cancel"](order.pk, make_staff())

    assert not AttentionItem.objects.exists()
