"""Requests that are opened at the same moment, and while the order ends: one is opened, and abuse counted exactly."""

from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest

from orders import placing
from orders.lines import Line
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing, StandingChange
from refunds.desk import opening
from refunds.models import RefundRequest, RequestState
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_service, move
from tests.factories.desk import ask_for_refund, balance_of, partly_delivered, publish_paying_for_errors, started

pytestmark = pytest.mark.django_db(transaction=True)


def send(order: Order, cause: Cause, *, key: UUID, seen: str) -> RefundRequest:
    return opening.open_by_customer(
        customer=order.customer,
        order_id=order.pk,
        cause=cause,
        description="Hardly anybody came.",
        files=(),
        key=key,
        seen=seen,
        at=AT,
    )


def seen(order: Order, cause: Cause) -> str:
    return opening.quote(customer=order.customer, order_id=order.pk, cause=cause, at=AT).token


def test_one_form_sent_six_times_at_once_is_one_request() -> None:
    order, key = started(), uuid4()
    read = seen(order, Cause.CANNOT_COMPLETE)

    results = race([partial(send, order, Cause.CANNOT_COMPLETE, key=key, seen=read)] * 6)

    assert {result.pk for result in results} == {RefundRequest.objects.get().pk}


def test_one_form_that_is_settled_at_once_and_sent_six_times_pays_once() -> None:
    publish_paying_for_errors()
    order, key = partly_delivered(), uuid4()
    read = seen(order, Cause.SYSTEM_ERROR)

    results = race([partial(send, order, Cause.SYSTEM_ERROR, key=key, seen=read)] * 6)

    assert {result.pk for result in results} == {RefundRequest.objects.get().pk}
    assert RefundRequest.objects.get().amount == Decimal(6)
    assert balance_of(order.customer) == Decimal(1000)


def test_six_forms_about_one_order_sent_at_once_open_one_request() -> None:
    order = started()
    read = seen(order, Cause.CANNOT_COMPLETE)

    results = race([partial(send, order, Cause.CANNOT_COMPLETE, key=uuid4(), seen=read) for _ in range(6)])

    assert len(of(RefundRequest, results)) == 1
    assert len(of(opening.AlreadyOpen, results)) == 5


def test_six_forms_that_would_be_settled_at_once_pay_once() -> None:
    publish_paying_for_errors()
    order = partly_delivered()
    read = seen(order, Cause.SYSTEM_ERROR)

    results = race([partial(send, order, Cause.SYSTEM_ERROR, key=uuid4(), seen=read) for _ in range(6)])

    assert len(of(RefundRequest, results)) == 1
    assert len(of(opening.QuoteChanged, results)) == 5
    order.refresh_from_db()
    assert order.refunded == Decimal(10)


def test_a_request_that_is_opened_while_the_order_ends_is_answered_by_the_end_or_refused() -> None:
    for _ in range(4):
        order = started()
        read = seen(order, Cause.CANNOT_COMPLETE)

        opened, ended = race(
            [
                partial(send, order, Cause.CANNOT_COMPLETE, key=uuid4(), seen=read),
                partial(move, Order.objects.get(pk=order.pk), OrderStatus.PARTIAL, remains=400),
            ]
        )

        assert len(ended.moved) == 1
        order.refresh_from_db()
        assert (order.refunded, order.recognized) == (Decimal(4), Decimal(6))
        if isinstance(opened, RefundRequest):
            assert RefundRequest.objects.get(order=order).state == RequestState.SUPERSEDED
        else:
            assert isinstance(opened, opening.QuoteChanged)
            assert not RefundRequest.objects.filter(order=order).exists()


def ask_until_read(order: Order) -> RefundRequest:
    """Ask as somebody does who reads the quote anew whenever it has changed."""
    for _ in range(20):
        try:
            return ask_for_refund(order)
        except opening.QuoteChanged:
            continue
    raise AssertionError("the quote changed all the time")


def test_abuse_is_counted_exactly_when_eight_requests_come_at_once() -> None:
    ada, service = make_customer(funds="1000"), make_service(rate="10")
    lines = [Line(service.pk, f"https://example.com/{number}", 1000) for number in range(40)]
    placing.place(customer=ada, lines=lines, at=AT)
    same = placing.place(customer=ada, lines=[Line(service.pk, "https://example.com/launch", 1000)] * 8, at=AT)
    orders = list(Order.objects.filter(pk__in=same.order_ids))
    for order in orders:
        move(order, OrderStatus.IN_PROGRESS)

    results = race([partial(ask_until_read, Order.objects.get(pk=order.pk)) for order in orders])

    assert len(of(RefundRequest, results)) == 8
    change = StandingChange.objects.get(user=ada)
    assert change.reasons == ["3 refund requests for the same link in 90 days; the policy's limit is 3"]
    standings = RefundRequest.objects.order_by("pk").values_list("facts__standing", flat=True)
    assert list(standings) == ["clear"] * 2 + ["abuse_flagged"] * 6
    ada.refresh_from_db()
    assert ada.standing == Standing.ABUSE_FLAGGED
