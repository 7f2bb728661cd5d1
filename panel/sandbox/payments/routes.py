"""Stripe's endpoints that the sandbox has: path and method -> the parameters it takes and what it does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments import disputing, files, listing, parameters, refunding, sessions, warning
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.listing import Kind
from panel.sandbox.payments.schema import Fields
from panel.sandbox.payments.store import Document

Act = Callable[[Account, str, dict[str, Any]], Document]
"""(account, the id in the path or nothing, the parameters) -> the object to answer."""

SESSION: Final = Kind(sessions.KIND, "/v1/checkout/sessions", "checkout.session", "session")
PAYMENT_INTENT: Final = Kind("payment_intent", "/v1/payment_intents", "payment_intent", "intent")
CHARGE: Final = Kind("charge", "/v1/charges", "charge")
REFUND: Final = Kind(refunding.KIND, "/v1/refunds", "refund")
DISPUTE: Final = Kind(disputing.KIND, "/v1/disputes", "dispute", "dispute")
FILE: Final = Kind(files.KIND, "/v1/files", "file upload")
EVENT: Final = Kind("event", "/v1/events", "event")
TRANSACTION: Final = Kind("balance_transaction", "/v1/balance_transactions", "balance transaction")
WARNING: Final = Kind(warning.KIND, "/v1/radar/early_fraud_warnings", "early fraud warning")


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    method: str
    pattern: re.Pattern[str]
    parameters: Fields
    act: Act


def _route(method: str, path: str, fields: Fields, act: Act) -> Route:
    return Route(method, re.compile(path.replace("{id}", "([^/]{1,200})")), fields, act)


def _reading(kind: Kind, filters: Fields) -> list[Route]:
    return [
        _route(
            "GET",
            f"{kind.path}/{{id}}",
            parameters.RETRIEVE,
            lambda account, number, _: listing.retrieve(account, kind, number),
        ),
        _route("GET", kind.path, filters, lambda account, _, given: listing.page(account, kind, given)),
    ]


def _balance(account: Account, _number: str, _given: dict[str, Any]) -> Document:
    return accounts.balance(account)


ROUTES: Final = (
    _route("POST", REFUND.path, parameters.REFUND_CREATE, lambda account, _, given: refunding.create(account, given)),
    _route("POST", SESSION.path, parameters.SESSION_CREATE, lambda account, _, given: sessions.create(account, given)),
    _route(
        "POST",
        f"{SESSION.path}/{{id}}/expire",
        parameters.SESSION_EXPIRE,
        lambda account, number, _: sessions.expire(account, number),
    ),
    _route(
        "POST",
        f"{DISPUTE.path}/{{id}}",
        parameters.DISPUTE_UPDATE,
        disputing.update,
    ),
    _route(
        "POST",
        f"{DISPUTE.path}/{{id}}/close",
        parameters.DISPUTE_CLOSE,
        lambda account, number, _: disputing.close(account, number),
    ),
    _route("POST", FILE.path, parameters.FILE_CREATE, lambda account, _, given: files.create(account, given)),
    _route("GET", "/v1/balance", parameters.BALANCE, _balance),
    *_reading(SESSION, parameters.SESSION_LIST),
    *_reading(PAYMENT_INTENT, parameters.PAYMENT_INTENT_LIST),
    *_reading(CHARGE, parameters.CHARGE_LIST),
    *_reading(REFUND, parameters.REFUND_LIST),
    *_reading(DISPUTE, parameters.DISPUTE_LIST),
    *_reading(FILE, parameters.FILE_LIST),
    *_reading(EVENT, parameters.EVENT_LIST),
    *_reading(TRANSACTION, parameters.BALANCE_TRANSACTION_LIST),
    *_reading(WARNING, parameters.EARLY_FRAUD_WARNING_LIST),
)


def find(method: str, path: str) -> tuple[Route, str] | None:
    """Return the endpoint and the id in the path (or nothing)."""
    for route in ROUTES:
        if route.method == method and (found := route.pattern.fullmatch(path)):
            return route, "".join(found.groups())
    return None
