"""Time zones that people choose by name, and how an instant says which one it is written in."""

import functools
import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

LONGEST_NAME: Final = 64
_WORD: Final = re.compile(r"[A-Z]{2,5}", re.ASCII)
# Files of the database of zones that are no places: what this machine is set to, and a zone that is not set at all.
_NO_PLACES: Final = frozenset({"localtime", "Factory"})
_AREAS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@functools.cache
def names() -> frozenset[str]:
    """Return every name that is known, old spellings included: browsers still say `Asia/Calcutta`."""
    return frozenset(available_timezones()) - _NO_PLACES


@functools.cache
def by_area() -> dict[str, tuple[str, ...]]:
    """Return the names that people choose from: those of places, by continent or ocean, in alphabetical order."""
    places = sorted(name for name in names() if name.partition("/")[0] in _AREAS)
    return {area: tuple(name for name in places if name.startswith(f"{area}/")) for area in _AREAS}


def named(name: str) -> ZoneInfo | None:
    """Return the zone of that name, or None: whatever was sent is looked up in a list and never opened as a file."""
    return ZoneInfo(name) if name in names() else None


def place(name: str) -> str:
    """Return a zone's name as people read it: `America/New York`."""
    return name.replace("_", " ")


def mark(local: datetime) -> str:
    """Return what names the zone of an aware instant: `CET`, or `UTC-03:00` where nobody has letters for it."""
    letters = local.tzname() or ""
    if _WORD.fullmatch(letters):
        return letters
    offset = f"{local:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"
