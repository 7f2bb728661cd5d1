"""The numbers of orders or refills that a call asks about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orders.api_v2.parameters import Malformed

MOST_IDS: Final = 100
_LARGEST: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GivenId:
    """One id as the client wrote it, and its number; None when it can't be one of ours."""

    text: str
    number: int | None

    @property
    def echo(self) -> int | str:
        """The id for an answer: a number, unless it is none."""
        return self.text if self.number is None else self.number


@dataclass(frozen=True, slots=True)
class Asked:
    """The ids of one call, in its order. `many`: answer in plural form."""

    ids: tuple[GivenId, ...]
    many: bool

    @property
    def numbers(self) -> set[int]:
        """What is worth looking up."""
        return {asked.number for asked in self.ids if asked.number is not None}


def parse(text: str) -> int | None:
    """Return the number of an id in plain digits that the database can hold; None for anything else."""
    number = int(text) if _DIGITS.fullmatch(text) else 0
    return number if 0 < number <= _LARGEST else None


def asked(parameters: Mapping[str, str], what: str = "order") -> Asked:
    """Read `order` or `orders`, or another `what`; blanks are ignored, and a list under the singular name is a list.

    Raises Malformed: neither given, both given, nothing but blanks, or more than `MOST_IDS`.
    """
    one, several = parameters.get(what), parameters.get(f"{what}s")
    if (one is None) == (several is None):
        message = f"Give {what} or {what}s."
        raise Malformed(message, field=f"{what}s")
    texts = [text for part in (one or several or "").split(",") if (text := part.strip())]
    if not 1 <= len(texts) <= MOST_IDS:
        message = f"Give 1 to {MOST_IDS} {what}s."
        raise Malformed(message, field=f"{what}s")
    return Asked(ids=tuple(GivenId(text, parse(text)) for text in texts), many=several is not None or len(texts) > 1)
