"""What staff make an order credit by hand above the policy's limit waits at the desk; a provider's report does not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from orders import handling
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import User
from refunds.models import Decision, DecisionState, RefundRequest, RequestOrigin, RequestState
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    balance_of,
    confirm,
    decision_in_review,
    decline,
    make_agent,
    make_approver,
    publish_variant,
    request_about,
    started,
)
from tests.refunds.desk.ground import letters, money

pytestmark = pytest.mark.django_db

PARTIAL, CANCELED = OrderStatus.PARTIAL, OrderStatus.CANCELED
LATER = AT + timedelta(days=1)
End = Callable[[Order, User], None]


@pytest.fixture(autouse=True, params=["money-back-guarantee", "panel-credit-only"])
def policy(request: pytest.FixtureRequest) -> str:
    """Both policies have a limit of 100.00; all that is here holds for both."""
    if request.param == "panel-credit-only":
        request.getfixturevalue("credit_only_policy")
    return str(request.param)


@pytest.fixture
def grace() -> User:
    return make_staff()


def half(order: Order, staff: User) -> None:
    """End the order, or correct its end, with half of it undelivered."""
    handling.set_partial(order_id=order.pk, remains=500, cause=Cause.CANNOT_COMPLETE, staff=staff, at=LATER)


def whole(order: Order, staff: User) -> None:
    handling.cancel(order_id=order.pk, cause=Cause.STAFF_CANCELED, staff=staff, at=LATER, remains=1000)


# By which end, and what the order has to cost for it to pay exactly the limit, and one unit of money more.
ENDS = pytest.mark.parametrize(
    ("end", "at_limit", "above"),
    [(half, "200", "200.000002"), (whole, "100", "100.000001")],
    ids=["ends in part", "is canceled"],
)


def stands(order: Order) -> tuple[str, int | None]:
    order.refresh_from_db()
    return order.status, order.remains


@ENDS
def test_an_end_that_pays_the_limit_is_credited_at_once(end: End, at_limit: str, above: str, grace: User) -> None:
    del above
    order = started(rate=at_limit)

    end(order, grace)

    assert money(order) == (Decimal(100), Decimal(at_limit) - 100)
    assert not RefundRequest.objects.exists()
    assert letters(order.customer) == ["order_refunded"]


@ENDS
def test_an_end_that_pays_more_moves_the_order_and_waits(end: End, at_limit: str, above: str, grace: User) -> None:
    del at_limit
    order = started(rate=above)
    before = balance_of(order.customer)

    end(order, grace)

    owed = Decimal("100.000001")
    assert stands(order) == (("partial", 500) if end is half else ("canceled", 1000))
    assert money(order) == (Decimal(0), Decimal(above) - owed)
    assert balance_of(order.customer) == before
    decision, request = decision_in_review(order), request_about(order)
    assert (decision.approval, decision.owed, decision.credited) == ("review", owed, Decimal(0))
    assert (request.origin, request.opened_by, request.owed) == (RequestOrigin.POLICY, None, owed)
    assert (request.clause, request.opened_at) == (decision.clause, LATER)
    assert letters(order.customer) == ["refund_in_review"]


@ENDS
def test_a_provider_who_reports_the_same_is_believed_at_once(end: End, at_limit: str, above: str) -> None:
    del at_limit
    order = started(rate=above)

    move(order, PARTIAL if end is half else CANCELED, remains=500 if end is half else 1000, at=LATER)

    assert money(order)[0] == Decimal("100.000001")
    assert not RefundRequest.objects.exists()


@ENDS
def test_it_takes_two_to_credit_what_waits_and_the_one_who_moved_the_order_may_be_the_first(
    end: End, at_limit: str, above: str, grace: User
) -> None:
    del at_limit
    ida, order = make_approver(), started(rate=above)
    end(order, grace)

    request = approve(request_about(order), grace, at=LATER)
    assert request.awaits_second
    assert money(order)[0] == 0
    confirm(request, ida, at=LATER)

    assert money(order) == (Decimal("100.000001"), Decimal(above) - Decimal("100.000001"))
    decision = Decision.objects.get(order=order)
    assert (decision.state, decision.credited) == (DecisionState.APPROVED, Decimal("100.000001"))
    assert letters(order.customer) == ["refund_in_review", "request_approved"]


def test_what_waits_may_be_declined(grace: User) -> None:
    order = started(rate="250")
    whole(order, grace)

    decline(request_about(order), make_agent("hiro"), at=LATER)

    assert money(order) == (Decimal(0), Decimal(250))
    assert Decision.objects.get(order=order).state == DecisionState.DECLINED


class TestACorrection:
    """Of an order that its provider called partial, with a tenth undelivered; half of it was, staff say."""

    def corrected(self, charge: str, staff: User) -> Order:
        order = started(rate=charge)
        move(order, PARTIAL, remains=100)
        half(order, staff)
        return order

    def test_that_adds_the_limit_is_credited_at_once(self, grace: User) -> None:
        order = self.corrected("250", grace)

        assert money(order) == (Decimal(125), Decimal(125))
        assert not RefundRequest.objects.exists()

    def test_that_adds_more_waits_and_what_was_credited_before_stays(self, grace: User) -> None:
        order = self.corrected("250.00001", grace)

        assert stands(order) == ("partial", 500)
        assert money(order) == (Decimal("25.000001"), Decimal("225.000009"))
        decision = decision_in_review(order)
        assert (decision.owed, decision.credited) == (Decimal("125.000005"), Decimal(0))
        assert letters(order.customer) == ["order_refunded", "refund_in_review"]

    def test_that_waits_is_credited_out_of_revenue_by_two(self, grace: User) -> None:
        order = self.corrected("250.00001", grace)

        confirm(approve(request_about(order), grace, at=LATER), make_approver(), at=LATER)

        assert money(order) == (Decimal("125.000005"), Decimal("125.000005"))
        assert RefundRequest.objects.get(order=order).amount == Decimal("100.000004")

    def test_that_the_provider_makes_is_credited_at_once(self) -> None:
        order = started(rate="250.00001")
        move(order, PARTIAL, remains=100)

        move(order, PARTIAL, remains=500, cause=Cause.CORRECTION, at=LATER)

        assert money(order) == (Decimal("125.000005"), Decimal("125.000005"))
        assert not RefundRequest.objects.exists()

    def test_that_owes_less_than_the_limit_answers_what_waited(self, grace: User) -> None:
        order = started(rate="250")
        whole(order, grace)
        request = request_about(order)

        handling.set_partial(order_id=order.pk, remains=200, cause=Cause.CANNOT_COMPLETE, staff=grace, at=LATER)

        request.refresh_from_db()
        assert (request.state, request.amount) == (RequestState.SUPERSEDED, Decimal(50))
        assert money(order) == (Decimal(50), Decimal(200))

    def test_that_the_provider_makes_answers_what_waited_too(self, grace: User) -> None:
        order = started(rate="250")
        half(order, grace)
        request = request_about(order)

        move(order, PARTIAL, remains=600, cause=Cause.CORRECTION, at=LATER)

        request.refresh_from_db()
        assert (request.state, request.amount) == (RequestState.SUPERSEDED, Decimal(150))
        assert money(order) == (Decimal(150), Decimal(100))


def test_nothing_waits_where_nothing_is_paid(grace: User) -> None:
    order = started(rate="250")

    handling.complete(order_id=order.pk, staff=grace, at=LATER)

    assert money(order) == (Decimal(0), Decimal(250))
    assert not RefundRequest.objects.exists()


def test_an_open_request_takes_on_what_waits(grace: User) -> None:
    order = place_order(make_customer(funds="1000"), make_service(rate="250"))
    move(order, OrderStatus.PROCESSING)
    request = ask_for_refund(order, Cause.NOT_STARTED)

    whole(order, grace)

    request.refresh_from_db()
    assert request.awaits_second is False
    assert (request.state, request.origin) == (RequestState.OPEN, RequestOrigin.CUSTOMER)
    assert RefundRequest.objects.count() == 1
    confirm(approve(request, grace, at=LATER), make_approver(), at=LATER)
    assert money(order) == (Decimal(250), Decimal(0))


def test_the_system_is_no_member_of_staff() -> None:
    order = started(rate="250")

    move(order, CANCELED, remains=1000, cause=Cause.SERVICE_UNAVAILABLE, initiator=Initiator.SYSTEM, at=LATER)

    assert money(order) == (Decimal(250), Decimal(0))


def test_what_the_desk_ends_has_had_its_two_people_and_waits_for_nobody_else(grace: User) -> None:
    order = place_order(make_customer(funds="1000"), make_service(rate="250"))
    move(order, OrderStatus.PROCESSING)
    request = approve(ask_for_refund(order, Cause.NOT_STARTED), grace, remains=1000)
    assert (request.awaits_second, stands(order)) == (True, ("processing", None))

    confirm(request, make_approver())

    assert stands(order) == ("canceled", 1000)
    assert money(order) == (Decimal(250), Decimal(0))
    assert Decision.objects.get(order=order).state == DecisionState.SETTLED


def test_a_policy_without_a_limit_leaves_it_to_one_person(policy: str, grace: User) -> None:
    publish_variant('confirm_above = "100.00" # the source names no figure; ours\n', "", slug=policy)
    order = started(rate="900")

    whole(order, grace)

    assert money(order) == (Decimal(900), Decimal(0))
