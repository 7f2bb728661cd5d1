"""Orders that can be refilled, and refills in any state."""

from datetime import datetime

from orders import refills
from orders.fulfilment import refilling
from orders.fulfilment.client import OutcomeUnknown, Reason, RefillTaken, RefusedByProvider
from orders.models import Cause, Order, OrderStatus, Passing, Provider, Refill, RefillState
from panel.accounts.models import User
from tests.factories.catalog import make_service
from tests.factories.orders import AT, move, place_order
from tests.factories.people import make_customer


def refillable(
    customer: User | None = None, *, rate: str = "10", remains: int = 0, provider: Provider | None = None
) -> Order:
    """Return an ended order of 1,000 units whose service offers refills; with a provider, one that the provider has."""
    service = make_service(rate=rate, allows_refill=True, provider=provider)
    order = place_order(customer or make_customer(funds="1000"), service)
    if provider is not None:
        Order.objects.filter(pk=order.pk).update(provider_order_id=f"7{order.pk}")
    ends = OrderStatus.PARTIAL if remains else OrderStatus.COMPLETED
    move(order, ends, remains=remains, cause=Cause.CANNOT_COMPLETE if remains else Cause.DELIVERED)
    return order


def refill_of(order: Order, *, at: datetime = AT) -> Refill:
    """Ask for a refill as the order's customer does."""
    return refills.ask(customer=order.customer, order_id=order.pk, at=at)


def bring(refill: Refill, way: Passing, *, at: datetime = AT) -> Refill:
    """Bring a refill that waits to this place on its way to the provider, as if a call at `at` had gone so."""
    if way in {Passing.WAITING, Passing.BY_HAND}:
        return refill
    outcomes: dict[Passing, refilling.Outcome] = {
        Passing.ACCEPTED: RefillTaken(f"8{refill.pk}"),
        Passing.REFUSED: RefusedByProvider("No refill for this order", Reason.OTHER),
        Passing.UNKNOWN: OutcomeUnknown("The connection broke"),
    }
    assert refilling._begin(refill.pk, at)
    if way in outcomes:
        assert refilling.record(refill_id=refill.pk, called_at=at, outcome=outcomes[way], at=at) == way
    refill.refresh_from_db()
    return refill


def end(refill: Refill, to: RefillState = RefillState.COMPLETED, *, at: datetime = AT) -> Refill:
    """Let a refill end, as a report of the provider does."""
    refill.save(update_fields=refill.move(to, at=at))
    return refill
