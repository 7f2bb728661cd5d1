"""What staff do to one order or to many: always through orders.handling, with the refund shown beforehand."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from orders import handling
from orders.lifecycle import Move
from orders.models import Cause, Order, OrderStatus
from panel.accounts.admin.asking import NoQuestions, Preview, Question, ask
from panel.accounts.admin.pages import Panel, StaffAdmin, amount, counted
from panel.accounts.models import Standing
from panel.kernel.errors import PanelError, Refused
from panel.locking import busy_when_locked
from refunds import quotes
from refunds.admin.order_forms import CAUSES

MOST_AT_ONCE = 100
_HEADERS = ("Order", "Customer", "Charge", "Refunded before", "Credited now", "Clause", "Why")

Given = dict[str, Any]
MoveOf = Callable[[Order, Given], Move]
Carry = Callable[[Order, Given, Any, datetime], None]


def chosen(queryset: QuerySet[Order]) -> list[Order]:
    """Return the orders chosen in the list, one more than allowed at most."""
    return list(queryset.select_related("customer").order_by("pk")[: MOST_AT_ONCE + 1])


def to_partial(order: Order, given: Given) -> Move:
    """Return the move that `handling.set_partial` will make."""
    return Move(order.pk, OrderStatus.PARTIAL, cause=Cause(given["cause"]), remains=given["remains"])


def to_canceled(order: Order, given: Given) -> Move:
    """Return the move that `handling.cancel` will make."""
    known = order.quantity if order.remains is None else order.remains
    remains = given.get("remains")
    return Move(
        order.pk, OrderStatus.CANCELED, cause=Cause(given["cause"]), remains=known if remains is None else remains
    )


def to_completed(order: Order, _given: Given) -> Move:
    """Return the move that `handling.complete` will make."""
    return Move(order.pk, OrderStatus.COMPLETED, cause=Cause.DELIVERED, remains=0)


def carry_start(order: Order, given: Given, staff: Any, at: datetime) -> None:  # noqa: ANN401 - request.user
    """Make the use-case call."""
    handling.start(order_id=order.pk, staff=staff, at=at, start_count=given.get("start_count"))


def carry_partial(order: Order, given: Given, staff: Any, at: datetime) -> None:  # noqa: ANN401
    """Make the use-case call."""
    cause = Cause(given["cause"])
    handling.set_partial(
        order_id=order.pk, remains=given["remains"], cause=cause, staff=staff, at=at, note=given["note"]
    )


def carry_cancel(order: Order, given: Given, staff: Any, at: datetime) -> None:  # noqa: ANN401
    """Make the use-case call, with exactly the remains that the preview showed."""
    move = to_canceled(order, given)
    cause = Cause(given["cause"])
    handling.cancel(order_id=order.pk, cause=cause, remains=move.remains, staff=staff, at=at, note=given["note"])


def carry_complete(order: Order, given: Given, staff: Any, at: datetime) -> None:  # noqa: ANN401
    """Make the use-case call."""
    handling.complete(order_id=order.pk, staff=staff, at=at, note=given.get("note", ""))


def one(
    page: StaffAdmin,
    request: HttpRequest,
    order: Order,
    *,
    words: tuple[str, str],
    form: type[forms.Form],
    carry: Carry,
    move_of: MoveOf | None = None,
) -> HttpResponse:
    """Ask about one order. `words`: what the button says, and what it is afterwards: `("Cancel {}", "canceled")`."""

    def act(given: Given) -> str:
        carry(order, given, request.user, timezone.now())
        return f"Order {order.pk} is {words[1]}."

    def preview(given: Given) -> Preview:
        assert move_of is not None  # noqa: S101 - only asked for below when there is one
        return _preview([_foresee(order, move_of(order, given), timezone.now())])

    asked = words[0].format(f"order {order.pk}")
    question = Question(
        title=asked,
        lead=_lead(order),
        submit=asked,
        form=form,
        act=act,
        preview=preview if move_of else None,
        panels=[_by_cause(order)] if move_of is to_canceled else (),
        about=order,
        back=reverse("admin:orders_order_change", args=[order.pk]),
        dangerous=move_of is to_canceled,
    )
    return ask(page, request, question)


def many(
    page: StaffAdmin,
    request: HttpRequest,
    orders: Sequence[Order],
    *,
    action: str,
    words: tuple[str, str],
    carry: Carry,
    form: type[forms.Form] = NoQuestions,
    move_of: MoveOf | None = None,
) -> HttpResponse | None:
    """Ask about the orders chosen in the list; each is its own use-case call, and each refusal is reported."""
    if len(orders) > MOST_AT_ONCE:
        messages.error(request, f"Choose {MOST_AT_ONCE} orders at most.")
        return None

    def act(given: Given) -> str:
        return _each(page, request, orders, words[1], partial(_carry_one, carry, given, request.user))

    def preview(given: Given) -> Preview:
        assert move_of is not None  # noqa: S101 - only asked for below when there is one
        at = timezone.now()
        found = [quote for order in orders if (quote := _foresee_or_none(order, move_of(order, given), at))]
        if not found:
            message = f"All of these are {words[1]} already."
            raise Refused(message)
        return _preview(found)

    asked = words[0].format(counted(len(orders), "order"))
    question = Question(
        title=asked,
        lead="Orders: " + ", ".join(str(order.pk) for order in orders),
        submit=asked,
        form=form,
        act=act,
        preview=preview if move_of else None,
        carried=[("action", action), *((helpers.ACTION_CHECKBOX_NAME, str(order.pk)) for order in orders)],
        back=request.get_full_path(),
        dangerous=move_of is to_canceled,
    )
    return ask(page, request, question)


def _carry_one(carry: Carry, given: Given, staff: Any, order: Order) -> None:  # noqa: ANN401 - request.user
    with busy_when_locked():
        carry(order, given, staff, timezone.now())


def _each(
    page: StaffAdmin, request: HttpRequest, orders: Sequence[Order], done: str, carry: Callable[[Order], None]
) -> str:
    succeeded = []
    for order in orders:
        try:
            carry(order)
        except PanelError as error:
            messages.error(request, f"Order {order.pk}: {error.message}")
        else:
            page.log_change(request, order, f"Order {order.pk} is {done}.")
            succeeded.append(str(order.pk))
    return f"{len(succeeded)} of {len(orders)} are {done}: {', '.join(succeeded)}." if succeeded else ""


def _foresee(order: Order, move: Move, at: datetime) -> quotes.Quote:
    return quotes.foresee(order, move, at, standing=Standing(order.customer.standing))


def _foresee_or_none(order: Order, move: Move, at: datetime) -> quotes.Quote | None:
    try:
        return _foresee(order, move, at)
    except quotes.NothingNew:
        return None


def _preview(found: Sequence[quotes.Quote]) -> Preview:
    rows = [
        (
            str(quote.order.pk),
            str(quote.order.customer),
            amount(quote.order.charge),
            amount(quote.order.refunded),
            _credit(quote),
            quote.clause,
            quote.reason,
        )
        for quote in found
    ]
    note = "Judged by the policy version that each order was placed under."
    return Preview(Panel("What the policy refunds", _HEADERS, rows, note), ";".join(quote.token for quote in found))


def _credit(quote: quotes.Quote) -> str:
    return f"{amount(quote.owed - quote.order.refunded)} after review" if quote.waits else amount(quote.credit)


def _by_cause(order: Order) -> Panel:
    """What each cause would refund with the remains last known: to choose by, before anything is typed."""
    at = timezone.now()
    rows = [
        (label, _credit(quote), quote.clause, quote.reason)
        for value, label in CAUSES
        if (quote := _foresee_or_none(order, to_canceled(order, {"cause": value}), at))
    ]
    return Panel("What the policy refunds for each cause", ("Cause", "Credited now", "Clause", "Why"), rows)


def _lead(order: Order) -> str:
    remains = "unknown" if order.remains is None else f"{order.remains:,}"
    return (
        f"{order.service_name}: {counted(order.quantity, 'unit')} for {order.customer}, charge {amount(order.charge)},"
        f" refunded {amount(order.refunded)}. Now {order.get_status_display().lower()}, remains {remains}."
    )
