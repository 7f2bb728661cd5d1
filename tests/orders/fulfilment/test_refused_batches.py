"""A provider that refuses a whole status call because of one number in it keeps no other order from its end."""

import pytest

from orders.fulfilment.sync import Tally
from orders.models import AttentionItem, AttentionKind, Order, OrderStatus
from tests.factories import make_provider
from tests.orders.fulfilment.conftest import Picky
from tests.orders.fulfilment.stage import MINUTE, POLL, at_provider, status_of, sync_at

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(AttentionItem.objects.values_list("kind", flat=True))


def test_one_bad_number_does_not_keep_ninety_nine_orders_from_being_followed(picky: Picky) -> None:
    orders = at_provider(100, make_provider(api_url=picky.url))
    bad = orders[41]
    picky.refusals[bad.provider_order_id] = "Order 41 was archived"

    assert sync_at(POLL) == Tally(polled=100, moved=99, concerns=1)

    item = AttentionItem.objects.get()
    assert (item.kind, item.order_id) == (AttentionKind.MISSING_AT_PROVIDER, bad.pk)
    assert "Order 41 was archived" in item.detail
    assert (status_of(bad), bad.sync_due_at) == (OrderStatus.PROCESSING, POLL + MINUTE)
    assert bad.refunded == 0
    assert Order.objects.filter(status=OrderStatus.COMPLETED).count() == 99
    assert len(picky.calls) <= 15


def test_two_bad_numbers_far_apart_are_both_found(picky: Picky) -> None:
    orders = at_provider(9, make_provider(api_url=picky.url))
    picky.refusals = {orders[0].provider_order_id: "Incorrect request", orders[8].provider_order_id: "Gone"}

    assert sync_at(POLL) == Tally(polled=9, moved=7, concerns=2)

    assert set(AttentionItem.objects.values_list("order_id", flat=True)) == {orders[0].pk, orders[8].pk}


def test_a_refusal_of_a_single_order_is_about_that_order_and_the_provider_is_not_left_alone(picky: Picky) -> None:
    provider = make_provider(api_url=picky.url)
    [order] = at_provider(1, provider)
    picky.refusals[order.provider_order_id] = "Something went wrong"

    assert sync_at(POLL) == Tally(polled=1, concerns=1)
    assert status_of(order) == OrderStatus.PROCESSING

    picky.refusals.clear()
    assert sync_at(POLL + MINUTE) == Tally(polled=1, moved=1)


def test_a_provider_that_refuses_every_order_of_a_batch_is_left_alone_and_no_order_is_blamed(picky: Picky) -> None:
    at_provider(5, make_provider(api_url=picky.url))
    picky.refusals["*"] = "Something went wrong"

    assert sync_at(POLL) == Tally(polled=5, failed=5)

    assert kinds() == []
    assert set(Order.objects.values_list("sync_due_at", flat=True)) == {POLL + 2 * MINUTE}


@pytest.mark.parametrize(
    ("text", "filed"),
    [("Invalid API key", [AttentionKind.PROVIDER_KEY]), ("Too many requests", []), ("Not enough funds", [])],
)
def test_a_refusal_because_of_us_is_not_asked_in_parts(picky: Picky, text: str, filed: list[str]) -> None:
    at_provider(4, make_provider(api_url=picky.url))
    picky.refusals["*"] = text

    assert sync_at(POLL) == Tally(polled=4, failed=4)

    assert (len(picky.calls), kinds()) == (1, filed)


def test_what_is_left_of_a_batch_waits_when_the_provider_has_enough_of_its_parts(picky: Picky) -> None:
    orders = at_provider(4, make_provider(api_url=picky.url))
    picky.refusals = {orders[2].provider_order_id: "Gone", orders[3].provider_order_id: "Too many requests"}

    assert sync_at(POLL) == Tally(polled=4, moved=2, concerns=1, failed=1)

    assert status_of(orders[3]) == OrderStatus.PROCESSING
    assert orders[3].sync_due_at == POLL + 2 * MINUTE
