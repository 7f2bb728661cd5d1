"""A customer cancels: at once and with the money back while pending, as a request to the provider after that."""

from decimal import Decimal

import pytest

from billing.models import Account, Transfer
from orders import canceling, handling
from orders.canceling import Canceled
from orders.models import CancelRequest, Cause, Order, OrderEvent, OrderStatus
from refunds.models import Decision, PolicyVersion
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db


def unchanged(order: Order, status: OrderStatus, transfers: int = 1) -> bool:
    order.refresh_from_db()
    return (
        order.status == status
        and order.refunded == 0
        and Transfer.objects.filter(order_ref=order.pk).count() == transfers
        and not CancelRequest.objects.filter(order=order).exists()
    )


def test_cancels_a_pending_order_and_gives_all_of_it_back() -> None:
    ada, reach = make_customer(funds="10", promo="1"), make_service(rate="2.50")
    order = place_order(ada, reach)

    result = canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    order.refresh_from_db()
    assert result is Canceled.AT_ONCE
    assert (order.status, order.remains, order.refunded, order.submit_due_at) == (
        "canceled",
        1000,
        Decimal("2.5"),
        None,
    )
    assert dict(Account.objects.filter(customer=ada).values_list("kind", "balance")) == {"available": 10, "promo": 1}
    event = OrderEvent.objects.filter(order=order).latest("pk")
    assert (event.cause, event.initiator, event.actor) == (Cause.CHANGE_OF_MIND, "customer", ada)
    assert Decision.objects.get(order=order).clause == "canceled-by-customer"


def test_refuses_a_second_cancel() -> None:
    ada, reach = make_customer(funds="10"), make_service(rate="2.50")
    order = place_order(ada, reach)
    canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    with pytest.raises(canceling.CancelRefused):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    assert Account.objects.get(customer=ada, kind="available").balance == Decimal(10)
    assert Decision.objects.filter(order=order).count() == 1


@pytest.mark.parametrize(
    ("status", "remains"), [(OrderStatus.PARTIAL, 5), (OrderStatus.COMPLETED, 0), (OrderStatus.CANCELED, 1000)]
)
def test_refuses_an_ended_order(status: OrderStatus, remains: int) -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50", provider=make_provider(), allows_cancel=True))
    move(order, status, remains=remains)
    refunded = order.refunded

    with pytest.raises(canceling.CancelRefused, match="already"):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    order.refresh_from_db()
    assert (order.status, order.refunded) == (status, refunded)


def test_tells_another_customers_order_from_a_missing_one_by_nothing() -> None:
    ada, ben = make_customer(funds="10"), make_customer("ben")
    order = place_order(ada, make_service(rate="2.50"))

    answers = []
    for number in (order.pk, 987_654_321):
        with pytest.raises(canceling.OrderNotFound) as refused:
            canceling.cancel(customer=ben, order_id=number, at=AT)
        answers.append((refused.value.code, refused.value.message))

    assert answers[0] == answers[1]
    assert unchanged(order, OrderStatus.PENDING)


@pytest.mark.parametrize("status", [OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS])
def test_asks_the_provider_once_for_a_running_order_and_refunds_nothing_yet(status: OrderStatus) -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50", provider=make_provider(), allows_cancel=True))
    move(order, status)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")

    result = canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    assert result is Canceled.REQUESTED
    with pytest.raises(canceling.CancelRunning):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)
    request = CancelRequest.objects.get(order=order)
    assert (request.state, request.send_due_at, request.actor) == ("requested", AT, ada)
    order.refresh_from_db()
    assert (order.status, order.refunded) == (status, Decimal(0))


def test_refuses_a_cancel_that_nobody_could_pass_on() -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50", provider=make_provider(), allows_cancel=True))
    handling.start(order_id=order.pk, staff=make_staff(), at=AT)

    with pytest.raises(canceling.CancelRefused, match="our own staff"):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    assert not CancelRequest.objects.exists()


@pytest.mark.parametrize("has_provider", [True, False], ids=["no cancel flag", "no provider"])
def test_refuses_a_running_order_that_nobody_can_stop(has_provider: bool) -> None:  # noqa: FBT001 - a parameter
    ada, provider = make_customer(funds="10"), make_provider()
    order = place_order(
        ada,
        make_service(rate="2.50", provider=provider if has_provider else None, allows_cancel=not has_provider),
    )
    move(order, OrderStatus.IN_PROGRESS)

    with pytest.raises(canceling.CancelRefused):
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    assert unchanged(order, OrderStatus.IN_PROGRESS)


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.IN_PROGRESS])
def test_refuses_under_a_policy_that_does_not_refund_a_change_of_mind(
    status: OrderStatus, credit_only_policy: PolicyVersion
) -> None:
    ada = make_customer(funds="10")
    order = place_order(ada, make_service(rate="2.50", provider=make_provider(), allows_cancel=True))
    if status != OrderStatus.PENDING:
        move(order, status)

    with pytest.raises(canceling.CancelRefused) as refused:
        canceling.cancel(customer=ada, order_id=order.pk, at=AT)

    assert order.policy_version == credit_only_policy.pk
    assert "change of mind" in refused.value.message
    assert unchanged(order, status)
