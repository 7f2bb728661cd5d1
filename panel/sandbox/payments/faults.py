"""Faults that the sandbox commits when told to, to requests and to webhooks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from panel.sandbox import fault_queue
from panel.sandbox.fault_queue import BadFault

MOST_COPIES: Final = 100


class Kind(StrEnum):
    """What goes wrong."""

    DROP_BEFORE = "drop_before"  # nothing is done, the connection closes unanswered
    DROP_AFTER = "drop_after"  # done, the connection closes unanswered; the answer is stored under the key
    ERROR_500_BEFORE = "error_500_before"  # nothing is done, 500; not stored under the key unless `stored`
    ERROR_500_AFTER = "error_500_after"  # done, and yet 500; stored under the key unless `stored` is false
    HTTP_429 = "http_429"  # nothing is done, never stored
    SLOW = "slow"  # done and answered after `seconds`; until then the key is in use
    STALL = "stall"  # done and stored at once, answered after `seconds`
    WEBHOOK_DROP = "webhook_drop"  # an event is never delivered
    WEBHOOK_DELAY = "webhook_delay"  # it is delivered after `seconds`
    WEBHOOK_REPEAT = "webhook_repeat"  # it is delivered `copies` times more
    WEBHOOK_REORDER = "webhook_reorder"  # `times` events are kept back and then delivered last first


WEBHOOK: Final = frozenset({Kind.WEBHOOK_DROP, Kind.WEBHOOK_DELAY, Kind.WEBHOOK_REPEAT, Kind.WEBHOOK_REORDER})
_KEYS: Final = frozenset({"kind", "path", "method", "event", "times", "seconds", "stored", "copies"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, for requests whose path contains `path`, or events whose type contains `event`."""

    kind: Kind
    path: str
    method: str | None
    event: str
    times: int | None
    seconds: float
    stored: bool
    copies: int

    def concerns_request(self, method: str, path: str) -> bool:
        """Whether it is to befall this request."""
        return self.kind not in WEBHOOK and self.path in path and self.method in {None, method}

    def concerns_event(self, kind: str) -> bool:
        """Whether it is to befall the delivery of an event of this type."""
        return self.kind in WEBHOOK and self.event in kind


def parse(document: object) -> Fault:
    """Read a fault such as `{"kind": "drop_after", "path": "/v1/refunds", "method": "POST", "times": 1}`.

    Raises BadFault.
    """
    if not isinstance(document, dict):
        raise BadFault("a fault is an object")
    if unknown := sorted(set(map(str, document)) - _KEYS):
        raise BadFault(f"unknown keys: {', '.join(unknown)}")
    try:
        kind = Kind(str(document.get("kind")))
    except ValueError as error:
        raise BadFault(str(error)) from error
    given: dict[str, Any] = {
        "path": "",
        "method": None,
        "event": "",
        "times": None,
        "seconds": 1.0,
        "stored": kind is Kind.ERROR_500_AFTER,
        "copies": 1,
        **document,
        "kind": kind,
    }
    problems = {
        "path is a text": not isinstance(given["path"], str),
        "method is GET or POST": given["method"] not in {None, "GET", "POST"},
        "event is a text": not isinstance(given["event"], str),
        "stored is true or false": not isinstance(given["stored"], bool),
        "copies is between 1 and 100": type(given["copies"]) is not int or not 1 <= given["copies"] <= MOST_COPIES,
        "a reordering needs times of at least 2": kind is Kind.WEBHOOK_REORDER and given["times"] in {None, 1},
    }
    wrong = [rule for rule, broken in problems.items() if broken]
    if wrong := [*wrong, *fault_queue.wrong_numbers(times=given["times"], seconds=given["seconds"])]:
        raise BadFault("; ".join(wrong))
    return Fault(**given)


def row(fault: Fault, left: int | None) -> dict[str, object]:
    """Return a waiting fault as the control address lists it."""
    return {
        "kind": fault.kind,
        "path": fault.path,
        "method": fault.method,
        "event": fault.event,
        "times_left": left,
        "seconds": fault.seconds,
    }
