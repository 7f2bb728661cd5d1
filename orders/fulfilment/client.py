"""API v2 spoken outwards: typed calls to a provider.

Nothing here retries, and nothing but typed values leaves. `add` and `refill` raise exactly one of NotSent,
RefusedByProvider and OutcomeUnknown; the calls that change nothing, or may be repeated, raise ProviderUnreachable or
RefusedByProvider.
"""

import re
from collections.abc import Sequence
from typing import Final

from orders.fulfilment import answers
from orders.fulfilment.answers import (
    Accepted,
    Balance,
    CancelAccepted,
    CancelRefused,
    Missing,
    OfferedService,
    RefillReport,
    RefillTaken,
    UnreadableService,
)
from orders.fulfilment.reports import Report
from orders.fulfilment.transport import (
    OURS,
    Connection,
    NotSent,
    OutcomeUnknown,
    Reason,
    RefusedByProvider,
    call,
    close_pools,
    presentable,
)
from panel.kernel.errors import PanelError

__all__ = [
    "MOST_IDS",
    "OURS",
    "Accepted",
    "Balance",
    "CancelAccepted",
    "CancelRefused",
    "Connection",
    "Missing",
    "NotSent",
    "OfferedService",
    "OutcomeUnknown",
    "ProviderUnreachable",
    "Reason",
    "RefillReport",
    "RefillTaken",
    "RefusedByProvider",
    "Report",
    "UnreadableService",
    "add",
    "balance",
    "cancel",
    "close_pools",
    "refill",
    "refill_statuses",
    "services",
    "statuses",
]

MOST_IDS: Final = 100  # per call; more is `Incorrect request`, and the rest would silently never be polled
_UNKNOWN_ORDER: Final = re.compile(
    r"\border\b.*(?:id|not found|exist)|(?:unknown|incorrect|invalid) order", re.IGNORECASE
)
_UNKNOWN_REFILL: Final = re.compile(
    r"\brefill\b.*(?:id|not found|exist)|(?:unknown|incorrect|invalid) refill", re.IGNORECASE
)


class ProviderUnreachable(PanelError):
    """The provider can't be reached or talks nonsense; nothing was learned, ask again later."""

    code = "provider_unreachable"


def add(connection: Connection, service_id: str, link: str, quantity: int | None, request_id: str) -> Accepted:
    """Place an order; `quantity` is None for packages. The same `request_id` makes the same order, where supported.

    Raises NotSent, RefusedByProvider, OutcomeUnknown.
    """
    parameters = {"service": service_id, "link": link, "request_id": request_id}
    if quantity is not None:
        parameters["quantity"] = str(quantity)
    answer = call(connection, "add", **parameters)
    number = answers.order_id(answer.get("order")) if isinstance(answer, dict) and not answer.get("error") else None
    if number is None:
        message = "the provider's answer names no order"
        raise OutcomeUnknown(message)
    return Accepted(number)


def statuses(connection: Connection, ids: Sequence[str]) -> dict[str, Report | Missing]:
    """Ask for up to 100 orders in one call. Every id asked for is in the result.

    Raises ValueError (more than 100 ids, or one that is no id), ProviderUnreachable, RefusedByProvider.
    """
    wanted = _checked(ids)
    if not wanted:
        return {}
    try:
        answer = _ask(connection, "status", orders=",".join(wanted))
    except RefusedByProvider as error:
        # A provider that answers a single id with a single object does so for its error too.
        if len(wanted) == 1 and _UNKNOWN_ORDER.search(error.message):
            return {wanted[0]: Missing(error.message)}
        raise
    entries = {} if answer == [] else answer if isinstance(answer, dict) else None  # [] is PHP's empty map
    if entries is not None and len(wanted) == 1 and wanted[0] not in entries and "status" in entries:
        entries = {wanted[0]: entries}
    if entries is None or (entries and not any(number in entries for number in wanted)):
        message = "the provider's status answer is about none of the orders asked for"
        raise ProviderUnreachable(message)
    return {number: answers.report(entries.get(number), connection) for number in wanted}


def cancel(connection: Connection, ids: Sequence[str]) -> dict[str, CancelAccepted | CancelRefused]:
    """Ask to cancel up to 100 orders. Every id asked for is in the result. May be repeated safely.

    Raises ValueError (more than 100 ids, or one that is no id), ProviderUnreachable, RefusedByProvider.
    """
    wanted = _checked(ids)
    if not wanted:
        return {}
    answer = _ask(connection, "cancel", orders=",".join(wanted))
    entries: dict[str, object] = {}
    if isinstance(answer, list):
        rows = [row for row in answer if isinstance(row, dict)]
        entries = {number: row for row in rows if (number := answers.order_id(row.get("order"))) is not None}
    elif isinstance(answer, dict):
        single = len(wanted) == 1 and "cancel" in answer
        entries = {wanted[0]: answer} if single else {str(number): entry for number, entry in answer.items()}
    if not any(number in entries for number in wanted):
        message = "the provider's cancel answer is about none of the orders asked for"
        raise ProviderUnreachable(message)
    return {number: answers.cancellation(entries.get(number), connection) for number in wanted}


def refill(connection: Connection, order: str) -> RefillTaken:
    """Ask for a refill of one order; asked again, a provider may make a second one.

    Raises ValueError (no order number), NotSent, RefusedByProvider, OutcomeUnknown.
    """
    [wanted] = _checked([order])
    read = answers.refill(call(connection, "refill", order=wanted), connection)
    if isinstance(read, RefusedByProvider):
        raise read
    if read is None:
        message = "the provider's answer names no refill"
        raise OutcomeUnknown(message)
    return read


def refill_statuses(connection: Connection, ids: Sequence[str]) -> dict[str, RefillReport | Missing]:
    """Ask how up to 100 refills stand. Every id asked for is in the result.

    Raises ValueError (more than 100 ids, or one that is no id), ProviderUnreachable, RefusedByProvider.
    """
    wanted = _checked(ids, "refill")
    if not wanted:
        return {}
    try:
        answer = _ask(connection, "refill_status", refills=",".join(wanted))
    except RefusedByProvider as error:
        if len(wanted) == 1 and _UNKNOWN_REFILL.search(error.message):
            return {wanted[0]: Missing(error.message)}
        raise
    entries: dict[str, object] = {}
    if isinstance(answer, list):
        rows = [row for row in answer if isinstance(row, dict)]
        entries = {number: row for row in rows if (number := answers.order_id(row.get("refill"))) is not None}
    elif isinstance(answer, dict):
        single = len(wanted) == 1 and wanted[0] not in answer and "status" in answer
        entries = {wanted[0]: answer} if single else {str(number): entry for number, entry in answer.items()}
    if not any(number in entries for number in wanted):
        message = "the provider's answer is about none of the refills asked for"
        raise ProviderUnreachable(message)
    return {number: answers.refill_report(entries.get(number), connection) for number in wanted}


def balance(connection: Connection) -> Balance:
    """Ask what is left on our balance at the provider. Raises ProviderUnreachable, RefusedByProvider."""
    answer = _ask(connection, "balance")
    amount = answers.amount(answer.get("balance")) if isinstance(answer, dict) else None
    if amount is None or not isinstance(answer, dict):
        message = "the provider's balance answer holds no amount"
        raise ProviderUnreachable(message)
    currency = answer.get("currency")
    return Balance(amount, presentable(currency, connection)[:10] if isinstance(currency, str) else "")


def services(connection: Connection) -> tuple[OfferedService | UnreadableService, ...]:
    """Ask for the price list. Raises ProviderUnreachable, RefusedByProvider."""
    answer = _ask(connection, "services")
    if not isinstance(answer, list):
        message = "the provider's services answer is no list"
        raise ProviderUnreachable(message)
    return tuple(answers.service(row) for row in answer)


def _ask(connection: Connection, action: str, **parameters: str) -> object:
    try:
        return call(connection, action, **parameters)
    except (NotSent, OutcomeUnknown) as error:
        raise ProviderUnreachable(error.message) from error


def _checked(ids: Sequence[str], what: str = "order") -> list[str]:
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST_IDS:
        message = f"{len(wanted)} {what}s in one call; the most is {MOST_IDS}"
        raise ValueError(message)
    if wrong := [number for number in wanted if not answers.ORDER_ID.fullmatch(number)]:
        message = f"{wrong[0][:80]!r} is not a provider's {what} number"
        raise ValueError(message)
    return wanted
