"""How the pack writes moments, amounts and orders: in English, in UTC, one fact a line."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from panel.kernel import money
from refunds.evidence.pack import fitting
from refunds.evidence.pack.case import Case, Letter, PaidOrder, Report, Visit

_LONGEST_NAME = 200


def moment(at: datetime) -> str:
    """Write an instant in UTC, in which all times of a case are given: `2026-11-02 12:00:05 UTC`."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def day(at: datetime) -> str:
    """Write a day: `November 2, 2026`."""
    return f"{at:%B} {at.day}, {at.year}"


def amount(case: Case, value: Decimal) -> str:
    """Write an amount in the payment's currency."""
    return money.display(value, case.payment.currency)


def origin(address: str) -> str:
    """Say where something came from: ` from 203.0.113.9`, or nothing when it is not known."""
    return f" from {address}" if address else ""


def delivery(order: PaidOrder) -> str:
    """Say what was delivered, with start and end count as far as they are known."""
    if order.delivered is None:
        return "no delivery reported"
    done = f"{order.delivered:,} of {order.quantity:,} units delivered"
    if order.start_count is None:
        return done
    return f"{done}, start count {order.start_count:,}, end count {order.start_count + order.delivered:,}"


def order_line(case: Case, order: PaidOrder) -> str:
    """Say what was ordered, for which link, what it cost, and how far it got."""
    share = "" if order.from_payment == order.charge else f", {amount(case, order.from_payment)} of it by this payment"
    through = f" through {order.through}" if order.through else ""
    return fitting.line(
        f"Order {order.number}, {moment(order.placed_at)}{origin(order.address)}{through}:"
        f" {fitting.line(order.service, longest=_LONGEST_NAME)}, {order.quantity:,} units for"
        f" {fitting.line(order.link, longest=_LONGEST_NAME * 2)}, {amount(case, order.charge)}{share}."
        f" {order.status}; {delivery(order)}."
    )


def report_line(order: PaidOrder, report: Report) -> str:
    """Say what was reported of an order, in the words of who reported it."""
    said = f", in the provider's words “{report.words}”" if report.words else ""
    left = "" if report.remains is None else f", {report.remains:,} units left"
    by = report.by.lower()
    return fitting.line(f"{moment(report.at)}: order {order.number} {report.status.lower()} ({by}{said}{left})")


def credit_lines(case: Case, order: PaidOrder) -> Iterator[str]:
    """Yield what was credited for an order."""
    for credit in order.credits:
        yield fitting.line(
            f"{moment(credit.at)}: {amount(case, credit.amount)} credited to the balance for order {order.number}."
            f" {credit.words}"
        )


def letter_line(letter: Letter) -> str:
    """Say what was written by e-mail and whether it went out."""
    sent = f"handed to the mail server {moment(letter.sent_at)}" if letter.sent_at else "not sent"
    return fitting.line(f"{moment(letter.at)}: e-mail “{letter.subject}”, {sent}")


def visit_line(visit: Visit) -> str:
    """Say what the customer did on the site and from where."""
    device = f" ({fitting.line(visit.device, longest=_LONGEST_NAME)})" if visit.device else ""
    return fitting.line(f"{moment(visit.at)}: {visit.what}{origin(visit.address)}{device}")


def of_orders(orders: Iterable[PaidOrder]) -> str:
    """Count orders in words: `1 order`, `3 orders`."""
    number = len(tuple(orders))
    return f"{number:,} order" if number == 1 else f"{number:,} orders"
