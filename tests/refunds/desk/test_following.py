"""What an order's move means for the desk: reviews open requests, reports answer them, and what is left goes on."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders import handling, lifecycle, placing
from orders.lifecycle import Move
from orders.lines import Line
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import User
from refunds.models import RefundRequest, RefundRequestEvent, RequestOrigin, RequestState
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    decision_in_review,
    decline,
    order_in_review,
    partly_delivered,
    request_about,
    started,
)
from tests.refunds.desk.ground import kinds, letter, letters, money

pytestmark = pytest.mark.django_db

PARTIAL, CANCELED, COMPLETED = OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED
LATER = AT + timedelta(days=1)


class TestAReviewThatThePolicyAsksFor:
    def test_is_a_request_of_nobody_in_the_same_queue(self) -> None:
        request = order_in_review()

        assert (request.origin, request.opened_by, request.key) == (RequestOrigin.POLICY, None, None)
        assert (request.cause, request.clause, request.owed) == ("invalid_target", "special-cause", Decimal(4))
        assert (request.opened_at, request.answer_from, request.due_at) == (
            AT,
            AT + timedelta(hours=24),
            AT + timedelta(hours=48),
        )
        assert request.sentence == decision_in_review(request.order).sentence
        assert kinds(request) == ["opened"]

    def test_is_told_to_the_customer_with_its_due_time(self) -> None:
        request = order_in_review()

        assert letters(request.customer) == ["refund_in_review"]
        assert letter(request.customer).context["order"] == str(request.order_id)

    def test_is_none_when_nothing_more_can_be_owed(self) -> None:
        order = partly_delivered()

        handling.set_partial(order_id=order.pk, remains=300, cause=Cause.DROPPED, staff=make_staff(), at=LATER)

        assert not RefundRequest.objects.exists()
        assert money(order) == (Decimal(4), Decimal(6))

    def test_is_none_where_the_policy_decides_by_itself(self, credit_only_policy: object) -> None:
        del credit_only_policy
        order = started()

        handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)

        assert not RefundRequest.objects.exists()
        assert money(order) == (Decimal(0), Decimal(10))

    def test_is_answered_by_a_correction_that_credits(self) -> None:
        request = order_in_review()

        handling.set_partial(
            order_id=request.order_id, remains=300, cause=Cause.CORRECTION, staff=make_staff(), at=LATER
        )

        request.refresh_from_db()
        assert (request.state, request.closed_at, request.closed_by) == (RequestState.SUPERSEDED, LATER, None)
        assert (request.amount, request.answer_clause) == (Decimal(3), "partly-delivered")
        assert kinds(request) == ["opened", "superseded"]
        assert letters(request.customer) == ["refund_in_review", "order_refunded"]
        assert money(request.order) == (Decimal(3), Decimal(7))

    def test_is_answered_by_a_correction_that_credits_nothing_and_the_customer_is_told(self) -> None:
        request = order_in_review()

        handling.complete(order_id=request.order_id, staff=make_staff(), at=LATER)

        request.refresh_from_db()
        assert (request.state, request.amount) == (RequestState.SUPERSEDED, Decimal(0))
        assert letters(request.customer) == ["refund_in_review", "request_declined"]
        assert letter(request.customer).context["reason"] == request.answer
        assert money(request.order) == (Decimal(0), Decimal(10))

    def test_goes_on_when_a_correction_waits_too(self, hiro: User) -> None:
        request = order_in_review()

        handling.set_partial(
            order_id=request.order_id, remains=700, cause=Cause.INVALID_TARGET, staff=make_staff(), at=LATER
        )

        request.refresh_from_db()
        assert (request.is_open, request.due_at) == (True, AT + timedelta(hours=48))
        assert kinds(request) == ["opened", "order_moved"]
        approve(request, hiro, at=LATER)
        assert money(request.order) == (Decimal(7), Decimal(3))

    def test_opens_anew_when_a_correction_of_an_answered_order_waits(self, hiro: User) -> None:
        first = order_in_review()
        decline(first, hiro)

        handling.set_partial(
            order_id=first.order_id, remains=700, cause=Cause.INVALID_TARGET, staff=make_staff(), at=LATER
        )

        second = request_about(first.order)
        assert (second.pk != first.pk, second.owed, second.opened_at) == (True, Decimal(7), LATER)
        assert letters(first.customer) == ["refund_in_review", "request_declined", "refund_in_review"]


class TestACustomersRequestAboutARunningOrder:
    def test_is_answered_when_the_end_pays_all_that_is_claimed(self) -> None:
        order = started()
        request = ask_for_refund(order)

        move(order, PARTIAL, remains=400, at=LATER)

        request.refresh_from_db()
        assert (request.state, request.amount, request.closed_by) == (RequestState.SUPERSEDED, Decimal(4), None)
        assert "4.00 USD" in request.answer
        assert kinds(request) == ["opened", "superseded"]
        assert letters(order.customer) == ["request_received", "order_refunded"]

    def test_goes_on_when_the_end_pays_less_than_the_claim(self, hiro: User) -> None:
        order = started(remains=400)
        request = ask_for_refund(order, Cause.SYSTEM_ERROR)

        move(order, PARTIAL, remains=400, at=LATER)

        request.refresh_from_db()
        assert request.is_open
        assert kinds(request) == ["opened", "order_moved"]
        said = RefundRequestEvent.objects.get(request=request, kind="order_moved").text
        assert said.startswith("The order is partial now. 4.00 USD")
        approve(request, hiro, at=LATER)
        assert money(order) == (Decimal(10), Decimal(0))

    @pytest.mark.parametrize("to", [COMPLETED, PARTIAL])
    def test_goes_on_when_the_end_pays_nothing(self, to: OrderStatus) -> None:
        order = started()
        request = ask_for_refund(order)

        move(order, to, remains=0, at=LATER)

        request.refresh_from_db()
        assert request.is_open
        assert kinds(request) == ["opened", "order_moved"]
        assert letters(order.customer) == ["request_received"]

    def test_takes_on_the_review_that_the_end_asks_for(self, hiro: User) -> None:
        order = started(remains=400)
        request = ask_for_refund(order)

        handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=LATER, remains=400)

        request.refresh_from_db()
        assert (request.is_open, request.origin) == (True, RequestOrigin.CUSTOMER)
        assert RefundRequest.objects.filter(order=order).count() == 1
        approve(request, hiro, at=LATER)
        assert money(order) == (Decimal(4), Decimal(6))

    def test_goes_on_when_an_order_that_only_starts_moves(self) -> None:
        order = place_order(make_customer(funds="100"), make_service(rate="10"))
        move(order, OrderStatus.PROCESSING)
        request = ask_for_refund(order, Cause.NOT_STARTED)

        move(order, OrderStatus.IN_PROGRESS)

        request.refresh_from_db()
        assert (request.is_open, kinds(request)) == (True, ["opened"])


class TestACustomersRequestAboutAnEndedOrder:
    def test_goes_on_after_a_correction_with_what_the_correction_said(self) -> None:
        order = partly_delivered()
        request = ask_for_refund(order)

        move(order, PARTIAL, remains=600, cause=Cause.CORRECTION, at=LATER)

        request.refresh_from_db()
        assert request.is_open
        assert kinds(request) == ["opened", "order_moved"]
        assert money(order) == (Decimal(6), Decimal(4))

    def test_is_none_of_a_report_that_says_the_same_again(self) -> None:
        order = partly_delivered()
        request = ask_for_refund(order)

        move(order, PARTIAL, remains=400, cause=Cause.CORRECTION, at=LATER)

        assert kinds(request) == ["opened"]


def test_a_batch_of_mixed_orders_does_for_each_what_its_own_move_asks() -> None:
    paid, more, none, plain = (started(make_customer(name, funds="20")) for name in ("ada", "ben", "cleo", "dan"))
    waits = started(make_customer("eve", funds="20"))
    User.objects.filter(pk=waits.customer_id).update(standing="abuse_flagged")
    answered, goes_on, left = (
        ask_for_refund(paid),
        ask_for_refund(more, Cause.SYSTEM_ERROR),
        ask_for_refund(none, Cause.PLATFORM_DELAY),
    )
    review = order_in_review()
    moves = [
        Move(paid.pk, PARTIAL, remains=400),
        Move(more.pk, PARTIAL, remains=400),
        Move(none.pk, COMPLETED, remains=0),
        Move(plain.pk, PARTIAL, remains=100),
        Move(waits.pk, PARTIAL, remains=200),
        Move(review.order_id, CANCELED, cause=Cause.CORRECTION, remains=500),
    ]

    with transaction.atomic():
        outcome = lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=LATER)

    assert (len(outcome.moved), outcome.rejected) == (6, [])
    states = {one.pk: RefundRequest.objects.get(pk=one.pk).state for one in (answered, goes_on, left, review)}
    assert states == {answered.pk: "superseded", goes_on.pk: "open", left.pk: "open", review.pk: "superseded"}
    assert request_about(waits).origin == RequestOrigin.POLICY
    assert not RefundRequest.objects.filter(order=plain).exists()
    refunded = [money(order)[0] for order in (paid, more, none, plain, waits, review.order)]
    assert refunded == [Decimal(4), Decimal(4), Decimal(0), Decimal(1), Decimal(0), Decimal(5)]


def test_what_was_recommended_about_orders_falls_for_each_of_a_batch_that_moves(hiro: User) -> None:
    found = [partly_delivered(make_customer(name, funds="20")) for name in ("ada", "ben", "cleo")]
    for order in found:
        assert approve(ask_for_refund(order, Cause.SYSTEM_ERROR), hiro, "1").awaits_second

    with transaction.atomic():
        moves = [Move(order.pk, PARTIAL, cause=Cause.CORRECTION, remains=500) for order in found]
        lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=LATER)

    for order in found:
        request = request_about(order)
        assert (request.awaits_second, request.recommended_by, request.recommended_amount) == (False, None, None)
        assert kinds(request) == ["opened", "recommended", "order_moved"]


def orders(count: int) -> list[Order]:
    customer = make_customer("cleo", funds="10000")
    lines = [Line(make_service(rate="10").pk, "https://example.com/launch", 1000)] * count
    numbers = placing.place(customer=customer, lines=lines, at=AT).order_ids
    with transaction.atomic():
        lifecycle.transition(
            [Move(number, OrderStatus.IN_PROGRESS) for number in numbers], initiator=Initiator.STAFF, at=AT
        )
    return list(Order.objects.filter(pk__in=numbers).order_by("pk"))


def statements(found: Sequence[Order], remains: int, cause: Cause, to: OrderStatus = PARTIAL) -> int:
    """Count the statements of one transition of all of these orders."""
    moves = [Move(order.pk, to, cause=cause, remains=remains) for order in found]
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as captured,
    ):
        lifecycle.transition(moves, initiator=Initiator.STAFF, at=LATER)
    return len(captured)


def ask_about_all(found: Sequence[Order], cause: Cause) -> None:
    """Open a request about each, as it was before abuse was counted: the customer asks for too much at once."""
    for order in found:
        ask_for_refund(order, cause)
        User.objects.filter(pk=order.customer_id).update(standing="clear")


@pytest.mark.parametrize(
    "case", ["nobody asked", "reviews open", "requests are answered", "requests go on", "reviews are answered"]
)
def test_the_statements_of_a_settlement_do_not_grow_with_the_batch(case: str) -> None:
    counted = []
    for count in (1, 50):
        found, remains, cause = orders(count), 400, Cause.CANNOT_COMPLETE
        if case == "reviews open":
            cause = Cause.INVALID_TARGET
        elif case == "requests are answered":
            ask_about_all(found, Cause.CANNOT_COMPLETE)
        elif case == "requests go on":
            ask_about_all(found, Cause.CANNOT_COMPLETE)
            remains = 0
        elif case == "reviews are answered":
            statements(found, 300, Cause.INVALID_TARGET)
            cause = Cause.CORRECTION
        counted.append(statements(found, remains, cause))

    assert counted[0] == counted[1]
    assert counted[0] < 30
