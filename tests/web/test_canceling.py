from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import CancelRequest, CancelRequestState, Order, OrderEvent, OrderStatus
from panel.accounts.models import Standing, User
from tests.factories import make_provider, make_service, move, place_order
from tests.web import pages

pytestmark = pytest.mark.django_db


def _running(ada: User, *, allows_cancel: bool) -> Order:
    order = place_order(ada, make_service(provider=make_provider(), allows_cancel=allows_cancel))
    move(order, OrderStatus.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(provider_order_id="7001")
    return order


def test_says_before_what_comes_back_and_does_it(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50"), at=timezone.now())

    asked = pages.text(browser.get(f"/orders/{order.pk}/cancel/"))
    done = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    order.refresh_from_db()
    assert "Back to your balance 2.50 USD" in asked
    assert (order.status, order.refunded) == (OrderStatus.CANCELED, order.charge)
    assert f"Order {order.pk} is canceled. 2.50 USD is back on your balance." in pages.text(done)
    assert "+2.50 USD" in pages.text(browser.get("/balance/"))


def test_looking_at_the_question_changes_nothing(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service())

    browser.get(f"/orders/{order.pk}/cancel/")

    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING


def test_canceling_twice_says_so_and_refunds_once(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50"))
    browser.post(f"/orders/{order.pk}/cancel/")

    again = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    order.refresh_from_db()
    assert f"Order {order.pk} is canceled already." in pages.text(again)
    assert order.refunded == order.charge
    assert OrderEvent.objects.filter(order=order).count() == 2


@pytest.mark.parametrize("age", [timedelta(minutes=5), timedelta(days=3), timedelta(days=400)])
@pytest.mark.parametrize("standing", list(Standing))
def test_the_quote_is_what_the_cancel_then_decides(
    browser: Client, ada: User, age: timedelta, standing: Standing
) -> None:
    ada.standing = standing
    ada.save(update_fields=["standing"])
    order = place_order(ada, make_service(), at=max(timezone.now() - age, datetime(2020, 1, 2, tzinfo=UTC)))

    offer = browser.get(f"/orders/{order.pk}/cancel/").context["offer"]
    browser.post(f"/orders/{order.pk}/cancel/")

    decision = order.decisions.get()
    verdict = offer.quote.verdict
    assert (verdict.clause_id, verdict.owed, verdict.approval.value) == (
        decision.clause,
        decision.owed,
        decision.approval,
    )


def test_a_refund_that_waits_for_review_is_not_called_refunded(browser: Client, ada: User) -> None:
    ada.standing = Standing.ABUSE_FLAGGED
    ada.save(update_fields=["standing"])
    order = place_order(ada, make_service())

    asked = pages.text(browser.get(f"/orders/{order.pk}/cancel/"))
    done = pages.text(browser.post(f"/orders/{order.pk}/cancel/", follow=True))

    assert "Refund, after a review" in asked
    assert "Its page says what becomes of the charge." in done
    assert "Waiting for review" in done


@pytest.mark.usefixtures("credit_only_policy")
def test_refuses_in_the_policys_words_where_it_allows_no_cancel(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service())

    looked = browser.get(f"/orders/{order.pk}/cancel/", follow=True)
    posted = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    for answer in (looked, posted):
        assert answer.redirect_chain == [(f"/orders/{order.pk}/", 302)]
        assert "A change of mind is not refunded once the order is placed." in pages.text(answer)


def test_asks_the_provider_for_a_running_order_and_promises_nothing(browser: Client, ada: User) -> None:
    order = _running(ada, allows_cancel=True)

    asked = pages.text(browser.get(f"/orders/{order.pk}/cancel/"))
    done = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    order.refresh_from_db()
    assert "Nothing is refunded before that." in asked
    assert (OrderStatus(order.status), order.refunded) == (OrderStatus.IN_PROGRESS, Decimal(0))
    assert CancelRequest.objects.get(order=order).state == CancelRequestState.REQUESTED
    assert "Nothing is refunded until it confirms." in pages.text(done)


def test_a_request_that_the_provider_accepted_is_not_called_refunded(browser: Client, ada: User) -> None:
    order = _running(ada, allows_cancel=True)
    browser.post(f"/orders/{order.pk}/cancel/")
    CancelRequest.objects.update(state=CancelRequestState.ACCEPTED)

    page = browser.get(f"/orders/{order.pk}/")

    assert "Nothing is refunded until it confirms that the order has stopped." in pages.text(page)
    assert f"/orders/{order.pk}/cancel/" not in pages.links(page)


def test_a_second_request_is_refused_in_words(browser: Client, ada: User) -> None:
    order = _running(ada, allows_cancel=True)
    browser.post(f"/orders/{order.pk}/cancel/")

    again = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    assert "A cancel request for this order is on its way already." in pages.text(again)
    assert CancelRequest.objects.count() == 1


def test_offers_nothing_for_a_running_order_whose_service_can_not_be_canceled(browser: Client, ada: User) -> None:
    order = _running(ada, allows_cancel=False)

    page = browser.get(f"/orders/{order.pk}/")
    posted = browser.post(f"/orders/{order.pk}/cancel/", follow=True)

    assert "its service can't be canceled any more" in pages.text(page)
    assert f"/orders/{order.pk}/cancel/" not in pages.links(page)
    assert "its service can't be canceled" in pages.text(posted)
    assert not CancelRequest.objects.exists()
