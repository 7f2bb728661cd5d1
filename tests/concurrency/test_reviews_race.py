"""Two people review at once, or one reviews while the order moves: one of them is heard."""

from decimal import Decimal
from functools import partial

import pytest

from billing.models import Account
from orders import handling
from orders.models import Cause, Order
from refunds import publishing, reviews
from refunds.models import Decision, DecisionState, PolicyVersion
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_service, make_staff, place_order

pytestmark = pytest.mark.django_db(transaction=True)


def waiting() -> Decision:
    """4.00 of an order of 10.00 wait for a person; the customer has 10.00 left."""
    order = place_order(make_customer(funds="20"), make_service(rate="10"))
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    return Decision.objects.get(order=order)


def available(order: Order) -> Decimal | None:
    return Account.objects.get(customer=order.customer, kind="available").balance


def test_of_two_people_who_approve_at_once_one_credits() -> None:
    hiro, ida = make_staff("hiro"), make_staff("ida")

    for _ in range(4):
        decision = waiting()

        results = race(
            [
                partial(reviews.approve, decision_id=decision.pk, reviewer=person, note="Fine", at=AT)
                for person in (hiro, ida)
            ]
        )

        assert len(of(Decision, results)) == 1
        assert len(of(reviews.AlreadyReviewed, results)) == 1
        assert available(decision.order) == Decimal(14)


def test_of_an_approval_and_a_decline_at_once_one_counts() -> None:
    hiro, ida = make_staff("hiro"), make_staff("ida")

    for _ in range(4):
        decision = waiting()

        approved, declined = race(
            [
                partial(reviews.approve, decision_id=decision.pk, reviewer=hiro, note="Fine", at=AT),
                partial(reviews.decline, decision_id=decision.pk, reviewer=ida, note="No", at=AT),
            ]
        )

        decision.refresh_from_db()
        assert {type(approved), type(declined)} == {Decision, reviews.AlreadyReviewed}
        won = decision.state == DecisionState.APPROVED
        assert available(decision.order) == (Decimal(14) if won else Decimal(10))


def test_an_approval_and_a_correction_at_once_credit_no_more_than_the_larger() -> None:
    grace, hiro = make_staff(), make_staff("hiro")

    for _ in range(4):
        decision = waiting()

        approved, corrected = race(
            [
                partial(reviews.approve, decision_id=decision.pk, reviewer=hiro, note="Fine", at=AT),
                partial(
                    handling.set_partial,
                    order_id=decision.order_id,
                    remains=300,
                    cause=Cause.CORRECTION,
                    staff=grace,
                    at=AT,
                ),
            ]
        )

        assert corrected is None
        was_heard = isinstance(approved, Decision)
        assert was_heard or isinstance(approved, reviews.AlreadyReviewed)
        order = Order.objects.get(pk=decision.order_id)
        assert order.refunded == (Decimal(4) if was_heard else Decimal(3))
        assert order.refunded + order.recognized == order.charge


def test_two_publications_at_once_get_numbers_of_their_own() -> None:
    text = (publishing.SHIPPED / "panel-credit-only.toml").read_text(encoding="utf-8")
    texts = [text.replace('summary = "', f'summary = "{n}: ', 1) for n in range(4)]

    results = race(
        [partial(publishing.publish, text=one, source="policy.toml", effective_from=AT, at=AT) for one in texts]
    )

    assert len(of(PolicyVersion, results)) == 4
    assert sorted(PolicyVersion.objects.filter(slug="panel-credit-only").values_list("number", flat=True)) == [
        1,
        2,
        3,
        4,
    ]
