"""A provider at the sandbox's address, and orders of it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from orders import lifecycle, placing, refills
from orders.fulfilment import refilling, submit, sync
from orders.fulfilment.client import Missing, Report
from orders.fulfilment.sync import Answer, Tally
from orders.lifecycle import Move
from orders.lines import Line
from orders.models import Initiator, Order, OrderStatus, Passing, Provider, Refill, Submission
from panel.accounts.models import User
from panel.sandbox.provider import Sandbox
from tests.factories import AT, make_customer, make_provider, make_service, place_order

DUE = AT + timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
POLL = DUE + MINUTE
STEPS = timedelta(seconds=1)


def provider_of(sandbox: Sandbox, *, supports_request_id: bool = True, **fields: Any) -> Provider:
    return make_provider(api_url=sandbox.url, api_key=sandbox.key, supports_request_id=supports_request_id, **fields)


def order_at(provider: Provider, customer: User | None = None, **fields: Any) -> Order:
    """Place an order of 1,000 units for 2.50 that is due for submission at `DUE`."""
    service = provider.services.first() or make_service(provider=provider, allows_cancel=True, allows_refill=True)
    return place_order(customer or make_customer(funds="50"), service, **fields)


def submitted(provider: Provider, customer: User | None = None, *, at: datetime = DUE) -> Order:
    """Place an order and hand it to its provider; it is due for polling a minute later."""
    order = order_at(provider, customer)
    for submission_id in submit.claim(limit=100, at=at):
        submit.send(submission_id=submission_id, at=at)
    order.refresh_from_db()
    assert order.provider_order_id
    return order


def sync_at(at: datetime) -> sync.Tally:
    return sync.sync_due(at=at)


def status_of(order: Order) -> OrderStatus:
    order.refresh_from_db()
    return OrderStatus(order.status)


def submission_of(order: Order) -> Submission:
    """Return the latest attempt."""
    return Submission.objects.filter(order=order).latest("id")


def at_provider(count: int = 1, provider: Provider | None = None) -> list[Order]:
    """Orders of 1,000 units for 2.50 as they stand after submission, without a provider to talk to."""
    customer = make_customer(funds=str(5 * count))
    service = make_service(provider=provider or make_provider())
    lines = [Line(service.pk, "https://example.com/launch", 1000)] * count
    numbers = placing.place(customer=customer, lines=lines, at=AT).order_ids
    with transaction.atomic():
        moves = [Move(number, OrderStatus.PROCESSING) for number in numbers]
        lifecycle.transition(moves, initiator=Initiator.SYSTEM, at=AT)
    orders = Order.objects.filter(pk__in=numbers).order_by("pk")
    orders.update(provider_order_id=Concat(Value("9"), Cast("pk", CharField())), sync_due_at=POLL)
    return list(orders.all())


def report(status: str = "In progress", remains: object = "1000", start_count: object = "40") -> Report:
    return Report(raw_status=status, start_count=start_count, remains=remains, charge="1.15")


def tell(order: Order, said: Report | Missing, *, at: datetime = POLL) -> Tally:
    tally = sync.record([Answer(order.pk, said)], at)
    order.refresh_from_db()
    return tally


def refill_at(sandbox: Sandbox, provider: Provider, customer: User | None = None) -> Refill:
    """Ask for a refill of an order that the provider has delivered; it is due for passing on at `POLL`."""
    order = submitted(provider, customer)
    sandbox.drive(order.provider_order_id, status="Completed", remains="0")
    sync_at(POLL)
    return refills.ask(customer=order.customer, order_id=order.pk, at=POLL)


def passed_on(sandbox: Sandbox, provider: Provider, customer: User | None = None) -> Refill:
    """Return a refill that the provider has taken; it is due for polling a minute after `POLL`."""
    refill = refill_at(sandbox, provider, customer)
    assert refilling.send(refill_id=refill.pk, at=POLL) == Passing.ACCEPTED
    refill.refresh_from_db()
    return refill
