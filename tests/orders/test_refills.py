"""Asking for a refill: who may, about which orders, and what is said of an order in which no refill is possible."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import refills
from orders.canceling import OrderNotFound
from orders.models import Cause, Initiator, Order, OrderStatus, Passing, Refill, RefillOffer, RefillState
from orders.models.refill import LEGAL_MOVES, IllegalRefillMove
from panel.accounts import suspension
from panel.kernel.errors import Forbidden
from tests.factories import AT, HOUR, make_customer, make_provider, make_service, make_staff, move, place_order
from tests.factories.refills import end, refill_of, refillable

pytestmark = pytest.mark.django_db

LATER = AT + HOUR


def refused(order: Order) -> str:
    """Ask in vain; return the sentence."""
    with pytest.raises(refills.RefillRefused) as error:
        refill_of(order)
    assert not Refill.objects.filter(order=order).exists()
    return error.value.message


def offer(order: Order) -> RefillOffer:
    order.refresh_from_db()
    return refills.offers([order])[order.pk]


def ended_as(status: OrderStatus, remains: int) -> Order:
    order = place_order(make_customer(funds="10"), make_service(allows_refill=True))
    move(order, status, remains=remains, cause=Cause.CANNOT_COMPLETE)
    return order


@pytest.mark.parametrize("remains", [0, 400])
def test_asks_for_what_was_delivered_in_full_or_in_part(remains: int) -> None:
    order = refillable(remains=remains, provider=make_provider())

    refill = refill_of(order, at=LATER)

    assert (refill.state, refill.passing, refill.provider) == (RefillState.PENDING, Passing.WAITING, order.provider)
    assert (refill.initiator, refill.actor) == (Initiator.CUSTOMER, order.customer)
    assert (refill.requested_at, refill.send_due_at) == (LATER, LATER)


def test_staff_carry_out_the_refill_of_an_order_that_no_provider_has() -> None:
    by_staff, taken_over = refillable(), refillable(provider=make_provider())
    Order.objects.filter(pk=taken_over.pk).update(provider_order_id="")

    for order in (by_staff, taken_over):
        refill = refill_of(order)

        assert (refill.passing, refill.provider, refill.send_due_at) == (Passing.BY_HAND, None, None)


def test_staff_ask_for_a_customer_who_wrote_in() -> None:
    order, grace = refillable(), make_staff()

    refill = refills.ask_for_customer(staff=grace, order_id=order.pk, at=AT)

    assert (refill.initiator, refill.actor) == (Initiator.STAFF, grace)


def test_another_customers_order_answers_as_a_missing_one() -> None:
    order, ben = refillable(), make_customer("ben")

    for number in (order.pk, order.pk + 1):
        with pytest.raises(OrderNotFound, match="There is no such order"):
            refills.ask(customer=ben, order_id=number, at=AT)

    assert not Refill.objects.exists()


def test_refuses_a_service_that_offers_no_refill() -> None:
    order = place_order(make_customer(funds="10"), make_service())
    move(order, OrderStatus.COMPLETED, remains=0)

    assert refused(order) == "The service of this order offers no refill."


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS])
def test_refuses_while_the_order_runs(status: OrderStatus) -> None:
    order = place_order(make_customer(funds="10"), make_service(allows_refill=True))
    if status != OrderStatus.PENDING:
        move(order, status)

    assert "still running" in refused(order)


@pytest.mark.parametrize(
    ("status", "remains"), [(OrderStatus.CANCELED, 1000), (OrderStatus.CANCELED, 400), (OrderStatus.PARTIAL, 1000)]
)
def test_refuses_what_was_not_delivered(status: OrderStatus, remains: int) -> None:
    assert "nothing to refill" in refused(ended_as(status, remains))


def test_refuses_what_was_paid_back_in_full() -> None:
    order = ended_as(OrderStatus.CANCELED, 1000)
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.CORRECTION)
    assert order.kept == 0

    assert "is refunded, so it is not delivered again" in refused(order)


def test_refuses_a_second_one_until_the_first_has_ended() -> None:
    order = refillable()
    first = refill_of(order)

    with pytest.raises(refills.RefillRunning, match="asked for already"):
        refill_of(order)
    with pytest.raises(refills.RefillRunning):
        refills.ask_for_customer(staff=make_staff(), order_id=order.pk, at=AT)
    end(first)

    assert refill_of(order).pk != first.pk


def test_refuses_a_suspended_customer_whoever_asks() -> None:
    order = refillable()
    suspension.suspend(user=order.customer, reason="Chargeback.", at=AT)

    with pytest.raises(suspension.AccountSuspended):
        refill_of(order)
    with pytest.raises(suspension.AccountSuspended):
        refills.ask_for_customer(staff=make_staff(), order_id=order.pk, at=AT)

    assert not Refill.objects.exists()


def test_nobody_asks_as_staff_without_being_staff_nor_for_an_own_order() -> None:
    grace, hers = make_staff(), refillable()
    with pytest.raises(Forbidden):
        refills.ask_for_customer(staff=hers.customer, order_id=hers.pk, at=AT)
    hers.customer.is_staff = True
    hers.customer.save(update_fields=["is_staff"])

    with pytest.raises(Forbidden, match="own order"):
        refills.ask_for_customer(staff=hers.customer, order_id=hers.pk, at=AT)
    with pytest.raises(OrderNotFound):
        refills.ask_for_customer(staff=grace, order_id=hers.pk + 1, at=AT)

    assert not Refill.objects.exists()


class TestWhatIsOffered:
    def test_nothing_where_none_can_be_asked_for(self) -> None:
        no_refill = place_order(make_customer(funds="10"), make_service())
        running = place_order(make_customer(funds="10"), make_service(allows_refill=True))
        canceled = ended_as(OrderStatus.CANCELED, 1000)

        assert [offer(order) for order in (no_refill, running, canceled)] == [RefillOffer.NOT_OFFERED] * 3

    def test_a_first_one_and_another_after_one_that_went_well(self) -> None:
        order = refillable()
        assert offer(order) == RefillOffer.AVAILABLE

        end(refill_of(order))

        assert offer(order) == RefillOffer.AVAILABLE

    def test_one_that_runs_says_so_even_if_another_was_refused_before(self) -> None:
        order = refillable()
        end(refill_of(order), RefillState.REJECTED)

        refill = refill_of(order)
        assert offer(order) == RefillOffer.RUNNING
        refill.save(update_fields=refill.move(RefillState.IN_PROGRESS, at=AT))

        assert offer(order) == RefillOffer.RUNNING

    @pytest.mark.parametrize("failed", [RefillState.REJECTED, RefillState.ERROR])
    def test_refused_when_the_last_one_failed(self, failed: RefillState) -> None:
        order = refillable()
        end(refill_of(order))
        end(refill_of(order), failed)

        assert offer(order) == RefillOffer.REFUSED

    def test_takes_one_statement_for_any_number_and_none_where_nothing_is_offered(self) -> None:
        orders = [refillable() for _ in range(5)]
        end(refill_of(orders[0]), RefillState.ERROR)
        without = place_order(make_customer(funds="10"), make_service())

        with CaptureQueriesContext(connection) as queries:
            found = refills.offers([*orders, without])
        with CaptureQueriesContext(connection) as none:
            refills.offers([without])

        assert (len(queries), len(none)) == (1, 0)
        assert [found[order.pk].value for order in orders] == ["refused", *["available"] * 4]
        assert found[without.pk] == RefillOffer.NOT_OFFERED


@pytest.mark.parametrize("from_state", RefillState)
@pytest.mark.parametrize("to", RefillState)
def test_moves_by_the_table_and_not_otherwise(from_state: RefillState, to: RefillState) -> None:
    refill = Refill(state=from_state)

    if to in LEGAL_MOVES[from_state]:
        refill.move(to, at=AT)
        assert (refill.state, refill.is_live) == (to, to == RefillState.IN_PROGRESS)
    else:
        with pytest.raises(IllegalRefillMove):
            refill.move(to, at=AT)
        assert refill.state == from_state
