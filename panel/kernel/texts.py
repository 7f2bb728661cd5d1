"""What people write, checked before it is kept: bounded, without what can't be seen or stored."""

import re
import unicodedata
from typing import Final

from panel.kernel.errors import Refused

# Half of a pair, and NUL: neither can be stored.
_NOT_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_BREAKS: Final = re.compile(r"\r\n?|[\u2028\u2029\x85]")
# What would make a text read in another order than it is written, in lists and e-mails too.
_DIRECTIONS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


class BadText(Refused):
    """What was written can't be kept; `field` says where."""

    code = "bad_text"


def text(written: str, *, longest: int, field: str = "text", missing: str = "Please write something.") -> str:
    """Return a text of several lines without what can't be seen; line breaks are line feeds.

    Raises BadText when nothing is left (`missing` is its sentence), it is too long, or it holds what is no text.
    """
    _require_text(written, field)
    lines = _DIRECTIONS.sub("", _BREAKS.sub("\n", written))
    return _bounded("".join(c for c in lines if c in "\n\t" or not _is_control(c)).strip(), longest, field, missing)


def line(written: str, *, longest: int, field: str) -> str:
    """Return a text of one line: every run of blanks and line breaks becomes one blank. Raises BadText as `text`."""
    _require_text(written, field)
    flat = "".join(" " if _is_control(c) else c for c in _DIRECTIONS.sub("", _BREAKS.sub(" ", written)))
    return _bounded(" ".join(flat.split()), longest, field, "Please write something.")


def _require_text(written: str, field: str) -> None:
    if _NOT_TEXT.search(written):
        raise BadText("This holds a character that is no text. Please type it again.", field=field)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _bounded(cleaned: str, longest: int, field: str, missing: str) -> str:
    if not any(c.isprintable() and not c.isspace() for c in cleaned):
        raise BadText(missing, field=field)
    if len(cleaned) > longest:
        message = f"At most {longest:,} characters, please: this has {len(cleaned):,}."
        raise BadText(message, field=field)
    return cleaned
