"""Numbers and words out of query strings: what makes no sense counts as not given, and nothing reaches the database."""

import re
from typing import Final
from uuid import UUID

_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
LONGEST_SEARCH: Final = 200


def number(text: str | None) -> int | None:
    """Return a whole number of plain digits, or None."""
    candidate = (text or "").strip()
    return int(candidate) if _NUMBER.fullmatch(candidate) else None


def key(text: str | None) -> UUID | None:
    """Return the key that a form carries so that sending it twice does once what it asks, or None."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def words(text: str | None) -> str:
    """Return a search text without surrounding blanks and characters that can't be seen, at most 200 long."""
    return "".join(character for character in text or "" if character.isprintable()).strip()[:LONGEST_SEARCH]
