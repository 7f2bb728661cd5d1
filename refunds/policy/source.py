"""Where things stand in the text of a TOML document: the line of each table and key, and the lines of each table.

`tomllib` tells no lines but of syntax errors. This reads a document that `tomllib` has accepted, so it need not judge
what it sees; it only has to know where texts, lists and comments begin and end. Its time grows with the text's length.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Address = tuple[str | int, ...]
"""A path in the document: `("clauses", 2, "when", "cause")` is the key `cause` of `when` of the third clause."""

_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_NAMES: Final = rf"({_NAME}(?:\s*\.\s*{_NAME})*)"
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*{_NAMES}\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(rf"\s*{_NAMES}\s*=")
_PART: Final = re.compile(_NAME)
# Whatever stands in a text is one of these, also in one that is no TOML; none is given up once it has begun.
_TOKEN: Final = re.compile(
    r"""
    (?P<text>\"{3}(?:[^"\\]|\\.?|"(?!""))*+(?:"{3,5}|\Z)|'{3}(?:[^']|'(?!''))*+(?:'{3,5}|\Z)
        |"(?:[^"\\\n]|\\[^\n]?)*+"?|'[^'\n]*+'?)
    |(?P<comment>\#[^\n]*+)|(?P<end>\n)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<blank>[\ \t]++)
    |(?P<word>[^"'\#\n\[\]{}\ \t]++)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text: its kind by the names in the pattern, the line on which it begins, and how deep it stands."""

    kind: str
    text: str
    line: int
    begin: int
    depth: int


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one table of a list, from its header to the end of its last key; numbers count from 1.

    Blank lines and comments between that and the next header belong to what follows.
    """

    first: int
    last: int


@dataclass(slots=True)
class Places:
    """Where everything is. `lines` holds each address once, `blocks` the tables of lists, `comments` whole lines."""

    lines: dict[Address, int] = field(default_factory=dict)
    blocks: dict[Address, Block] = field(default_factory=dict)
    comments: set[int] = field(default_factory=set)

    def line(self, address: Address) -> int | None:
        """Return the line of an address, or of the nearest thing around it; None for the document as a whole."""
        while address:
            if address in self.lines:
                return self.lines[address]
            address = address[:-1]
        return None


_BETWEEN: Final = re.compile("[=,]")
MOST_DEPTH: Final = 16
MOST_PARTS: Final = 16
LONGEST_WORD: Final = 200


@dataclass(frozen=True, slots=True)
class _Statement:
    """A header, or a key with its value, which may have many lines."""

    first: int
    last: int
    text: str


def tokens(text: str) -> Iterator[Token]:
    """Yield all pieces of a text, whatever it holds, in the order in which they stand."""
    line, depth = 1, 0
    for found in _TOKEN.finditer(text):
        kind, piece = found.lastgroup or "", found[0]
        if kind == "close":
            depth = max(depth - 1, 0)
        yield Token(kind, piece, line, found.start(), depth)
        if kind == "open":
            depth += 1
        line += piece.count("\n")


def excess(text: str) -> tuple[int, str] | None:
    """Return the line and a sentence for what no policy needs and a parser takes too long for; None without any.

    That is deep nesting, keys of many parts, and names, keys or numbers that are longer than any line.
    """
    parts = 1
    for token in tokens(text):
        for place, word in enumerate(_BETWEEN.split(token.text) if token.kind == "word" else ()):
            parts = word.count(".") + (1 if place else parts)
            if len(word) > LONGEST_WORD:
                return token.line, f"a name or number of {len(word):,} characters; at most {LONGEST_WORD} are allowed"
        if token.kind in {"open", "close", "end"}:
            parts = 1
        if parts > MOST_PARTS:
            return token.line, f"a key of more than {MOST_PARTS} parts"
        if token.depth > MOST_DEPTH:
            return token.line, f"lists and tables inside of each other, more than {MOST_DEPTH} deep"
    return None


def places(text: str) -> Places:
    """Read a document that is valid TOML with line feeds as line ends."""
    found = Places()
    counts: dict[Address, int] = {}
    table: Address = ()
    top: Address = ()
    for statement in _statements(text, found.comments):
        header = _HEADER.fullmatch(statement.text)
        if header is not None:
            table = _opened(header, counts)
            found.lines.setdefault(table, statement.first)
            if isinstance(table[-1], int):
                found.lines.setdefault(table[:-1], statement.first)  # the list as a whole begins with its first table
            if len(table) == 1 or isinstance(table[-1], int):
                top = table
                found.blocks[top] = Block(statement.first, statement.last)
        if top:
            found.blocks[top] = Block(found.blocks[top].first, statement.last)
        key = _KEY.match(statement.text) if header is None else None
        if key is not None:
            address = table
            for part in _PART.findall(key[1]):
                address = (*address, _named(part))
                found.lines.setdefault(address, statement.first)
    return found


def _opened(header: re.Match[str], counts: dict[Address, int]) -> Address:
    """Return the address of a table that a header opens; a table inside of a list's belongs to its last item."""
    address: Address = ()
    parts = [_named(part) for part in _PART.findall(header[2])]
    for place, part in enumerate(parts):
        address = (*address, part)
        if header[1] == "[[" and place == len(parts) - 1:
            counts[address] = counts.get(address, -1) + 1
        if address in counts:
            address = (*address, counts[address])
    return address


def _named(part: str) -> str:
    """Return the name that a part of a key stands for."""
    return str(tomllib.loads(f"name = {part}")["name"]) if "\\" in part else part.strip("\"'")


def _statements(text: str, comments: set[int]) -> Iterator[_Statement]:
    """Yield each header and each key with its value; add the lines that hold nothing but a comment to `comments`."""
    first = begin = 0
    line_of_code = 0
    for token in tokens(text):
        if token.kind == "comment" and line_of_code < token.line:
            comments.add(token.line)
        elif token.kind == "end" and token.depth == 0:
            if first:
                yield _Statement(first, token.line, text[begin : token.begin])
            first, begin = 0, token.begin + 1
        elif token.kind not in {"comment", "end", "blank"}:
            first = first or token.line
            line_of_code = token.line + token.text.count("\n")
    if first:
        yield _Statement(first, line_of_code, text[begin:])
