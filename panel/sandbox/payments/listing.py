"""Reading: one object, pages of them, and objects expanded inside of others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from panel.sandbox.payments import disputing, errors
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document

DEFAULT_LIMIT: Final = 10
EVENTS_KEPT_DAYS: Final = 30
DEEPEST_EXPANSION: Final = 4
_EXPANDABLE: Final = frozenset(
    {
        "balance_transaction",
        "charge",
        "failure_balance_transaction",
        "latest_charge",
        "payment_intent",
        "source",
    }
)
_COMPARISONS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: how the API calls it, in paths, in errors, and as the parameter that names one."""

    name: str
    path: str
    noun: str
    param: str = "id"


def retrieve(account: Account, kind: Kind, number: str) -> Document:
    """Return one object. Raises StripeError."""
    document = account.store.find(kind.name, number)
    if document is None or (kind.name == "event" and document["created"] < _oldest_event(account)):
        raise errors.missing(kind.noun, number, param=kind.param)
    return _as_of_now(account, document)


def page(account: Account, kind: Kind, given: dict[str, Any]) -> Document:
    """Return a list, newest first. `given` is as one of the LIST tables reads it. Raises StripeError."""
    if "starting_after" in given and "ending_before" in given:
        raise StripeError("You can't provide both starting_after and ending_before.")
    for cursor in ("starting_after", "ending_before"):
        if cursor in given and account.store.find(kind.name, given[cursor]) is None:
            raise errors.missing(kind.noun, given[cursor], param=cursor)
    found, has_more = account.store.page(
        kind.name,
        _conditions(account, kind, given),
        limit=given.get("limit", DEFAULT_LIMIT),
        after=given.get("starting_after"),
        before=given.get("ending_before"),
    )
    data = [_as_of_now(account, document) for document in found]
    return {"object": "list", "data": data, "has_more": has_more, "url": kind.path}


def expand(account: Account, document: Document, paths: list[str]) -> None:
    """Put objects in the place of their ids, along paths such as `data.payment_intent`. Raises StripeError."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST_EXPANSION + 1:
            raise StripeError(f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property.", param="expand")
        _expand(account, document, parts, path)


def _expand(account: Account, document: Document, parts: list[str], path: str) -> None:
    name, *rest = parts
    if document.get("object") == "list" and name == "data" and rest:
        for inner in document["data"]:
            _expand(account, inner, rest, path)
        return
    if name not in _EXPANDABLE or name not in document:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    value = document[name]
    if isinstance(value, str):
        value = document[name] = _as_of_now(account, account.store.get(value))
    if rest and value is not None:
        _expand(account, value, rest, path)


def _conditions(account: Account, kind: Kind, given: dict[str, Any]) -> list[tuple[str, object]]:
    terms: list[tuple[str, object]] = [
        (f"created {_COMPARISONS[name]} ?", instant) for name, instant in given.get("created", {}).items()
    ]
    terms += [(f"{name} = ?", given[name]) for name in ("payment_intent", "charge", "source") if name in given]
    terms += [(_equals(name), given[name]) for name in ("status", "purpose", "currency") if name in given]
    if kind.name == "event":
        terms.append(("created >= ?", _oldest_event(account)))
        terms += _event_conditions(given)
    elif "type" in given:
        terms.append((_equals("type"), given["type"]))
    return terms


def _event_conditions(given: dict[str, Any]) -> list[tuple[str, object]]:
    """`type` may end in `*`. Raises StripeError."""
    terms: list[tuple[str, object]] = []
    if "type" in given and "types" in given:
        raise StripeError("You may pass either type or types, but not both.", param="types")
    if "type" in given:
        terms.append(("json_extract(body, '$.type') GLOB ?", given["type"]))
    if "types" in given:
        terms.append(("instr(?, ',' || json_extract(body, '$.type') || ',')", f",{','.join(given['types'])},"))
    if "delivery_success" in given:
        terms.append(("(json_extract(body, '$.pending_webhooks') = 0) = ?", given["delivery_success"]))
    return terms


def _equals(name: str) -> str:
    return f"json_extract(body, '$.{name}') = ?"


def _oldest_event(account: Account) -> int:
    return account.now() - EVENTS_KEPT_DAYS * 86400


_AT_ONCE: Final[dict[str, Callable[[Account, Document], Document]]] = {disputing.KIND: disputing.past_due}


def _as_of_now(account: Account, document: Document) -> Document:
    """Return the document with what depends on the clock."""
    adjust = _AT_ONCE.get(document["object"])
    return document if adjust is None else adjust(account, document)
