"""Referring to the provider: through its API where it takes cancels, noted where staff ask by hand. No refund yet."""

from datetime import timedelta

import pytest

from orders.models import CancelRequest, Cause, Order
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from refunds.desk import access, referring
from refunds.models import RefundRequest, RefundRequestEvent
from tests.factories import AT, make_customer, make_provider
from tests.factories.desk import ask_for_refund, completed, decline, started
from tests.factories.reports import running, tell
from tests.refunds.desk.ground import kinds, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(hours=1)


def refer(request: RefundRequest, staff: User, note: str = "Please stop this one.") -> RefundRequest:
    return referring.refer(request_id=request.pk, staff=staff, note=note, at=LATER)


def with_provider(*, allows_cancel: bool = True) -> Order:
    return running(provider=make_provider(), allows_cancel=allows_cancel)


def test_a_running_orders_provider_is_asked_to_cancel_it(hiro: User) -> None:
    order = with_provider()
    request = ask_for_refund(order, Cause.PLATFORM_DELAY)

    refer(request, hiro)

    asked = CancelRequest.objects.get(order=order)
    assert (asked.cause, asked.initiator, asked.actor, asked.send_due_at) == ("platform_delay", "staff", hiro, LATER)
    request.refresh_from_db()
    assert (request.is_open, request.referred_at) == (True, LATER)
    assert kinds(request) == ["opened", "referred"]
    assert RefundRequestEvent.objects.filter(request=request).latest("id").text == "Please stop this one."
    assert letters(order.customer) == ["request_received"]
    assert money(order) == (0, 0)


def test_what_the_provider_reports_then_settles_the_order_and_answers_the_request(hiro: User) -> None:
    order = with_provider()
    request = ask_for_refund(order)
    refer(request, hiro)

    tell(order, "Canceled", "400")

    request.refresh_from_db()
    assert (request.state, request.amount) == ("superseded", 4)
    assert money(order) == (4, 6)


@pytest.mark.parametrize("which", ["takes no cancels", "nobody's", "ended"])
def test_any_other_order_is_only_noted(which: str, hiro: User) -> None:
    order = {"takes no cancels": lambda: with_provider(allows_cancel=False), "nobody's": started, "ended": completed}[
        which
    ]()
    request = ask_for_refund(order)

    refer(request, hiro)

    request.refresh_from_db()
    assert (request.is_open, request.referred_at) == (True, LATER)
    assert not CancelRequest.objects.exists()


def test_what_is_on_its_way_is_not_asked_for_twice_but_noted(hiro: User) -> None:
    request = ask_for_refund(with_provider())
    refer(request, hiro)

    refer(request, hiro, "They promised an answer by noon.")

    assert CancelRequest.objects.count() == 1
    assert kinds(request) == ["opened", "referred", "referred"]


def test_refuses_who_may_not_and_what_is_answered_and_what_says_nothing(hiro: User) -> None:
    request, ben = ask_for_refund(with_provider()), make_customer("ben")

    with nothing_moves(), pytest.raises(Forbidden):
        refer(request, ben)
    with nothing_moves(), pytest.raises(texts.BadText):
        refer(request, hiro, " ")
    decline(request, hiro)
    with nothing_moves(), pytest.raises(access.NotOpen):
        refer(request, hiro)
