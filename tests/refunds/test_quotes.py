"""What staff are told beforehand is what the settlement then does: for every cause, standing, end and both policies."""

import itertools
from decimal import Decimal

import pytest

from orders import handling
from orders.lifecycle import Move
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing
from refunds import quotes
from refunds.models import Decision, DecisionState, PolicyVersion
from refunds.policy.facts import FactsInvalid
from tests.factories import AT, make_customer, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db
ENDS = [
    (OrderStatus.CANCELED, 1000),
    (OrderStatus.CANCELED, 400),
    (OrderStatus.PARTIAL, 400),
    (OrderStatus.COMPLETED, 0),
]


def foresee(order: Order, wish: Move) -> quotes.Quote:
    found = Order.objects.select_related("customer").get(pk=order.pk)
    return quotes.foresee(found, wish, AT, standing=Standing(found.customer.standing))


def make(wish: Move, staff: object) -> None:
    """Make the move as the staff pages do."""
    if wish.to == OrderStatus.COMPLETED:
        handling.complete(order_id=wish.order_id, staff=staff, at=AT)  # type: ignore[arg-type] # of make_staff
        return
    use_case = handling.cancel if wish.to == OrderStatus.CANCELED else handling.set_partial
    use_case(order_id=wish.order_id, cause=wish.cause, remains=wish.remains, staff=staff, at=AT)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["money-back-guarantee", "panel-credit-only"])
@pytest.mark.parametrize("standing", Standing)
def test_quotes_what_is_then_decided_and_credited(
    policy: str, standing: Standing, request: pytest.FixtureRequest
) -> None:
    if policy == "panel-credit-only":
        request.getfixturevalue("credit_only_policy")
    customer, staff = make_customer(funds="500", promo="10"), make_staff()
    customer.standing = standing
    customer.save(update_fields=["standing"])
    services = [make_service(refund_after_start=True), make_service(refund_after_start=False)]
    waited = 0

    for cause, (end, remains), service in itertools.product(Cause, ENDS, services):
        if (cause == Cause.DELIVERED) != (end == OrderStatus.COMPLETED):
            continue
        order = place_order(customer, service)
        assert PolicyVersion.objects.get(pk=order.policy_version).slug == policy
        wish = Move(order.pk, end, cause=cause, remains=remains)
        quote = foresee(order, wish)
        make(wish, staff)

        decision = Decision.objects.get(order=order)
        waits = decision.state == DecisionState.AWAITING_REVIEW
        assert (quote.clause, quote.owed, quote.credit, quote.waits) == (
            decision.clause,
            decision.owed,
            decision.credited,
            waits,
        )
        waited += waits
    assert waited or policy == "panel-credit-only"


def test_quotes_a_correction_by_what_was_not_credited_before() -> None:
    order = place_order(make_customer(funds="50"), make_service())
    move(order, OrderStatus.PARTIAL, remains=200, cause=Cause.CANNOT_COMPLETE)
    wish = Move(order.pk, OrderStatus.PARTIAL, cause=Cause.CORRECTION, remains=600)

    quote = foresee(order, wish)
    make(wish, make_staff())

    latest = Decision.objects.filter(order=order).latest("pk")
    assert (quote.owed, quote.credit) == (latest.owed, latest.credited)
    assert str(quote.credit) == "1.000000"


@pytest.mark.parametrize(("charge", "waits"), [("100", False), ("100.000001", True)])
def test_quotes_that_what_is_above_the_limit_waits(charge: str, waits: bool) -> None:  # noqa: FBT001 - a case
    order = place_order(make_customer(funds="500"), make_service(rate=charge))
    wish = Move(order.pk, OrderStatus.CANCELED, cause=Cause.STAFF_CANCELED, remains=1000)

    quote = foresee(order, wish)
    make(wish, make_staff())

    decision = Decision.objects.get(order=order)
    assert (quote.waits, quote.credit) == (waits, Decimal(0) if waits else Decimal(charge))
    assert (quote.owed, quote.credit) == (decision.owed, decision.credited)
    assert (decision.state == DecisionState.AWAITING_REVIEW) == waits


def test_refuses_to_quote_remains_above_the_quantity_or_a_move_to_the_same_place() -> None:
    order = place_order(make_customer(funds="50"), make_service())
    move(order, OrderStatus.PARTIAL, remains=200, cause=Cause.CANNOT_COMPLETE)

    with pytest.raises(FactsInvalid):
        foresee(order, Move(order.pk, OrderStatus.PARTIAL, remains=1001))
    with pytest.raises(quotes.NothingNew):
        foresee(order, Move(order.pk, OrderStatus.PARTIAL, remains=200))
