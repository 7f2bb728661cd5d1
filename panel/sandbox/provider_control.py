"""The control addresses of the sandbox provider: what tests and demos do to it from outside."""

import time
from decimal import Decimal
from typing import Final, Protocol

from panel.kernel import money
from panel.sandbox.fault_queue import BadFault, FaultQueue
from panel.sandbox.http_server import BadRequest, json_document
from panel.sandbox.provider_api import Provider
from panel.sandbox.provider_faults import Fault, parse, row
from panel.sandbox.provider_state import State

_NO_REPORT: Final = "Give an object with status, start_count or remains; of a refill, with status"
_NO_BALANCE: Final = 'Give {"balance": "12.50"}'
_REPORT_KEYS: Final = frozenset({"status", "start_count", "remains"})
_REFILL_KEYS: Final = frozenset({"status"})


class NoSuchThing(LookupError):
    """There is no such address, order or refill."""


class Controlled(Protocol):
    """What control works on."""

    @property
    def provider(self) -> Provider:
        """The provider itself."""

    @property
    def faults(self) -> FaultQueue[Fault]:
        """The faults it is to commit."""


def carry_out(command: str, what: str, number: str | None, body: bytes, target: Controlled) -> object:
    """Do what a call to `/_control/<what>[/<number>]` asks, and return the JSON to answer.

    Raises NoSuchThing, BadRequest.
    """
    match command, what, number:
        case "GET", "orders", None:
            return {"orders": target.provider.rows()}
        case "GET", "refills", None:
            return {"refills": target.provider.refill_rows()}
        case "GET", "faults", None:
            return {"faults": [row(fault, left) for fault, left in target.faults.left()]}
        case "POST", "orders" | "refills", str(driven):
            _found(_drive(target.provider.state, what, int(driven), body))
        case "POST", "forget", str(order):
            _found(target.provider.state.forget(int(order)))
        case "POST", "balance", None:
            target.provider.state.set_balance(_balance(body))
        case "POST", "faults", None:
            try:
                fault = parse(json_document(body))
            except BadFault as error:
                raise BadRequest(str(error)) from error
            target.faults.put(fault, fault.times)
        case "DELETE", "faults", None:
            target.faults.clear()
        case _:
            raise NoSuchThing
    return {"ok": True}


def _found(found: bool) -> None:  # noqa: FBT001 - the outcome itself, not a switch
    if not found:
        raise NoSuchThing


def _drive(state: State, what: str, number: int, body: bytes) -> bool:
    """Set a report of an order or a refill; False if there is none of this number."""
    document = json_document(body)
    keys = _REPORT_KEYS if what == "orders" else _REFILL_KEYS
    if not isinstance(document, dict) or not keys.issuperset(document):
        raise BadRequest(_NO_REPORT)
    return (state.drive if what == "orders" else state.drive_refill)(number, document, at=time.time())


def _balance(body: bytes) -> Decimal:
    document = json_document(body)
    text = document.get("balance") if isinstance(document, dict) else None
    try:
        return money.parse(text if isinstance(text, str) else "")
    except money.NotMoney as error:
        raise BadRequest(_NO_BALANCE) from error
