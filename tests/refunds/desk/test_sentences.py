"""What a customer who asks reads about caps and fees, before and after."""

from decimal import Decimal

import pytest

from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing
from refunds.desk import proposals
from tests.factories import AT, make_customer, make_service, move, place_order
from tests.factories.catalog import make_category
from tests.factories.desk import ask_for_refund, publish_widened

pytestmark = pytest.mark.django_db


def sentence(order: Order, cause: Cause, *, at_once: bool = False) -> str:
    return proposals.sentence(proposals.judge(order, cause=cause, standing=Standing.CLEAR, at=AT), at_once=at_once)


def completed_placement(change: tuple[str, str] | None = None) -> Order:
    creators = make_category("Creator placements")
    publish_widened(creators=creators, change=change)
    order = place_order(make_customer(funds="20"), make_service(rate="10", category=creators))
    move(order, OrderStatus.IN_PROGRESS)
    move(order, OrderStatus.COMPLETED, remains=0)
    return order


def test_a_proposal_says_what_a_cap_and_a_fee_take_off() -> None:
    assert sentence(completed_placement(), Cause.DROPPED) == (
        "4.50 USD (at most 50 % of the charge, less a fee of 0.50 USD): a person looks at it within 24 to 48 hours"
        " because the placement went away soon after the end."
    )


def test_a_request_keeps_the_sentence_that_its_customer_read() -> None:
    order = completed_placement()

    request = ask_for_refund(order, Cause.DROPPED)

    assert request.sentence == sentence(order, Cause.DROPPED)
    assert request.owed == Decimal("4.50")


def test_what_is_credited_at_once_says_what_a_cap_and_a_fee_take_off() -> None:
    order = completed_placement(('approval = "review", cap = "50 %"', 'approval = "automatic", cap = "50 %"'))

    assert sentence(order, Cause.DROPPED, at_once=True) == (
        "4.50 USD is credited to your balance (at most 50 % of the charge, less a fee of 0.50 USD) because the"
        " placement went away soon after the end."
    )


def test_a_fee_that_takes_all_of_it_is_said_where_nothing_comes_back() -> None:
    order = completed_placement(
        ('approval = "review", cap = "50 %", fee = "0.50"', 'approval = "automatic", cap = "50 %", fee = "5.00"')
    )

    assert sentence(order, Cause.DROPPED, at_once=True) == (
        "This is not refundable (at most 50 % of the charge, less a fee of 5.00 USD) because the placement went away"
        " soon after the end."
    )
