"""Two people answer a request at once, or one answers while the order moves: one of them is heard, and paid is once."""

from decimal import Decimal
from functools import partial

import pytest

from billing.models import Transfer
from orders import handling, lifecycle
from orders.fulfilment import sync
from orders.fulfilment.client import Report
from orders.fulfilment.sync import Answer
from orders.lifecycle import Progress
from orders.models import Cause, Order
from panel.notifications.models import Email
from refunds.desk import access, deciding, following, talking
from refunds.models import Decision, DecisionState, RefundRequest, RequestState
from tests.concurrency.racing import of, race
from tests.factories import AT, make_provider, make_staff
from tests.factories.desk import (
    approve,
    ask_for_refund,
    balance_of,
    completed,
    confirm,
    decline,
    order_in_review,
    send_back,
    started,
    withdraw,
)
from tests.factories.reports import running, tell

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4


def report(order: Order, status: str, remains: str) -> object:
    """Let the provider report on the order, as the poll records it."""
    said = Report(raw_status=status, start_count="5", remains=remains, charge="1.15")
    return sync.record([Answer(order.pk, said)], AT)


def refunded(request: RefundRequest) -> Decimal:
    """Return what the order gave back; the transfers say the same, and all of the charge is accounted for."""
    order = Order.objects.get(pk=request.order_id)
    transfers = Transfer.objects.filter(order_ref=order.pk, kind="order_refund").values_list("amount", flat=True)
    assert sum(transfers) == order.refunded
    assert order.refunded + order.recognized == order.charge
    return order.refunded


def answered(request: RefundRequest) -> RefundRequest:
    """Read the answer; the customer has one letter of it at most."""
    request.refresh_from_db()
    assert request.state != RequestState.OPEN
    answers = Email.objects.filter(template__in=["request_approved", "request_declined"], customer=request.customer)
    assert answers.count() <= 1
    return request


def test_of_two_people_who_approve_at_once_one_credits() -> None:
    hiro, ida = make_staff("hiro"), make_staff("ida")

    for _ in range(ROUNDS):
        request = order_in_review()

        results = race([partial(approve, request, person) for person in (hiro, ida)])

        assert len(of(RefundRequest, results)) == 1
        assert len(of(access.NotOpen, results)) == 1
        assert refunded(answered(request)) == Decimal(4)
        assert balance_of(request.customer) == Decimal(14)


def test_of_an_approval_and_a_decline_at_once_one_counts() -> None:
    hiro, ida = make_staff("hiro"), make_staff("ida")

    for _ in range(ROUNDS):
        request = order_in_review()

        approved, declined = race([partial(approve, request, hiro), partial(decline, request, ida)])

        assert {type(approved), type(declined)} == {RefundRequest, access.NotOpen}
        won = answered(request).state == RequestState.APPROVED
        assert won == isinstance(approved, RefundRequest)
        assert refunded(request) == (Decimal(4) if won else Decimal(0))


def test_an_approval_and_a_correction_by_staff_at_once_credit_no_more_than_the_larger() -> None:
    grace, hiro = make_staff(), make_staff("hiro")

    for _ in range(ROUNDS):
        request = order_in_review()
        correct = partial(handling.set_partial, order_id=request.order_id, remains=300, cause=Cause.CORRECTION)

        approved, corrected = race([partial(approve, request, hiro), partial(correct, staff=grace, at=AT)])

        assert corrected is None
        was_heard = isinstance(approved, RefundRequest)
        assert was_heard or isinstance(approved, access.NotOpen)
        assert answered(request).state == (RequestState.APPROVED if was_heard else RequestState.SUPERSEDED)
        assert refunded(request) == (Decimal(4) if was_heard else Decimal(3))


def test_of_an_approval_and_a_withdrawal_at_once_one_counts() -> None:
    hiro = make_staff("hiro")

    for _ in range(ROUNDS):
        request = ask_for_refund(completed(), Cause.SYSTEM_ERROR)

        approved, withdrawn = race([partial(approve, request, hiro), partial(withdraw, request)])

        was_heard = isinstance(approved, RefundRequest)
        assert isinstance(withdrawn, access.NotOpen) if was_heard else withdrawn is None
        assert answered(request).state == (RequestState.APPROVED if was_heard else RequestState.WITHDRAWN)
        assert refunded(request) == (Decimal(10) if was_heard else Decimal(0))


def test_an_approval_and_the_providers_end_of_the_order_at_once_end_it_once() -> None:
    hiro, provider = make_staff("hiro"), make_provider()

    for _ in range(ROUNDS):
        order = running(provider=provider)
        lifecycle.note_progress([Progress(order.pk, 400, None)])
        request = ask_for_refund(order)

        approved, _ = race([partial(approve, request, hiro, remains=400), partial(report, order, "Partial", "300")])

        was_heard = isinstance(approved, RefundRequest)
        assert was_heard or isinstance(approved, access.NotOpen)
        assert answered(request).state == (RequestState.APPROVED if was_heard else RequestState.SUPERSEDED)
        assert refunded(request) == (Decimal(4) if was_heard else Decimal(3))
        assert Email.objects.filter(customer=request.customer).count() == 2


def test_an_approval_and_the_providers_correction_at_once_credit_the_larger_of_the_two_once() -> None:
    hiro, provider = make_staff("hiro"), make_provider()

    for _ in range(ROUNDS):
        order = running(provider=provider)
        tell(order, "Completed", "0", at=AT)
        request = ask_for_refund(order, Cause.SYSTEM_ERROR)

        approved, _ = race([partial(approve, request, hiro), partial(report, order, "Partial", "300")])

        assert isinstance(approved, RefundRequest)
        assert answered(request).amount in {Decimal(10), Decimal(7)}
        assert refunded(request) == Decimal(10)
        assert balance_of(request.customer) == Decimal(100)


def test_an_approval_and_a_colleagues_end_of_the_order_on_its_page_at_once_end_it_once() -> None:
    grace, hiro = make_staff(), make_staff("hiro")

    for _ in range(ROUNDS):
        order = started(remains=400)
        request = ask_for_refund(order)
        end = partial(handling.set_partial, order_id=order.pk, remains=300, cause=Cause.CANNOT_COMPLETE)

        approved, ended = race([partial(approve, request, hiro, remains=400), partial(end, staff=grace, at=AT)])

        assert ended is None
        was_heard = isinstance(approved, RefundRequest)
        assert was_heard or isinstance(approved, access.NotOpen)
        assert answered(request).state == (RequestState.APPROVED if was_heard else RequestState.SUPERSEDED)
        assert refunded(request) == (Decimal(4) if was_heard else Decimal(3))


def test_of_a_recommendation_and_a_colleagues_end_of_the_order_at_once_one_is_refused() -> None:
    grace, hiro, ida = make_staff(), make_staff("hiro"), make_staff("ida")

    for _ in range(ROUNDS):
        order = started(remains=400)
        request = ask_for_refund(order)
        end = partial(handling.set_partial, order_id=order.pk, remains=300, cause=Cause.CANNOT_COMPLETE)

        said, ended = race([partial(approve, request, hiro, "6", remains=400), partial(end, staff=grace, at=AT)])

        if isinstance(said, RefundRequest):
            assert isinstance(ended, following.RecommendationWaits)
            confirm(request, ida)
            assert answered(request).state == RequestState.APPROVED
            assert refunded(request) == Decimal(6)
        else:
            assert (type(said), ended) == (access.NotOpen, None)
            assert answered(request).state == RequestState.SUPERSEDED
            assert refunded(request) == Decimal(3)


def test_what_two_people_confirm_at_once_is_credited_once() -> None:
    hiro, people = make_staff("hiro"), [make_staff("ida"), make_staff("zoe")]

    for _ in range(ROUNDS):
        request = approve(order_in_review(), hiro, "7")

        results = race([partial(confirm, request, person) for person in people])

        assert len(of(RefundRequest, results)) == 1
        assert len(of(access.NotOpen, results)) == 1
        assert answered(request).recommended_by == hiro
        assert refunded(request) == Decimal(7)


def test_of_a_confirmation_and_a_sending_back_at_once_one_counts() -> None:
    hiro, ida, zoe = make_staff("hiro"), make_staff("ida"), make_staff("zoe")

    for _ in range(ROUNDS):
        request = approve(order_in_review(), hiro, "7")

        confirmed, sent = race([partial(confirm, request, ida), partial(send_back, request, zoe)])

        request.refresh_from_db()
        if isinstance(confirmed, RefundRequest):
            assert isinstance(sent, access.NotOpen)
            assert refunded(request) == Decimal(7)
        else:
            assert isinstance(confirmed, deciding.NotRecommended)
            assert request.is_open
            assert Decision.objects.get(order=request.order_id).state == DecisionState.AWAITING_REVIEW
            assert balance_of(request.customer) == Decimal(10)


def test_of_two_people_who_recommend_at_once_one_does() -> None:
    people = [make_staff("hiro"), make_staff("ida")]

    for _ in range(ROUNDS):
        request = order_in_review()

        results = race([partial(approve, request, person, "7") for person in people])

        assert len(of(RefundRequest, results)) == 1
        assert len(of(deciding.AlreadyRecommended, results)) == 1
        request.refresh_from_db()
        assert request.awaits_second


def test_two_people_take_a_request_over_at_once_and_it_is_one_persons() -> None:
    people = [make_staff("hiro"), make_staff("ida")]
    request = order_in_review()

    results = race([partial(talking.claim, request_id=request.pk, staff=person, at=AT) for person in people])

    assert len(of(RefundRequest, results)) == 2
    request.refresh_from_db()
    assert request.assignee in people
