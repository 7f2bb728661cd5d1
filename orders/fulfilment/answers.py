"""What a provider's answers say: JSON in, typed values out. Pure; raises nothing but what it says."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from orders.fulfilment.reports import Report
from orders.fulfilment.transport import (
    UNPRINTABLE,
    Connection,
    RefusedByProvider,
    presentable,
    refusal,
)

ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AMOUNT: Final = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,12})?", re.ASCII)
_LONGEST_STATUS: Final = 200
_LARGEST_NUMBER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the order under this number."""

    provider_order_id: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider has no report for this order; `message` says what it said. Never a reason to refund by itself."""

    message: str


@dataclass(frozen=True, slots=True)
class CancelAccepted:
    """The provider will cancel; it takes effect, and is refunded, only when a status report says so."""


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The provider will not cancel this order, or did not answer for it."""

    message: str


@dataclass(frozen=True, slots=True)
class RefillTaken:
    """The provider took the refill under this number."""

    provider_refill_id: str


@dataclass(frozen=True, slots=True)
class RefillReport:
    """What the provider says about a refill: its own word, in text fit to store; "" where it said nothing."""

    raw_status: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What we have left at the provider; negative where it gives credit. `currency` is its code, "" if not stated."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedService:
    """A service that the provider sells: `rate` per 1,000 units (of the whole for packages) in its currency."""

    service_id: str
    name: str
    type: str
    category: str
    rate: Decimal
    minimum: int
    maximum: int
    refill: bool
    cancel: bool
    dripfeed: bool


@dataclass(frozen=True, slots=True)
class UnreadableService:
    """A row of the price list that makes no sense; `detail` says what is wrong with it."""

    service_id: str
    detail: str


def order_id(value: object) -> str | None:
    """Return an order's number as text: a positive JSON integer, or a short word of letters and digits but not zero."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_NUMBER:
        return str(value)
    if isinstance(value, str) and ORDER_ID.fullmatch(value) and value.strip("0"):
        return value
    return None


def report(entry: object, connection: Connection) -> Report | Missing:
    """Read one order's part of a status answer; None means that the answer left it out."""
    if entry is None:
        return Missing("the provider's answer leaves this order out")
    if isinstance(entry, dict) and not entry.get("error"):
        return Report(
            raw_status=_status_text(entry.get("status")),
            start_count=entry.get("start_count"),
            remains=entry.get("remains"),
            charge=entry.get("charge"),
        )
    said = entry.get("error") if isinstance(entry, dict) else entry
    text = presentable(said, connection) if isinstance(said, str) else ""
    return Missing(text or "the provider's answer for this order makes no sense")


def _status_text(status: object) -> str:
    text = "" if status is None else status if isinstance(status, str) else json.dumps(status, default=str)
    # Replaced, not dropped: a status must not become a known one by losing what was wrong with it.
    return UNPRINTABLE.sub("\ufffd", text)[:_LONGEST_STATUS]


def cancellation(entry: object, connection: Connection) -> CancelAccepted | CancelRefused:
    """Read `{"cancel": 1}`, `{"cancel": {"error": …}}`, `{"error": …}` and the bare forms of them."""
    verdict = entry["cancel"] if isinstance(entry, dict) and not entry.get("error") and "cancel" in entry else entry
    if verdict is True or (_is_number(verdict) and order_id(verdict) is not None):
        return CancelAccepted()
    said = verdict.get("error") if isinstance(verdict, dict) else verdict
    text = presentable(said, connection) if isinstance(said, str) and not _is_number(said) else ""
    return CancelRefused(text or "the provider did not accept the cancel of this order")


def refill(answer: object, connection: Connection) -> RefillTaken | RefusedByProvider | None:
    """Read `{"refill": "1"}`, `{"refill": {"error": …}}` and a list of one such row; None for what names no refill."""
    row = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if not isinstance(row, dict) or (row.get("error") and row.get("refill")):
        return None
    verdict = row.get("refill") or row
    said = verdict.get("error") if isinstance(verdict, dict) else None
    if isinstance(said, str) and said.strip():
        return refusal(said, connection)
    number = order_id(verdict)
    return None if number is None else RefillTaken(number)


def refill_report(entry: object, connection: Connection) -> RefillReport | Missing:
    """Read one refill's part of an answer: `{"status": "Completed"}` or `{"status": {"error": …}}`."""
    if entry is None:
        return Missing("the provider's answer leaves this refill out")
    said = entry
    if isinstance(entry, dict) and not entry.get("error"):
        said = entry.get("status")
        if not (isinstance(said, dict) and said.get("error")):
            return RefillReport(_status_text(said))
    if isinstance(said, dict):
        said = said.get("error")
    text = presentable(said, connection) if isinstance(said, str) else ""
    return Missing(text or "the provider's answer for this refill makes no sense")


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, str) and value.isascii() and value.isdigit())


def amount(value: object) -> Decimal | None:
    """Return a plain decimal number, given as JSON number or text; None for anything else."""
    text = str(value) if isinstance(value, Decimal) or type(value) is int else value
    return Decimal(text) if isinstance(text, str) and _AMOUNT.fullmatch(text) else None


def _whole(value: object) -> int | None:
    number = amount(value)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def service(row: object) -> OfferedService | UnreadableService:
    """Read one row of the price list."""
    if not isinstance(row, dict):
        return UnreadableService("", "the row is no object")
    service_id = order_id(row.get("service"))
    if service_id is None:
        return UnreadableService("", "the row has no service number")
    name, category = row.get("name"), row.get("category")
    rate, minimum, maximum = amount(row.get("rate")), _whole(row.get("min")), _whole(row.get("max"))
    if not isinstance(name, str) or not name.strip():
        return UnreadableService(service_id, "name is missing")
    if rate is None or rate < 0:
        return UnreadableService(service_id, "rate is not an amount")
    if minimum is None or maximum is None or minimum > maximum:
        return UnreadableService(service_id, "min and max are no limits")
    return OfferedService(
        service_id=service_id,
        name=name.strip(),
        type=str(row.get("type") or "Default"),
        category=category.strip() if isinstance(category, str) else "",
        rate=rate,
        minimum=minimum,
        maximum=maximum,
        refill=row.get("refill") is True,
        cancel=row.get("cancel") is True,
        dripfeed=row.get("dripfeed") is True,
    )
