"""The control addresses of the sandbox provider: what tests and demos do to it from outside."""

import time
from decimal import Decimal
from typing import Final, Protocol

from panel.kernel import money
from panel.sandbox.fault_queue import BadFault, FaultQueue
from panel.sandbox.http_server import BadRequest, json_document
from panel.sandbox.provider_api import Provider
from panel.sandbox.provider_faults import Fault, parse, row

_NO_REPORT: Final = "Give an object with status, start_count or remains"
_NO_BALANCE: Final = 'Give {"balance": "12.50"}'
_REPORT_KEYS: Final = frozenset({"status", "start_count", "remains"})


class NoSuchThing(LookupError):
    """There is no such address or order."""


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
        case "GET", "faults", None:
            return {"faults": [row(fault, left) for fault, left in target.faults.left()]}
        case "POST", "orders", str(order):
            _found(target.provider.state.drive(int(order), _report(body), at=time.time()))
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


def _report(body: bytes) -> dict[str, object]:
    document = json_document(body)
    if not isinstance(document, dict) or not _REPORT_KEYS.issuperset(document):
        raise BadRequest(_NO_REPORT)
    return document


def _balance(body: bytes) -> Decimal:
    document = json_document(body)
    text = document.get("balance") if isinstance(document, dict) else None
    try:
        return money.parse(text if isinstance(text, str) else "")
    except money.NotMoney as error:
        raise BadRequest(_NO_BALANCE) from error
