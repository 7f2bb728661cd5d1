"""Reading typed values out of a TOML document while collecting every problem, so that an author sees all of them.

A reader returns a stand-in where it found a problem; the loader never builds a policy when there is one.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from panel.kernel import money
from refunds.policy import showing
from refunds.policy.showing import shown
from refunds.policy.source import Address
from refunds.policy.wording import PLACEHOLDER

Choice = TypeVar("Choice", bound=StrEnum)

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_LONGEST_ID: Final = 50
_PERCENT: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2})?) ?%", re.ASCII)
_LONGEST_AMOUNT: Final = 40
_ALL_OF_IT: Final = 10_000  # hundredths of a per cent
_ABOVE_ALL_NUMBERS: Final = 2**63
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2100, 12, 31)
_TYPES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    str: "a text",
    list: "a list",
    dict: "a table",
}


class Problem(str):
    """A sentence about what is wrong with a document. `address` is where, `what` the sentence without saying where."""

    __slots__ = ("address", "what")
    address: Address
    what: str

    def __new__(cls, where: str, what: str, address: Address = ()) -> Self:
        """Make the sentence `where: what`, and keep its parts."""
        made = super().__new__(cls, f"{where}: {what}")
        made.address, made.what = address, what
        return made


class Table:
    """One table of a document. Every key has to be asked for; `close` reports those that nobody asked for."""

    def __init__(
        self,
        data: dict[str, Any],
        *,
        place: str,
        problems: list[Problem],
        prefix: str = "",
        exists: bool = True,
        address: Address = (),
    ) -> None:
        """Read `data`, which stands at `address`; problems are written as `place: prefix+key: what is wrong`."""
        self._exists = exists
        self._data = data
        self._place = place
        self._problems = problems
        self._prefix = prefix
        self._address = address
        self._asked: set[str] = set()
        self._is_sound = True

    def problem(self, key: str, what: str) -> None:
        """Note one problem with one key."""
        self._is_sound = False
        where = f"{self._place}: {self._prefix}{showing.key(key)}"
        self._problems.append(Problem(where, what, (*self._address, key)))

    @property
    def exists(self) -> bool:
        """Whether the document has this table at all."""
        return self._exists

    @property
    def is_sound(self) -> bool:
        """Whether it is there and nothing read from it so far was a problem, so that no stand-in is among it."""
        return self._exists and self._is_sound

    def report(self, what: str) -> None:
        """Note one problem with the table as a whole."""
        where = f"{self._place}: {self._prefix.rstrip('.')}" if self._prefix else self._place
        self._problems.append(Problem(where, what, self._address))

    def has(self, key: str) -> bool:
        """Say whether the key is there, whatever it holds; it counts as asked for."""
        self._asked.add(key)
        return key in self._data

    def close(self) -> None:
        """Report every key that is not of this table."""
        for key in self._data:
            if key not in self._asked:
                self.problem(key, f"unknown key; {_suggest(key, sorted(self._asked))}")

    def text(self, key: str, placeholders: Iterable[str] = ("panel",), longest: int = 5000) -> str:
        """Read a text that isn't blank, at most `longest` characters, with no placeholder but the given ones."""
        value = self._take(key, str, "a text in quotation marks")
        if value is not None and len(value) > longest:
            self.problem(key, f"has {len(value)} characters; at most {longest} are allowed")
        return self._checked_text(key, value, placeholders) if value is not None else ""

    def identifier(self, key: str) -> str:
        """Read an id: lower-case words of letters and digits with hyphens between, at most 50 characters."""
        value: str | None = self._take(key, str, "a text in quotation marks")
        if value is None:
            return ""
        self._check_id(key, value)
        return value

    def flag(self, key: str) -> bool:
        """Read true or false."""
        return bool(self._take(key, bool, "true or false"))

    def number(self, key: str, *, least: int, most: int) -> int:
        """Read a whole number of at least `least` and at most `most`."""
        value = self._take(key, int, "a whole number")
        if value is not None and value < least:
            self.problem(key, f"{shown(value)} is too small: at least {least}")
        if value is not None and value > most:
            self.problem(key, f"{shown(value)} is too large: at most {most}")
        return least if value is None else min(max(value, least), most)

    def window(self, key: str, *, most: int) -> tuple[int, int]:
        """Read a pair `[from, to]` of whole numbers, 0 <= from <= to <= most and to > 0."""
        allowed = "a pair of whole numbers [from, to] with 0 <= from <= to and to above 0"
        value = self._take(key, list, allowed)
        if value is None:
            return (0, 0)
        match value:
            case [int(low), int(high)] if type(low) is int and type(high) is int and 0 <= low <= high and high > 0:
                if high > most:
                    self.problem(key, f"{shown(high)} is too large: at most {most}")
                    return (0, 0)
                return (low, high)
        self.problem(key, f"{shown(value)} is not {allowed}")
        return (0, 0)

    def amount(self, key: str) -> Decimal:
        """Read an amount of money, written as a text so that no float comes near it."""
        value = self._take(key, str, 'an amount of money in quotation marks, such as "5.00"')
        return money.ZERO if value is None else self._money(key, value) or money.ZERO

    def day(self, key: str) -> date:
        """Read a date without a time, from 2000 to 2100."""
        value = self._take(key, date, "a date without quotation marks, such as 2026-02-06")
        if value is not None and not _FIRST_DAY <= value <= _LAST_DAY:
            self.problem(key, f"{value} is not a date from {_FIRST_DAY} to {_LAST_DAY}")
        return value if value is not None else date.min

    def choice(self, key: str, choices: type[Choice], noun: str) -> Choice:
        """Read one of a few words."""
        value = self._take(key, str, f"one of {', '.join(choices)}, in quotation marks")
        if value is not None:
            known = self._known(key, value, choices, noun)
            if known is not None:
                return known
        return next(iter(choices))

    def choices(self, key: str, choices: type[Choice], noun: str, *, least: int = 1) -> tuple[Choice, ...]:
        """Read a list of different words out of a few."""
        value = self._take(key, list, f"a list of any of {', '.join(choices)}")
        if value is None:
            return ()
        if len(value) < least:
            self.problem(key, f"the list is empty; name at least {least} of {', '.join(choices)}")
        found: list[Choice] = []
        for item in value:
            known = self._known(key, item, choices, noun)
            if known is not None and known in found:
                self.problem(key, f"{shown(item)} is listed twice")
            elif known is not None:
                found.append(known)
        return tuple(found)

    def word(self, key: str, known: Sequence[str], noun: str) -> str:
        """Read one of a few words that the document itself defines."""
        value: str | None = self._take(key, str, "a text in quotation marks")
        if value is not None and value not in known:
            self.problem(key, f"{shown(value)} is not {noun}; {_suggest(value, known)}")
        return value or ""

    def words(self, key: str, known: Sequence[str], noun: str) -> tuple[str, ...]:
        """Read a list of different words out of a few that the document itself defines; at least one."""
        found = self._different(key, str, "a list of texts")
        if self._data.get(key) == []:
            self.problem(key, f"the list is empty; name at least one of {', '.join(known)}")
        for item in found:
            if item not in known:
                self.problem(key, f"{shown(item)} is not {noun}; {_suggest(item, known)}")
        return found

    def numbers(self, key: str) -> tuple[int, ...]:
        """Read a list of different whole numbers above 0 that may be left out."""
        found: tuple[int, ...] = self._different(key, int, "a list of whole numbers") if self.has(key) else ()
        for item in found:
            if not 0 < item < _ABOVE_ALL_NUMBERS:
                self.problem(key, f"{shown(item)} is not a number of the catalog")
        return found

    def portion(self, key: str) -> tuple[int | None, Decimal | None]:
        """Read a part of an amount: hundredths of a per cent ("12.5 %"), or a sum ("0.50"); one of them is None."""
        allowed = 'a percentage or an amount of money in quotation marks, such as "12.5 %" or "0.50"'
        value = self._take(key, str, allowed)
        if value is None:
            return (None, money.ZERO)
        if not value.strip().endswith("%"):
            amount = self._money(key, value)
            if amount == 0:
                self.problem(key, "is nothing; leave it out instead")
            return (None, amount or money.ZERO)
        percent = _PERCENT.fullmatch(value.strip())
        points = round(Decimal(percent[1]) * 100) if percent else 0
        if not 0 < points < _ALL_OF_IT:
            self.problem(
                key, f"{shown(value)} is not {allowed}; a percentage has at most two decimals and is below 100 %"
            )
            points = 1
        return (points, None)

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts that may be left out."""
        if not self.has(key):
            return ()
        value = self._take(key, list, "a list of texts") or []
        for item in value:
            if not isinstance(item, str):
                self.problem(key, f"must be a list of texts; {shown(item)} is {_type_name(item)}")
                return ()
        return tuple(self._checked_text(key, item, ("panel",)) for item in value)

    def table(self, key: str, place: str | None = None, prefix: str | None = None) -> "Table":
        """Open a table inside of this one; a missing one is reported and reads as absent keys would."""
        value = self._take(key, dict, f"a table [{self._prefix}{key}]")
        where = self._place if place is None else place
        if value is None:
            return Table({}, place=where, problems=[], exists=False)
        inner = f"{self._prefix}{key}." if prefix is None else prefix
        return Table(value, place=where, problems=self._problems, prefix=inner, address=(*self._address, key))

    def tables(self, key: str, noun: str, source: str, *, required: bool, label: str = "id") -> "list[Table]":
        """Open a list of tables `[[key]]`; problems name each by its `label` or, without one, by its position."""
        if not required and not self.has(key):
            return []
        value = self._take(key, list, f"a list of tables, each starting with [[{key}]]") or []
        opened = []
        for position, item in enumerate(value, start=1):
            if not isinstance(item, dict):
                self.problem(key, f"must be a list of tables; item {position} is {_type_name(item)}")
                continue
            name = item.get(label)
            place = f"{noun} {shown(name)}" if isinstance(name, str) and name else f"{noun} {position}"
            address = (*self._address, key, position - 1)
            opened.append(Table(item, place=f"{source}: {place}", problems=self._problems, address=address))
        return opened

    def refuse_twins(self, names: Sequence[str], noun: str, source: str, key: str = "id") -> None:
        """Note every name that more than one of a list of tables has."""
        self._problems.extend(
            Problem(
                f"{source}: {noun} {shown(twin)}: {key}",
                f"is used by {names.count(twin)} {noun}s; each needs its own",
                (f"{noun}s", len(names) - 1 - names[::-1].index(twin), key),
            )
            for twin in dict.fromkeys(names)
            if twin and names.count(twin) > 1
        )

    def _take(self, key: str, kind: type[Any], allowed: str) -> Any:  # noqa: ANN401 - checked to be of `kind`
        self._asked.add(key)
        if key not in self._data:
            self.problem(key, f"is missing; it must be {allowed}")
            return None
        value = self._data[key]
        # Exact types: a bool is an int and a datetime is a date to Python, but not to an author.
        if type(value) is not kind:
            self.problem(key, f"must be {allowed}, not {_type_name(value)} ({shown(value)})")
            return None
        return value

    def _money(self, key: str, value: str) -> Decimal | None:
        if len(value) > _LONGEST_AMOUNT:
            self.problem(key, f"{shown(value)} is no amount of money")
            return None
        try:
            return money.parse(value)
        except money.NotMoney as error:
            self.problem(key, str(error))
            return None

    def _different(self, key: str, kind: type[Any], allowed: str) -> tuple[Any, ...]:
        """Read a list of different items of one kind."""
        found: list[Any] = []
        for item in self._take(key, list, allowed) or []:
            if type(item) is not kind:
                self.problem(key, f"must be {allowed}; {shown(item)} is {_type_name(item)}")
            elif item in found:
                self.problem(key, f"{shown(item)} is listed twice")
            else:
                found.append(item)
        return tuple(found)

    def _check_id(self, key: str, value: str) -> None:
        if not _ID.fullmatch(value) or len(value) > _LONGEST_ID:
            self.problem(
                key,
                f"{shown(value)} is not an id: write lower-case letters and digits with single hyphens between words, "
                f"at most {_LONGEST_ID} characters, such as 'partly-delivered'",
            )

    def _checked_text(self, key: str, value: str, placeholders: Iterable[str]) -> str:
        allowed = sorted(placeholders)
        if not value.strip():
            self.problem(key, "is blank; it must say something")
        for name in PLACEHOLDER.findall(value):
            if name not in allowed:
                offered = ", ".join(f"{{{name}}}" for name in allowed) or "none"
                self.problem(key, f"'{{{name}}}' can't be filled in here; allowed: {offered}")
        if re.search(r"[{}]", PLACEHOLDER.sub("", value)):
            self.problem(key, "has a stray brace; braces are for placeholders such as {panel}")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value):
            self.problem(key, "has a control character")
        return value.strip()

    def _known(self, key: str, value: object, choices: type[Choice], noun: str) -> Choice | None:
        if isinstance(value, str) and value in set(choices):
            return choices(value)
        self.problem(key, f"{shown(value)} is not {noun}; {_suggest(value, list(choices))}")
        return None


def _suggest(value: object, allowed: Sequence[str]) -> str:
    everything = f"allowed: {', '.join(allowed)}"
    near = difflib.get_close_matches(value, allowed, n=1) if isinstance(value, str) else []
    return f"did you mean {str(near[0])!r}? ({everything})" if near else everything


def _type_name(value: object) -> str:
    return _TYPES.get(type(value), f"a {type(value).__name__}")
