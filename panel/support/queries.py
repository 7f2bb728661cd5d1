"""What the pages about tickets read: typed values in a fixed number of queries, whatever the number of rows."""

from dataclasses import dataclass
from typing import Final

from orders.models import Order
from panel.accounts import holders
from panel.accounts.models import User
from panel.support import access
from panel.support.models import MessageKind, SavedReply, Ticket, TicketKind, TicketMessage

PAGE_SIZE: Final = 25
MOST_SHOWN: Final = 300
MOST_REPLIES: Final = 100
MOST_STAFF: Final = 200
RECENT_ORDERS: Final = 20


@dataclass(frozen=True, slots=True)
class TicketsPage:
    """One page of tickets, newest first. `older` is the number that the next page starts below, None at the end."""

    tickets: tuple[Ticket, ...]
    older: int | None


def tickets_page(customer: User, *, before: int | None = None) -> TicketsPage:
    """Return one page of the customer's tickets."""
    own = Ticket.objects.filter(customer=customer)
    if before is not None:
        own = own.filter(pk__lt=before)
    found = list(own.order_by("-pk")[: PAGE_SIZE + 1])
    shown = tuple(found[:PAGE_SIZE])
    return TicketsPage(shown, shown[-1].pk if len(found) > PAGE_SIZE else None)


def ticket(customer: User, ticket_id: int) -> Ticket | None:
    """Return the customer's ticket with its order; None whether it is missing or somebody else's."""
    own = Ticket.objects.filter(customer=customer, pk=ticket_id).select_related("order")
    found: Ticket | None = own.first()
    return found


def conversation(found: Ticket) -> tuple[TicketMessage, ...]:
    """Return what customer and staff wrote to each other, oldest first; of a very long one the latest part."""
    said = TicketMessage.objects.filter(ticket=found).exclude(kind=MessageKind.NOTE)
    return tuple(said.order_by("-pk")[:MOST_SHOWN])[::-1]


def with_notes(found: Ticket) -> tuple[TicketMessage, ...]:
    """Return all that was written, for staff: latest first, with who wrote it."""
    said = TicketMessage.objects.filter(ticket=found).select_related("author")
    return tuple(said.order_by("-pk")[:MOST_SHOWN])


def recent_orders(customer: User) -> tuple[Order, ...]:
    """Return the customer's latest orders, for choosing one."""
    return tuple(Order.objects.filter(customer=customer).order_by("-pk")[:RECENT_ORDERS])


def replies_for(kind: TicketKind) -> tuple[SavedReply, ...]:
    """Return the saved replies: those for such tickets first, then those for any, then the others."""
    rank = {kind.value: 0, "": 1}
    found = SavedReply.objects.order_by("title")[:MOST_REPLIES]
    return tuple(sorted(found, key=lambda reply: rank.get(reply.kind, 2)))


def who_may_handle() -> tuple[User, ...]:
    """Return the active staff who may handle tickets, by name."""
    return tuple(holders.of(access.PERMISSION).order_by("name", "email")[:MOST_STAFF])
