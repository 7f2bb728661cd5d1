"""Reviews: one person, not the customer, decides once; an approval credits what was proposed and no more."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Account, Transfer
from orders import handling
from orders.models import Cause, Order
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound
from refunds import reviews
from refunds.models import Decision, DecisionState
from tests.factories import AT, make_customer, make_service, make_staff, place_order
from tests.factories.people import fund

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)
Review = Callable[..., Decision]
BOTH = pytest.mark.parametrize("review", [reviews.approve, reviews.decline], ids=["approve", "decline"])


def waiting(customer: User | None = None, *, promo: str = "0") -> Decision:
    """An order of 10.00, canceled for a wrong link with 400 of 1,000 undelivered: 4.00 wait for a person."""
    order = place_order(customer or make_customer(funds="20", promo=promo), make_service(rate="10"))
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    return Decision.objects.get(order=order)


def available(order: Order) -> Decimal | None:
    return Account.objects.get(customer=order.customer, kind="available").balance


def untouched(decision: Decision) -> bool:
    decision.refresh_from_db()
    return (
        (decision.state, decision.credited, decision.reviewed_by) == (DecisionState.AWAITING_REVIEW, Decimal(0), None)
        and available(decision.order) == Decimal(10)
        and Transfer.objects.filter(order_ref=decision.order_id).count() == 2
    )


def test_an_approval_credits_what_was_proposed_and_says_by_whom_and_why() -> None:
    decision, hiro = waiting(), make_staff("hiro")

    reviews.approve(decision_id=decision.pk, reviewer=hiro, note=" The link was fine. ", at=LATER)

    decision.refresh_from_db()
    assert (decision.state, decision.credited, decision.owed) == (DecisionState.APPROVED, Decimal(4), Decimal(4))
    assert (decision.reviewed_by, decision.reviewed_at, decision.review_note) == (hiro, LATER, "The link was fine.")
    assert "4.00 USD was credited after review: The link was fine." in decision.sentence
    assert (decision.order.refunded, decision.order.recognized) == (Decimal(4), Decimal(6))
    assert available(decision.order) == Decimal(14)


def test_a_decline_credits_nothing_and_recognizes_what_was_held_back() -> None:
    decision, hiro = waiting(), make_staff("hiro")

    reviews.decline(decision_id=decision.pk, reviewer=hiro, note="The link was wrong.", at=LATER)

    decision.refresh_from_db()
    assert (decision.state, decision.credited) == (DecisionState.DECLINED, Decimal(0))
    assert (decision.order.refunded, decision.order.recognized) == (Decimal(0), Decimal(10))
    assert available(decision.order) == Decimal(10)


def test_an_approval_gives_promotional_money_back_as_such() -> None:
    decision = waiting(promo="5")

    reviews.approve(decision_id=decision.pk, reviewer=make_staff("hiro"), note="Fine", at=LATER)

    balances = dict(Account.objects.filter(customer=decision.order.customer).values_list("kind", "balance"))
    assert balances == {"promo": Decimal(2), "available": Decimal(17)}


@BOTH
@pytest.mark.parametrize("first", [reviews.approve, reviews.decline], ids=["approved", "declined"])
def test_refuses_what_was_decided_already(review: Review, first: Review) -> None:
    decision = waiting()
    first(decision_id=decision.pk, reviewer=make_staff("hiro"), note="First", at=LATER)
    before = available(decision.order)

    with pytest.raises(reviews.AlreadyReviewed):
        review(decision_id=decision.pk, reviewer=make_staff("ida"), note="Second", at=LATER)

    decision.refresh_from_db()
    assert decision.review_note == "First"
    assert available(decision.order) == before


@BOTH
def test_refuses_what_a_later_move_has_answered(review: Review) -> None:
    decision = waiting()
    handling.complete(order_id=decision.order_id, staff=make_staff(), at=LATER)

    with pytest.raises(reviews.AlreadyReviewed):
        review(decision_id=decision.pk, reviewer=make_staff("hiro"), note="Late", at=LATER)

    assert available(decision.order) == Decimal(10)


@BOTH
def test_refuses_who_is_no_staff(review: Review) -> None:
    decision = waiting()

    with pytest.raises(Forbidden):
        review(decision_id=decision.pk, reviewer=make_customer("ben"), note="Please", at=LATER)

    assert untouched(decision)


@BOTH
def test_refuses_staff_who_review_their_own_order(review: Review) -> None:
    hiro = make_staff("hiro")
    fund(hiro, "20")
    decision = waiting(hiro)

    with pytest.raises(Forbidden):
        review(decision_id=decision.pk, reviewer=hiro, note="Mine", at=LATER)

    assert untouched(decision)


@BOTH
@pytest.mark.parametrize("note", ["", "  \n"])
def test_refuses_a_review_without_a_reason(review: Review, note: str) -> None:
    decision = waiting()

    with pytest.raises(reviews.ReasonMissing) as refused:
        review(decision_id=decision.pk, reviewer=make_staff("hiro"), note=note, at=LATER)

    assert refused.value.field == "note"
    assert untouched(decision)


@BOTH
def test_refuses_a_decision_that_there_is_not(review: Review) -> None:
    with pytest.raises(NotFound):
        review(decision_id=987_654_321, reviewer=make_staff("hiro"), note="Which", at=LATER)
