"""What a provider's status report means. Pure: no Django, no I/O.

A report that makes no sense is never guessed at: it comes back as Nonsense, the order keeps its state, and a person
looks. Panels lose money where an unknown status becomes pending or a missing `remains` becomes a full refund.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class ProviderStatus(StrEnum):
    """The statuses of API v2, spelled as the panel's own."""

    PENDING = "pending"
    PROCESSING = "processing"
    IN_PROGRESS = "in_progress"
    PARTIAL = "partial"
    CANCELED = "canceled"
    COMPLETED = "completed"


class NonsenseKind(StrEnum):
    """Why a report can't be acted on."""

    UNKNOWN_STATUS = "unknown_status"
    MISSING_REMAINS = "missing_remains"
    BAD_REMAINS = "bad_remains"
    CONTRADICTION = "contradiction"


FINAL: Final = frozenset({ProviderStatus.PARTIAL, ProviderStatus.CANCELED, ProviderStatus.COMPLETED})

# Spellings with spaces, hyphens and underscores taken out.
_SPELLINGS: Final = {status.replace("_", ""): status for status in ProviderStatus} | {
    "cancelled": ProviderStatus.CANCELED
}
_FILLERS: Final = re.compile(r"[ _-]+")
_PLAIN: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_LARGEST: Final = 10**18
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Report:
    """What the provider said about one order, untouched: values are whatever its JSON held, None where it held nothing.

    `raw_status` is text fit to store; a status that was no text is given as its JSON text, a missing one as "". The
    other values may hold what PostgreSQL can't store (NUL, lone surrogates): store Nonsense.detail, which escapes them.
    """

    raw_status: str
    start_count: object
    remains: object
    charge: object


@dataclass(frozen=True, slots=True)
class Understood:
    """A report to act on. `remains`, in units, is within 0..quantity, and known whenever the status is final."""

    status: ProviderStatus
    remains: int | None
    start_count: int | None


@dataclass(frozen=True, slots=True)
class Nonsense:
    """A report for a person to look at; `detail` is a sentence for staff."""

    kind: NonsenseKind
    detail: str


def interpret(report: Report, quantity: int) -> Understood | Nonsense:
    """Say what a report on an order for `quantity` units means. Never raises, whatever the provider sent.

    The start count carries no money, so junk in it is left out instead of making the report nonsense.
    """
    status = _SPELLINGS.get(_FILLERS.sub("", report.raw_status.strip().lower()))
    if status is None:
        return Nonsense(NonsenseKind.UNKNOWN_STATUS, f"the provider reports the status {_shown(report.raw_status)}")
    remains = _remains(status, report.remains, quantity)
    if isinstance(remains, Nonsense):
        return remains
    return Understood(status, remains, _plain_integer(report.start_count))


def _remains(status: ProviderStatus, raw: object, quantity: int) -> int | Nonsense | None:
    """Read `remains`; None where an order that is still open has none yet."""
    if raw is None or raw == "":
        missing = Nonsense(NonsenseKind.MISSING_REMAINS, f"the order is {status} but remains is missing")
        return missing if status in FINAL else None
    remains = _plain_integer(raw)
    if remains is None:
        return Nonsense(NonsenseKind.BAD_REMAINS, f"remains is {_shown(raw)}, not a plain whole number")
    if remains > quantity:
        return Nonsense(NonsenseKind.BAD_REMAINS, f"remains is {remains} but the order is for {quantity}")
    if status is ProviderStatus.COMPLETED and remains > 0:
        return Nonsense(NonsenseKind.CONTRADICTION, f"the order is completed but remains is {remains}")
    return remains


def _plain_integer(value: object) -> int | None:
    """Read a JSON integer or ASCII digits: no sign, fraction, exponent, other script, boolean; at most 18 digits."""
    if isinstance(value, str):
        return int(value) if _PLAIN.fullmatch(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST:
        return value
    return None


def _shown(value: object) -> str:
    """Return a short printable form; never the whole of something huge or deeply nested."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
        case int() if abs(value) >= _LARGEST:
            return "a number beyond all bounds"
        case int() | float() | Decimal():
            return str(value)[:_SHOWN]
        case list():
            return "a list"
        case _:
            return "an object"
