"""The attention queue: one open item per order or provider and kind, closed once by a person with a reason."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import attention
from orders.attention import Concern
from orders.models import AttentionItem, AttentionKind, Order, Submission, SubmissionState
from panel.kernel.errors import NotFound, PanelError, Refused
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, place_order

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(minutes=5)


def concern(order_id: int, **changed: Any) -> Concern:
    return Concern(**{"kind": AttentionKind.BAD_REMAINS, "detail": "remains is -1", "order_id": order_id, **changed})


def test_counts_repeats_on_the_open_item_and_keeps_the_latest_report() -> None:
    order = place_order(make_customer(funds="10"), make_service())

    attention.file([concern(order.pk, report={"remains": "-1"})], AT)
    attention.file([concern(order.pk, detail="remains is x", report={"remains": "x"})], LATER)

    item = AttentionItem.objects.get()
    assert (item.seen, item.first_at, item.last_at) == (2, AT, LATER)
    assert (item.detail, item.report) == ("remains is x", {"remains": "x"})


def test_keeps_kinds_orders_and_providers_apart() -> None:
    ada, reach, provider = make_customer(funds="10"), make_service(), make_provider()
    first, second = place_order(ada, reach), place_order(ada, reach)
    empty = Concern(AttentionKind.PROVIDER_BALANCE, "Our balance is empty", provider_id=provider.pk)

    attention.file(
        [concern(first.pk), concern(second.pk), concern(first.pk, kind=AttentionKind.UNKNOWN_STATUS), empty], AT
    )

    assert AttentionItem.objects.count() == 4


def test_takes_the_same_concern_twice_in_one_call() -> None:
    order = place_order(make_customer(funds="10"), make_service())

    attention.file([concern(order.pk), concern(order.pk)], AT)

    assert AttentionItem.objects.get().seen == 1


def test_a_resolved_item_is_not_counted_up_but_opened_anew() -> None:
    order, grace = place_order(make_customer(funds="10"), make_service()), make_staff()
    attention.file([concern(order.pk)], AT)
    attention.resolve(item_id=AttentionItem.objects.get().pk, staff=grace, resolution="Asked the provider", at=AT)

    attention.file([concern(order.pk)], LATER)

    assert AttentionItem.objects.filter(resolved_at=None).get().seen == 1
    assert AttentionItem.objects.count() == 2


def test_files_any_number_in_two_statements_at_most() -> None:
    ada, reach, provider = make_customer(funds="10"), make_service(), make_provider()
    orders = [place_order(ada, reach, quantity=10) for _ in range(20)]
    many = [concern(order.pk) for order in orders]
    many.append(Concern(AttentionKind.PROVIDER_KEY, "refused", provider_id=provider.pk))

    with CaptureQueriesContext(connection) as queries:
        attention.file(many, AT)
    with CaptureQueriesContext(connection) as none:
        attention.file([], AT)

    assert (len(queries), len(none)) == (2, 0)


def test_resolves_once_with_who_and_why() -> None:
    order, grace = place_order(make_customer(funds="10"), make_service()), make_staff()
    attention.file([concern(order.pk)], AT)
    item = AttentionItem.objects.get()

    attention.resolve(item_id=item.pk, staff=grace, resolution=" Asked the provider ", at=LATER)

    item.refresh_from_db()
    assert (item.resolved_at, item.resolved_by, item.resolution) == (LATER, grace, "Asked the provider")


@pytest.mark.parametrize("case", ["again", "unexplained", "missing"])
def test_refuses_to_resolve(case: str) -> None:
    order, grace = place_order(make_customer(funds="10"), make_service()), make_staff()
    attention.file([concern(order.pk)], AT)
    item = AttentionItem.objects.get()
    if case == "again":
        attention.resolve(item_id=item.pk, staff=grace, resolution="First", at=AT)
    errors: dict[str, type[PanelError]] = {
        "again": attention.AlreadyResolved,
        "unexplained": Refused,
        "missing": NotFound,
    }

    with pytest.raises(errors[case]):
        attention.resolve(
            item_id=item.pk if case != "missing" else item.pk + 1,
            staff=make_staff("hiro"),
            resolution=" " if case == "unexplained" else "Second",
            at=LATER,
        )

    item.refresh_from_db()
    assert (item.resolution, item.resolved_at) == (("First", AT) if case == "again" else ("", None))


def test_refuses_to_put_away_an_unknown_submission_without_its_answer() -> None:
    provider, grace = make_provider(), make_staff()
    order = place_order(make_customer(funds="10"), make_service(provider=provider))
    Submission.objects.create(order=order, provider=provider, state=SubmissionState.UNKNOWN)
    attention.file([concern(order.pk, kind=AttentionKind.SUBMISSION_UNKNOWN)], AT)
    item = AttentionItem.objects.get()

    with pytest.raises(attention.StillOpen, match="found there, or not there"):
        attention.resolve(item_id=item.pk, staff=grace, resolution="seen", at=AT)

    item.refresh_from_db()
    assert item.resolved_at is None


def test_refuses_to_put_away_a_refused_order_that_still_waits() -> None:
    order = place_order(make_customer(funds="10"), make_service(provider=make_provider()))
    Order.objects.filter(pk=order.pk).update(submit_due_at=None)
    attention.file([concern(order.pk, kind=AttentionKind.SUBMISSION_REFUSED)], AT)
    item = AttentionItem.objects.get()

    with pytest.raises(attention.StillOpen, match="send it again"):
        attention.resolve(item_id=item.pk, staff=make_staff(), resolution="seen", at=AT)

    item.refresh_from_db()
    assert item.resolved_at is None
