"""Faults that the sandbox provider commits when told to: slow, failing, dropping the connection, talking nonsense."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from panel.sandbox import fault_queue
from panel.sandbox.fault_queue import BadFault


class Kind(StrEnum):
    """What goes wrong. The default of `acts` (is the action carried out all the same?) stands beside each."""

    SLOW = "slow"  # acts, after `seconds`
    ERROR = "error"  # does not act: a business error with the text given
    HTTP_500 = "http_500"  # does not act
    HTTP_429 = "http_429"  # does not act
    DROP_BEFORE = "drop_before"  # never acts: the connection closes unanswered
    DROP_AFTER = "drop_after"  # always acts: the connection closes unanswered
    NONSENSE = "nonsense"  # acts: the order may well exist behind an unreadable answer


class Variant(StrEnum):
    """What nonsense looks like."""

    HTML = "html"
    TRUNCATED = "truncated"
    WRONG_SHAPE = "wrong_shape"
    NOT_A_NUMBER = "not_a_number"
    EMPTY = "empty"


NONSENSE: Final[Mapping[Variant, bytes]] = {
    Variant.HTML: b"<!doctype html><title>Just a moment</title><p>Checking your browser",
    Variant.TRUNCATED: b'{"order": 123',
    Variant.WRONG_SHAPE: b'{"data": ["order", {"id": true}]}',
    Variant.NOT_A_NUMBER: b'{"order": NaN, "balance": Infinity}',
    Variant.EMPTY: b"",
}
_ACTS_BY_DEFAULT: Final = frozenset({Kind.SLOW, Kind.DROP_AFTER, Kind.NONSENSE})
_SETTLED: Final = frozenset({Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.ERROR})
_KEYS: Final = frozenset({"action", "kind", "seconds", "times", "error", "variant", "acts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: for one action or (None) for every one; `times` calls, or until cleared (None)."""

    kind: Kind
    action: str | None
    times: int | None
    seconds: float
    error: str
    variant: Variant
    acts: bool


def parse(document: object) -> Fault:
    """Read a fault from JSON such as `{"action": "add", "kind": "slow", "seconds": 3, "times": 2}`.

    Raises BadFault.
    """
    if not isinstance(document, dict) or (unknown := sorted(set(map(str, document)) - _KEYS)):
        detail = "a fault is an object" if not isinstance(document, dict) else f"unknown keys: {', '.join(unknown)}"
        raise BadFault(detail)
    try:
        kind = Kind(str(document.get("kind")))
        variant = Variant(str(document.get("variant", Variant.HTML)))
    except ValueError as error:
        raise BadFault(str(error)) from error
    action, error_text = document.get("action"), document.get("error", "Something went wrong")
    times, seconds = document.get("times"), document.get("seconds", 0)
    acts = document.get("acts", kind in _ACTS_BY_DEFAULT)
    problems = {
        "action is a text": action is not None and not isinstance(action, str),
        "error is a text": not isinstance(error_text, str),
        "acts is true or false": not isinstance(acts, bool),
        f"acts is settled by {kind}": kind in _SETTLED and acts != (kind in _ACTS_BY_DEFAULT),
    }
    wrong = [rule for rule, broken in problems.items() if broken]
    if wrong := [*wrong, *fault_queue.wrong_numbers(times=times, seconds=seconds)]:
        raise BadFault("; ".join(wrong))
    return Fault(
        kind=kind, action=action, times=times, seconds=float(seconds), error=error_text, variant=variant, acts=acts
    )


def row(fault: Fault, left: int | None) -> dict[str, object]:
    """Return a waiting fault as the control address lists it."""
    return {"action": fault.action, "kind": fault.kind, "times_left": left, "acts": fault.acts}
