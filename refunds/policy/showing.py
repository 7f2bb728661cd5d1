"""Showing what stands in a document, whatever it is, in a sentence about it: short, printable, and without fail."""

import reprlib
from typing import Final

_LONGEST: Final = 250


class _Short(reprlib.Repr):
    """Like `repr`, but no longer than a line or two."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxdict = 12
        self.maxstring = self.maxlong = self.maxother = _LONGEST

    def repr_int(self, value: int, level: int) -> str:
        """Say how long a number is that is too long to be written: Python refuses to (PYTHONINTMAXSTRDIGITS)."""
        bits = value.bit_length()
        return super().repr_int(value, level) if bits <= 4 * _LONGEST else f"a number of {bits:,} bits"


_SHORT: Final = _Short()


def shown(value: object) -> str:
    """Return the value as a problem names it: a text in quotation marks, all else as Python writes it, cut if long."""
    found = _SHORT.repr(value)
    return found if len(found) <= 2 * _LONGEST else f"{found[:_LONGEST]}..."


def key(name: str) -> str:
    """Return the name of a key, as it is written when it is an ordinary one."""
    return name if name.isprintable() and len(name) <= _LONGEST else shown(name)
