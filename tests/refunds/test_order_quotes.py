"""What an order's page says beforehand is what is then decided: by a cancel, by the provider's end, by a request."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import canceling, lifecycle
from orders.lifecycle import Progress
from orders.models import Cause, Order, OrderStatus, Service
from panel.accounts.models import Standing, User
from refunds import order_quotes
from refunds.desk import causes, opening
from refunds.models import Decision, DecisionState, RefundRequest
from refunds.order_quotes import Claim
from tests.factories import AT, make_customer, make_service, move, place_order
from tests.factories.catalog import make_category
from tests.factories.desk import (
    approve,
    ask_for_refund,
    confirm,
    decline,
    make_agent,
    make_approver,
    publish_widened,
)

pytestmark = pytest.mark.django_db

MICROSECOND = timedelta(microseconds=1)
NOTHING_LATER = """then = { refund = "none", approval = "automatic" }
text = "What goes away of {scope} later than that is not refunded."
"""
LESS_LATER = """then = { refund = "full", approval = "review", cap = "10 %" }
text = "For what goes away of {scope} later than that, at most {cap} comes back."
"""
POLICIES = ["money-back-guarantee", "panel-credit-only", "widened"]


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    """A policy in force: each of the two that ship, and one with rules of every kind about creators."""
    if request.param == "panel-credit-only":
        request.getfixturevalue("credit_only_policy")
    elif request.param == "widened":
        publish_widened(creators=make_category("Creator placements"))
    return str(request.param)


def services() -> list[Service]:
    """Return a service of each kind that the policies tell apart."""
    categories = (make_category(), make_category("Creator placements"))
    return [
        make_service(rate="10", category=category, refund_after_start=refundable)
        for category, refundable in product(categories, (True, False))
    ]


def rich(standing: Standing = Standing.CLEAR) -> User:
    customer = make_customer(funds="5000")
    User.objects.filter(pk=customer.pk).update(standing=standing)
    return User.objects.get(pk=customer.pk)


def running(customer: User, service: Service, remains: int | None) -> Order:
    order = place_order(customer, service)
    move(order, OrderStatus.PROCESSING)
    move(order, OrderStatus.IN_PROGRESS)
    if remains is not None:
        lifecycle.note_progress([Progress(order.pk, remains, 5)])
    return Order.objects.get(pk=order.pk)


def ended(customer: User, service: Service, *, remains: int = 0) -> Order:
    order = place_order(customer, service)
    move(order, OrderStatus.IN_PROGRESS)
    if remains:
        move(order, OrderStatus.PARTIAL, remains=remains, cause=Cause.CANNOT_COMPLETE)
    else:
        move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)
    return order


def claims(order: Order, *, at: datetime = AT) -> tuple[Claim, ...]:
    found = Order.objects.select_related("customer").get(pk=order.pk)
    return order_quotes.open_claims(
        found,
        standing=Standing(found.customer.standing),
        decisions=list(Decision.objects.filter(order=order)),
        requests=list(RefundRequest.objects.filter(order=order)),
        at=at,
    )


def claim_for(order: Order, cause: Cause, *, at: datetime = AT) -> Claim | None:
    return next((claim for claim in claims(order, at=at) if cause in claim.causes), None)


def placement(customer: User | None = None) -> Order:
    """Return a completed order of 10.00 for a placement, of which drops can be claimed for 72 hours."""
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    return ended(customer or rich(), make_service(rate="10", category=creators))


@contextmanager
def without_statements() -> Iterator[None]:
    with CaptureQueriesContext(connection) as made:
        yield
    assert len(made) == 0


@pytest.mark.parametrize("standing", list(Standing))
def test_a_cancel_gives_what_was_quoted(policy: str, standing: Standing) -> None:
    customer = rich(standing)
    for service in services():
        order = place_order(customer, service)
        quote = order_quotes.if_canceled(order, standing=standing, at=AT)
        if policy == "panel-credit-only":
            assert quote.clause in {"change-of-mind", "abuse-or-fraud"}
            assert quote.credit == 0
            continue
        canceling.cancel(customer=customer, order_id=order.pk, at=AT)

        decision = Decision.objects.get(order=order)
        assert (quote.clause, quote.verdict.owed) == (decision.clause, decision.owed)
        assert quote.waits == (decision.state == DecisionState.AWAITING_REVIEW)
        assert quote.credit == (decision.owed if quote.waits else decision.credited)


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize(
    ("remains", "end", "cause"),
    [
        (1000, OrderStatus.CANCELED, Cause.PROVIDER_CANCELED),
        (333, OrderStatus.PARTIAL, Cause.CANNOT_COMPLETE),
        (0, OrderStatus.COMPLETED, Cause.DELIVERED),
    ],
)
def test_an_end_as_reported_gives_what_was_quoted(
    policy: str, standing: Standing, remains: int, end: OrderStatus, cause: Cause
) -> None:
    customer = rich(standing)
    for service in services():
        order = running(customer, service, remains)
        quote = order_quotes.if_ended_now(order, standing=standing, at=AT)
        move(order, end, remains=remains, cause=cause)

        decision = Decision.objects.get(order=order)
        assert quote is not None
        assert quote.version.policy.slug == policy.replace("widened", "money-back-guarantee")
        assert (quote.clause, quote.verdict.owed) == (decision.clause, decision.owed)
        assert quote.waits == (decision.state == DecisionState.AWAITING_REVIEW)
        assert quote.credit == (decision.owed if quote.waits else decision.credited)


def test_an_end_is_quoted_with_units_deductions_and_rule() -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators)
    order = running(rich(), make_service(rate="10", category=creators), 400)

    quote = order_quotes.if_ended_now(order, standing=Standing.CLEAR, at=AT)

    assert quote is not None
    assert (quote.amounts.remains, quote.credit, quote.waits, quote.is_all) == (400, Decimal("3.80"), False, False)
    assert quote.deductions == " (less a fee of 5 %)"
    assert quote.rule == (
        "Some of creator placements can't be had: what was not delivered is refunded, less 5 % of the refund."
    )


def test_nothing_is_quoted_for_what_has_begun_and_is_not_reported_yet() -> None:
    order = running(rich(), make_service(), None)

    assert order_quotes.if_ended_now(order, standing=Standing.CLEAR, at=AT) is None


def test_an_order_that_is_not_started_at_the_provider_has_all_units_left() -> None:
    order = place_order(rich(), make_service(rate="10", refund_after_start=False))
    move(order, OrderStatus.PROCESSING)

    quote = order_quotes.if_ended_now(order, standing=Standing.CLEAR, at=AT)

    assert quote is not None
    assert (quote.clause, quote.credit, quote.is_all) == ("canceled-by-provider", Decimal(10), True)


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("remains", [0, 400])
def test_the_open_claims_are_what_the_desk_makes_of_each_cause(policy: str, standing: Standing, remains: int) -> None:
    customer = rich(standing)
    compared = 0
    for service in services():
        order = ended(customer, service, remains=remains)
        if RefundRequest.objects.filter(order=order).exists():  # the end itself waits for a person
            continue
        for hours, (cause, _) in product((0, 24, 25, 72, 73, 720, 721), causes.fitting(order)):
            at = AT + timedelta(hours=hours)
            found = {one: claim for claim in claims(order, at=at) for one in claim.causes}
            quote = opening.quote(customer=customer, order_id=order.pk, cause=cause, at=at)
            is_refused = quote.at_once and quote.proposal.credit == 0
            assert (cause in found) is not is_refused, (policy, cause, hours)
            if cause in found:
                compared += 1
                claim = found[cause]
                assert (claim.credit, claim.waits) == (quote.proposal.credit, not quote.at_once)
                assert claim.until is None or claim.until >= at
    assert compared or policy == "panel-credit-only" or (remains and standing != Standing.CLEAR)


def test_a_claim_says_until_when_it_can_be_made_to_the_second() -> None:
    order = placement()

    claim = claim_for(order, Cause.DROPPED)

    assert claim == Claim((Cause.DROPPED,), Decimal("4.50"), waits=True, until=AT + timedelta(hours=72), closes=True)
    assert claim_for(order, Cause.DROPPED, at=AT + timedelta(hours=72)) == claim
    assert claim_for(order, Cause.DROPPED, at=AT + timedelta(hours=72) + MICROSECOND) is None


def test_a_claim_that_time_does_not_change_has_no_end() -> None:
    claim = claim_for(placement(), Cause.CANNOT_COMPLETE)

    assert claim is not None
    assert (claim.until, claim.credit, claim.waits) == (None, Decimal(0), True)


def test_causes_that_are_answered_alike_are_one_claim() -> None:
    order = ended(rich(), make_service(rate="10"))

    assert claims(order) == (
        Claim(
            (Cause.CANNOT_COMPLETE, Cause.DROPPED, Cause.INVALID_TARGET, Cause.PLATFORM_DELAY),
            Decimal(0),
            waits=True,
            until=None,
            closes=False,
        ),
        Claim((Cause.SYSTEM_ERROR,), Decimal(10), waits=True, until=None, closes=False),
    )


@pytest.mark.usefixtures("credit_only_policy")
def test_nothing_can_be_claimed_where_the_policy_lists_nothing() -> None:
    assert claims(ended(rich(), make_service())) == ()


def test_a_claim_on_other_terms_afterwards_does_not_close() -> None:
    creators = make_category("Creator placements")
    publish_widened(creators=creators, change=(NOTHING_LATER, LESS_LATER))
    order = ended(rich(), make_service(rate="10", category=creators))

    soon, late = claim_for(order, Cause.DROPPED), claim_for(order, Cause.DROPPED, at=AT + timedelta(days=4))

    assert soon == Claim((Cause.DROPPED,), Decimal("4.50"), waits=True, until=AT + timedelta(hours=72), closes=False)
    assert late == Claim((Cause.DROPPED,), Decimal("1.00"), waits=True, until=None, closes=False)


def test_the_age_of_the_order_can_close_a_claim_too() -> None:
    publish_widened(
        creators=make_category("Creator placements"),
        change=("when.claim_window_hours = 72", 'when.claim_window_hours = 72\nwhen.since_placed = ["within_day"]'),
    )
    service = make_service(rate="10", category=make_category("Creator placements"))
    order = place_order(rich(), service, at=AT - timedelta(hours=20))
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)

    claim = claim_for(order, Cause.DROPPED)

    assert claim is not None
    assert (claim.until, claim.closes) == (AT + timedelta(hours=4), True)


def test_what_was_declined_is_not_offered_again() -> None:
    order = placement()
    decline(ask_for_refund(order, Cause.DROPPED), make_agent())

    assert claim_for(order, Cause.DROPPED) is None
    assert claim_for(order, Cause.CANNOT_COMPLETE) is not None
    with pytest.raises(opening.AnsweredBefore):
        ask_for_refund(order, Cause.DROPPED)


def test_what_people_decided_about_goes_to_a_person_again() -> None:
    creators = make_category("Creator placements")
    publish_widened(
        creators=creators, change=('approval = "review", cap = "50 %"', 'approval = "automatic", cap = "50 %"')
    )
    order = ended(rich(), make_service(rate="10", category=creators))
    assert claim_for(order, Cause.DROPPED) == Claim(
        (Cause.DROPPED,), Decimal("4.50"), waits=False, until=AT + timedelta(hours=72), closes=True
    )

    decline(ask_for_refund(order, Cause.CANNOT_COMPLETE), make_agent())

    claim = claim_for(order, Cause.DROPPED)
    quote = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.DROPPED, at=AT)
    assert claim is not None
    assert (claim.waits, quote.at_once) == (True, False)


def test_what_was_credited_before_is_taken_off_a_claim() -> None:
    order = ended(rich(), make_service(rate="10"))
    hiro, ida = make_agent(), make_approver()
    confirm(approve(ask_for_refund(order, Cause.CANNOT_COMPLETE), hiro, "3.00"), ida)

    claim = claim_for(order, Cause.SYSTEM_ERROR)

    assert claim is not None
    assert claim.credit == Decimal("7.00")


def test_quotes_make_no_statements() -> None:
    customer, service = rich(), make_service(rate="10")
    pending, begun, over = place_order(customer, service), running(customer, service, 400), ended(customer, service)
    order_quotes.if_canceled(pending, standing=Standing.CLEAR, at=AT)  # policy versions are read once a process

    with without_statements():
        order_quotes.if_canceled(pending, standing=Standing.CLEAR, at=AT)
        order_quotes.if_ended_now(begun, standing=Standing.CLEAR, at=AT)
        order_quotes.open_claims(over, standing=Standing.CLEAR, decisions=[], requests=[], at=AT)
