"""A provider that can't be reached for long: a person is told, and its orders wait instead of going back and forth."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.fulfilment import outcomes, submit
from orders.fulfilment.client import NotSent
from orders.fulfilment.sync import Tally
from orders.models import AttentionItem, AttentionKind, OrderEvent, OrderStatus, Provider, Submission
from panel.sandbox.provider import Sandbox
from tests.factories import make_customer, make_provider
from tests.orders.fulfilment.stage import DUE, MINUTE, POLL, at_provider, order_at, provider_of, status_of, sync_at

pytestmark = pytest.mark.django_db

HALF = timedelta(seconds=30)


def run(at: datetime) -> list[str | None]:
    return [submit.send(submission_id=number, at=at) for number in submit.claim(limit=100, at=at)]


def unreachable() -> list[tuple[int | None, int]]:
    items = AttentionItem.objects.filter(kind=AttentionKind.PROVIDER_UNREACHABLE)
    return list(items.values_list("provider_id", "seen"))


def held_for(provider: Provider, at: datetime) -> float:
    provider.refresh_from_db()
    assert provider.held_until is not None
    return (provider.held_until - at).total_seconds()


def test_one_order_tries_whether_the_provider_is_back_and_the_others_wait_untouched() -> None:
    provider, customer = make_provider(), make_customer(funds="50")
    orders = [order_at(provider, customer) for _ in range(4)]
    run(DUE)
    before = OrderEvent.objects.count()

    [submission_id] = submit.claim(limit=100, at=DUE + HALF)

    assert Submission.objects.get(pk=submission_id).order_id in {order.pk for order in orders}
    assert OrderEvent.objects.count() == before + 1
    assert submit.claim(limit=100, at=DUE + HALF) == []  # while the first one tries, no second one does
    assert sorted(map(status_of, orders)) == ["pending", "pending", "pending", "processing"]


def test_a_trial_does_not_keep_orders_of_other_providers_waiting() -> None:
    down, fine, customer = make_provider(), make_provider(), make_customer(funds="50")
    Provider.objects.filter(pk=down.pk).update(held_until=DUE, held_reason="Not reached")
    for provider in (down, down, fine, fine):
        order_at(provider, customer)

    claimed = submit.claim(limit=3, at=DUE)

    providers = Submission.objects.filter(pk__in=claimed).values_list("provider_id", flat=True)
    assert sorted(providers) == [down.pk, fine.pk, fine.pk]


def test_all_orders_go_once_the_provider_took_one(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    Provider.objects.filter(pk=provider.pk).update(held_until=DUE, held_reason="Not reached")
    for _ in range(4):
        order_at(provider, customer)

    assert run(DUE) == ["accepted"]
    assert run(DUE) == ["accepted"] * 3


def test_the_number_of_statements_of_a_claim_is_the_same_while_a_provider_is_tried() -> None:
    counts = []
    for held_until in (None, DUE):
        provider = make_provider(held_until=held_until, held_reason="Not reached" if held_until else "")
        order_at(provider, make_customer(funds="50"))
        with CaptureQueriesContext(connection) as queries:
            assert len(submit.claim(limit=100, at=DUE)) == 1
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_person_is_told_when_the_provider_is_not_reached_again_and_the_pause_doubles() -> None:
    provider, customer = make_provider(), make_customer(funds="100")
    for _ in range(20):
        order_at(provider, customer)
    at, pauses = DUE, []
    for _ in range(7):
        assert "not_sent" in run(at)
        pauses.append(held_for(provider, at))
        at = provider.held_until or at
        assert unreachable() == ([(provider.pk, len(pauses) - 1)] if len(pauses) > 1 else [])

    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_calls_that_were_under_way_when_the_provider_went_away_count_as_one_failure() -> None:
    provider, customer = make_provider(), make_customer(funds="50")
    for _ in range(3):
        order_at(provider, customer)
    claimed = submit.claim(limit=10, at=DUE)
    Submission.objects.update(state="calling", called_at=DUE)

    for number in claimed:
        outcomes.record(submission_id=number, outcome=NotSent("no connection"), at=DUE)

    assert held_for(provider, DUE) == 30
    assert unreachable() == []


def test_after_the_provider_was_back_the_pause_is_short_again(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    there, gone = provider.api_url, "http://127.0.0.1:9/api/v2"
    at = DUE
    for address in (gone, gone, there, gone):
        order_at(provider, customer)
        Provider.objects.filter(pk=provider.pk).update(api_url=address)
        run(at)
        provider.refresh_from_db()
        at = max(at, provider.held_until or at)

    assert provider.held_until == DUE + HALF + MINUTE + HALF


def test_a_hold_for_another_reason_does_not_lengthen_the_pause() -> None:
    provider = make_provider(held_until=DUE, held_reason="Our balance at the provider is empty")
    order_at(provider)

    assert run(DUE) == ["not_sent"]
    assert held_for(provider, DUE) == 30


def test_a_person_is_told_when_the_third_poll_in_a_row_is_not_answered() -> None:
    provider = make_provider()
    [order] = at_provider(1, provider)

    told = []
    for minutes in (0, 2, 6, 14):
        assert sync_at(POLL + minutes * MINUTE) == Tally(polled=1, failed=1)
        told.append(unreachable())

    assert told == [[], [], [(provider.pk, 1)], [(provider.pk, 2)]]
    assert status_of(order) == OrderStatus.PROCESSING
