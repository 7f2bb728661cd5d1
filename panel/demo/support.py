"""The demo's tickets, one in each state, and its saved replies, made through the use cases at times in the past."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from orders.models import Order, OrderStatus
from panel.accounts.models import User
from panel.support import access, answering, handling, tickets
from panel.support.models import SavedReply, Ticket, TicketKind
from refunds.models import PolicyVersion

_SPACE: Final = uuid5(NAMESPACE_URL, "makegood:demo:tickets")
_MINUTES: Final = timedelta(minutes=1)
_REPLIES: Final = (
    (
        "Where an order stands",
        TicketKind.ORDER,
        (
            "Hello {name},\n\norder {order} is under way. Its page shows what has been delivered so far, and it is"
            " brought up to date every few minutes.\n\n{panel} support"
        ),
    ),
    (
        "How to ask for a refund",
        TicketKind.REFUND,
        (
            "Hello {name},\n\nplease open the page of your order and press “Request a refund”: you see at once what our"
            " refund policy says about it. What was not delivered comes back to your balance.\n\n{panel} support"
        ),
    ),
    (
        "When a bank debit arrives",
        TicketKind.PAYMENT,
        (
            "Hello {name},\n\nbank debits take up to five business days. The money is on your balance as soon as your"
            " bank confirms it, and you get a receipt by e-mail.\n\n{panel} support"
        ),
    ),
    (
        "We look into it",
        "",
        "Hello {name},\n\nthank you for writing. We look into it and come back to you.\n\n{panel} support",
    ),
)


def load(users: Mapping[str, User], *, now: datetime) -> None:
    """Write what is not there yet."""
    for title, kind, text in _REPLIES:
        SavedReply.objects.get_or_create(title=title, defaults={"kind": kind, "text": text})
    # Nothing was promised before there was a policy.
    since = min(PolicyVersion.objects.values_list("effective_from", flat=True))
    _settled(users, max(now - timedelta(days=9), since))
    _answered(users, max(now - timedelta(hours=30), since))
    _late(users, max(now - timedelta(hours=23), since))
    _waiting(users, max(now - timedelta(hours=5), since))


def _settled(users: Mapping[str, User], at: datetime) -> None:
    """Ben's question was answered, and he closed it."""
    ben, hiro = users["second_customer"], users["second_staff"]
    text = "Can I pay by bank transfer as well? Our accounting prefers it to cards."
    ticket = _ask("settled", ben, TicketKind.OTHER, "Paying by bank transfer", text, None, at)
    if ticket is None:
        return
    yes = "Hello Ben,\n\nyes: choose bank debit on the payment page, or write to us before large transfers."
    _answer(ticket, hiro, f"{yes}\n\nMakegood support", at + 95 * _MINUTES)
    tickets.settle(ticket_id=ticket.pk, customer=ben, at=at + 140 * _MINUTES)


def _answered(users: Mapping[str, User], at: datetime) -> None:
    """Grace has answered Ada, who has not written since."""
    ada, grace = users["customer"], users["staff"]
    text = "Can the receipts name our company instead of me? They go to our tax adviser."
    ticket = _ask("answered", ada, TicketKind.PAYMENT, "Company name on receipts", text, None, at)
    if ticket is None:
        return
    handling.claim(ticket_id=ticket.pk, staff=grace)
    said = "Hello Ada,\n\nthe receipts show the name of your account. Tell us the company's name, and we change it."
    _answer(ticket, grace, f"{said}\n\nMakegood support", at + 200 * _MINUTES)


def _late(users: Mapping[str, User], at: datetime) -> None:
    """Dora, who is suspended, waits for an answer that is due soon; Hiro has it and has left a note."""
    dora, hiro = users["suspended_customer"], users["second_staff"]
    text = "My account is suspended because of a payment. What do you need from me?"
    ticket = _ask("late", dora, TicketKind.PAYMENT, "Why am I suspended?", text, None, at)
    if ticket is None:
        return
    handling.claim(ticket_id=ticket.pk, staff=hiro)
    note = "The bank has not answered yet. I write to her today either way."
    answering.note(ticket_id=ticket.pk, staff=hiro, text=note, at=at + 60 * _MINUTES)


def _waiting(users: Mapping[str, User], at: datetime) -> None:
    """Ada waits for the first answer about an order that is under way."""
    ada = users["customer"]
    order = Order.objects.filter(customer=ada, status=OrderStatus.IN_PROGRESS).order_by("pk").first()
    text = "The launch is tomorrow at noon.\nWill everything be delivered by then, or shall I cancel a part of it?"
    _ask("waiting", ada, TicketKind.ORDER, "Will it be done by tomorrow?", text, order, at)


def _ask(
    name: str, customer: User, kind: TicketKind, subject: str, text: str, order: Order | None, at: datetime
) -> Ticket | None:
    """Open a ticket, or return None when an earlier load did."""
    key = uuid5(_SPACE, name)
    if Ticket.objects.filter(key=key).exists():
        return None
    order_id = order.pk if order else None
    return tickets.open(customer=customer, kind=kind, subject=subject, text=text, order_id=order_id, key=key, at=at)


def _answer(ticket: Ticket, staff: User, text: str, at: datetime) -> None:
    answering.answer(ticket_id=ticket.pk, staff=staff, text=text, seen=access.latest(ticket), at=at)
