"""What the pages about refund requests read: typed values in a fixed number of queries, whatever the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from orders.models import Order
from panel.accounts.models import User
from refunds.models import RefundFile, RefundRequest, RefundRequestEvent, RequestState
from refunds.models.request_event import INTERNAL

PAGE_SIZE: Final = 25
RECENT_ORDERS: Final = 10


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """One page of requests, newest first. `older` is the number that the next page starts below, None at the end."""

    requests: tuple[RefundRequest, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """A request and what its customer may know of it, oldest event first; what staff keep to themselves is left out."""

    request: RefundRequest
    events: tuple[RefundRequestEvent, ...]
    files: tuple[RefundFile, ...] = ()


def requests_page(customer: User, *, before: int | None = None) -> RequestsPage:
    """Return one page of the customer's requests, with their orders."""
    own = RefundRequest.objects.filter(customer=customer).select_related("order")
    if before is not None:
        own = own.filter(pk__lt=before)
    found = list(own.order_by("-pk")[: PAGE_SIZE + 1])
    shown = tuple(found[:PAGE_SIZE])
    return RequestsPage(shown, shown[-1].pk if len(found) > PAGE_SIZE else None)


def told(customer: User, number: int) -> Told | None:
    """Return the customer's request with its order; None whether it is missing or somebody else's."""
    found = RefundRequest.objects.filter(customer=customer, pk=number).select_related("order").first()
    if found is None:
        return None
    files = RefundFile.objects.filter(request=found).defer("content").order_by("position")
    return Told(found, _visible([found])[found.pk], tuple(files))


def about(order: Order) -> list[Told]:
    """Return every request about an order, oldest first, without the files."""
    found = list(RefundRequest.objects.filter(order=order).order_by("pk"))
    events = _visible(found)
    return [Told(request, events[request.pk]) for request in found]


def open_about(order: Order) -> int | None:
    """Return the number of the request about an order that is open, if one is."""
    found = RefundRequest.objects.filter(order=order, state=RequestState.OPEN)
    number: int | None = found.values_list("pk", flat=True).first()
    return number


def by_key(key: UUID) -> RefundRequest | None:
    """Return the request that the form with this key has opened, whoever sent it."""
    found: RefundRequest | None = RefundRequest.objects.filter(key=key).first()
    return found


def recent_orders(customer: User) -> list[Order]:
    """Return the customer's latest orders, for choosing one."""
    return list(Order.objects.filter(customer=customer).order_by("-pk")[:RECENT_ORDERS])


def _visible(requests: Sequence[RefundRequest]) -> dict[int, tuple[RefundRequestEvent, ...]]:
    by_request: dict[int, list[RefundRequestEvent]] = {request.pk: [] for request in requests}
    if by_request:
        events = RefundRequestEvent.objects.filter(request__in=list(by_request)).exclude(kind__in=INTERNAL)
        for event in events.order_by("pk"):
            by_request[event.request_id].append(event)
    return {number: tuple(events) for number, events in by_request.items()}
