"""Staff open a request for a customer who wrote in: it waits for a person, and nobody opens one about an own order."""

from decimal import Decimal

import pytest

from orders.canceling import OrderNotFound
from orders.models import Cause, Order
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from refunds.desk import access, opening
from refunds.models import RefundRequest, RequestOrigin, RequestState
from tests.factories import AT, fund, make_customer, make_service, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    confirm,
    make_agent,
    partly_delivered,
    publish_paying_for_errors,
    started,
)
from tests.refunds.desk.ground import kinds, letters, money, nothing_moves

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya() -> User:
    """An agent who may open requests for customers."""
    return make_agent("maya", access.MAY_OPEN)


def open_for(
    order: Order, staff: User, cause: Cause = Cause.CANNOT_COMPLETE, text: str = "She wrote."
) -> RefundRequest:
    return opening.open_by_staff(staff=staff, order_id=order.pk, cause=cause, description=text, at=AT)


def test_it_is_the_customers_request_and_says_who_opened_it(maya: User) -> None:
    order = started(remains=400)

    request = open_for(order, maya)

    assert (request.origin, request.opened_by, request.customer) == (RequestOrigin.STAFF, maya, order.customer)
    assert (request.state, request.description, request.owed) == (RequestState.OPEN, "She wrote.", Decimal(4))
    assert kinds(request) == ["opened"]
    assert letters(order.customer) == ["request_received"]


@pytest.mark.parametrize("cause", [Cause.CHANGE_OF_MIND, Cause.PLATFORM_DELAY])
def test_what_the_policy_would_decline_at_once_waits_for_a_person_all_the_same(cause: Cause, maya: User) -> None:
    request = open_for(started(), maya, cause)

    assert request.state == RequestState.OPEN
    assert "A person looks at it" in request.sentence or "a person looks at it" in request.sentence


def test_it_may_be_about_a_pending_order_that_its_customer_could_cancel(maya: User, hiro: User, ida: User) -> None:
    order = place_order(make_customer(funds="100"), make_service(rate="10"))

    request = open_for(order, maya, Cause.NOT_STARTED)

    assert (request.state, request.clause, request.owed) == (RequestState.OPEN, "still-pending", Decimal(0))
    assert approve(request, hiro).awaits_second  # the policy proposes nothing: cancel it, it says
    confirm(request, ida)
    assert money(order) == (Decimal(10), Decimal(0))


def test_what_the_policy_would_credit_at_once_waits_for_a_person_all_the_same(maya: User) -> None:
    publish_paying_for_errors()
    order = partly_delivered()

    request = open_for(order, maya, Cause.SYSTEM_ERROR)

    assert (request.state, request.owed) == (RequestState.OPEN, Decimal(10))
    assert money(order) == (Decimal(4), Decimal(6))


def test_refuses_an_agent_who_may_not_open_requests(hiro: User) -> None:
    order = started()

    with nothing_moves(), pytest.raises(Forbidden):
        open_for(order, hiro)


def test_refuses_who_is_no_staff() -> None:
    order = started()

    with nothing_moves(), pytest.raises(Forbidden):
        open_for(order, order.customer)


def test_refuses_an_own_order(maya: User) -> None:
    fund(maya, "20")
    order = started(maya)

    with nothing_moves(), pytest.raises(Forbidden, match="own account"):
        open_for(order, maya)


def test_refuses_a_second_one_an_unfit_cause_no_words_and_no_order(maya: User) -> None:
    order, asked = started(), started(make_customer("ben", funds="20"))
    first = ask_for_refund(asked)

    with nothing_moves(), pytest.raises(opening.AlreadyOpen) as refused:
        open_for(asked, maya)
    with nothing_moves(), pytest.raises(opening.CauseUnfit):
        open_for(order, maya, Cause.NOT_STARTED)
    with nothing_moves(), pytest.raises(texts.BadText):
        open_for(order, maya, text=" ")
    with nothing_moves(), pytest.raises(OrderNotFound):
        open_for(Order(pk=987_654_321), maya)
    assert refused.value.number == first.pk
