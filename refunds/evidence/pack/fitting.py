"""Cut what is too long: whole lines, the least telling first, and the text says how many are left out."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_LINE: Final = 1_000

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """A text that fits, and how many of its lines were left out."""

    text: str
    left_out: int

    @property
    def lines(self) -> list[str]:
        """The lines that were kept, with the one that says how many were not."""
        return self.text.split("\n") if self.text else []


def line(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Return a text on one line, without what can't be seen; what is longer ends in an ellipsis."""
    flat = _BLANKS.sub(" ", "".join(c if unicodedata.category(c) not in _UNSEEN else " " for c in text)).strip()
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def newest(lines: Sequence[str], *, most: int, entries: str, beyond: int = 0) -> Cut:
    """Keep as many of the last lines as fit into `most` characters; `entries` names them: `older entries`.

    `beyond` counts those before the first line that are left out anyway.
    """
    kept = _fitting(lines[::-1], most=most, entries=entries, beyond=beyond)
    if kept is None:
        return Cut("\n".join(lines), 0)
    left_out = beyond + len(lines) - len(kept)
    return Cut("\n".join([*_note(left_out, entries, most), *kept[::-1]]), left_out)


def first(lines: Sequence[str], *, most: int, entries: str) -> Cut:
    """Keep as many of the first lines as fit; `entries` names what follows: `later orders`."""
    kept = _fitting(lines, most=most, entries=entries)
    if kept is None:
        return Cut("\n".join(lines), 0)
    left_out = len(lines) - len(kept)
    return Cut("\n".join([*kept, *_note(left_out, entries, most)]), left_out)


def _fitting(lines: Sequence[str], *, most: int, entries: str, beyond: int = 0) -> list[str] | None:
    """Return the lines from the start that fit beside the note; None when all of them do and none is beyond."""
    if not beyond and sum(map(len, lines)) + max(len(lines) - 1, 0) <= most:
        return None
    room = most - len(_sentence(beyond + len(lines), entries))
    kept: list[str] = []
    for one in lines:
        room -= len(one) + 1
        if room < 0:
            break
        kept.append(one)
    return kept


def _sentence(number: int, entries: str) -> str:
    return f"[{number:,} {entries} left out for length.]"


def _note(number: int, entries: str, most: int) -> list[str]:
    sentence = _sentence(number, entries)
    return [sentence] if len(sentence) <= most else []
