"""Where things stand in the text of a TOML document: the line of each table and key, and the lines of each table.

`tomllib` tells no lines but of syntax errors. This reads a document that `tomllib` has accepted, so it need not judge
what it sees; it only has to know where texts, lists and comments begin and end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Address = tuple[str | int, ...]
"""A path in the document: `("clauses", 2, "when", "cause")` is the key `cause` of `when` of the third clause."""

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_LONG: Final = len('"""')
_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one table of a list, from its header to before the next header; numbers count from 1.

    Blank lines and comments right before the next header belong to what follows.
    """

    first: int
    last: int


@dataclass(slots=True)
class Places:
    """Where everything is. `lines` holds each address once, `blocks` the tables of lists."""

    lines: dict[Address, int] = field(default_factory=dict)
    blocks: dict[Address, Block] = field(default_factory=dict)

    def line(self, address: Address) -> int | None:
        """Return the line of an address, or of the nearest thing around it; None for the document as a whole."""
        while address:
            if address in self.lines:
                return self.lines[address]
            address = address[:-1]
        return None


def places(text: str) -> Places:
    """Read a document that is valid TOML with line feeds as line ends."""
    found = Places()
    counts: dict[Address, int] = {}
    table: Address = ()
    starts: list[tuple[int, Address]] = []
    for number, statement in _statements(text):
        header = _HEADER.fullmatch(statement.split("\n", 1)[0])
        if header is not None:
            table = _opened(header, counts)
            found.lines.setdefault(table, number)
            starts.append((number, table))
            continue
        key = _KEY.match(statement)
        if key is not None:
            address = table
            for part in _PART.findall(key[1]):
                address = (*address, part.strip("\"'"))
                found.lines.setdefault(address, number)
    _find_blocks(found, starts, text)
    return found


def _opened(header: re.Match[str], counts: dict[Address, int]) -> Address:
    """Return the address of a table that a header opens; a table inside of a list's belongs to its last item."""
    address: Address = ()
    parts = [part.strip("\"'") for part in _PART.findall(header[2])]
    for place, part in enumerate(parts):
        address = (*address, part)
        if header[1] == "[[" and place == len(parts) - 1:
            counts[address] = counts.get(address, -1) + 1
        if address in counts:
            address = (*address, counts[address])
    return address


def _find_blocks(found: Places, starts: list[tuple[int, Address]], text: str) -> None:
    lines = text.split("\n")
    tops = [(number, table) for number, table in starts if len(table) == 1 or isinstance(table[-1], int)]
    for place, (first, table) in enumerate(tops):
        last = tops[place + 1][0] - 1 if place + 1 < len(tops) else len(lines)
        while last > first and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
            last -= 1
        found.blocks[table] = Block(first, last)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each key with its value, with the number of its first line; values may have many lines."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        first, statement = number, lines[number]
        while _is_open(statement) and number + 1 < len(lines):
            number += 1
            statement = f"{statement}\n{lines[number]}"
        number += 1
        if statement.strip() and not statement.lstrip().startswith("#"):
            yield first + 1, statement


def _is_open(statement: str) -> bool:
    """Say whether a value goes on in the next line: inside of a list, or of a text in three quotation marks."""
    if _HEADER.fullmatch(statement):
        return False
    depth = at = 0
    while at < len(statement):
        quote = next((mark for mark in ('"""', "'''", '"', "'") if statement.startswith(mark, at)), "")
        if quote:
            at = _end_of_text(statement, at + len(quote), quote)
            if at < 0:
                return True
        elif statement[at] == "#":
            at = statement.find("\n", at)
            if at < 0:
                break
        else:
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(statement[at], 0)
            at += 1
    return depth > 0


def _end_of_text(statement: str, at: int, quote: str) -> int:
    """Return where a text that began before `at` ends, behind its quotation marks; -1 when not in these lines."""
    while at < len(statement):
        if statement[at] == "\\" and quote[0] == '"':
            at += 2
        elif statement.startswith(quote, at):
            at += len(quote)
            while len(quote) == _LONG and statement.startswith(quote[0], at):
                at += 1
            return at
        else:
            at += 1
    return -1
