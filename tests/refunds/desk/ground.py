"""What every test of the desk asks: did anything move, what was written to whom, and what was said."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from billing.models import Transfer
from orders.models import CancelRequest, Order, OrderEvent
from panel.accounts.models import StandingChange, User
from panel.notifications.models import Email
from refunds.models import Decision, RefundFile, RefundRequest, RefundRequestEvent

_MONEY = (Transfer, Order, OrderEvent, CancelRequest, StandingChange, User, Email)
_DESK = (Decision, RefundFile, RefundRequest, RefundRequestEvent)


@contextmanager
def nothing_moves() -> Iterator[None]:
    """See that the block changes no money, order, request, decision or standing, and queues no letter."""
    before = _everything()
    yield
    assert _everything() == before


def _everything() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (*_MONEY, *_DESK)]


def kinds(request: RefundRequest) -> list[str]:
    """Return what happened to a request, oldest first."""
    return list(RefundRequestEvent.objects.filter(request=request).values_list("kind", flat=True))


def letters(customer: User) -> list[str]:
    """Return the letters to a customer by the names of their templates, oldest first."""
    return list(Email.objects.filter(customer=customer).order_by("id").values_list("template", flat=True))


def letter(customer: User) -> Email:
    """Return the last letter to a customer."""
    return Email.objects.filter(customer=customer).latest("id")


def money(order: Order) -> tuple[Decimal, Decimal]:
    """Return what of the order was refunded and what was recognized, as it stands now."""
    order.refresh_from_db()
    return order.refunded, order.recognized


def credits_of(request: RefundRequest) -> list[Decimal]:
    """Return the amounts that were credited in the name of a request."""
    transfers = Transfer.objects.filter(key__startswith=f"refund_request:{request.pk}:", kind="order_refund")
    return list(transfers.order_by("pk").values_list("amount", flat=True))
