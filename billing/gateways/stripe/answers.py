"""Stripe's objects, read with suspicion: a field that is missing or of another type than documented is never guessed.

Everything here comes from outside and may be money, so what can't be read is `OutcomeUnknown`: Stripe did answer, but
nobody can say what it did.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Never

from billing.gateways.base import OutcomeUnknown
from billing.gateways.stripe import amounts
from panel.kernel import currencies

_LONGEST_TEXT: Final = 255  # characters: what is kept of ids and of Stripe's own names
_LONGEST_NUMBER: Final = 18  # digits: any number of ours, and it fits into the database
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")  # NUL fits into no database text
_ADDRESS: Final = re.compile(r"https?://[\x21-\x7e]{1,2000}", re.ASCII)
_FURTHEST: Final = 32_503_680_000  # the year 3000, in seconds: later is no time that Stripe means


@dataclass(frozen=True, slots=True)
class Answer:
    """One object of Stripe's, or a part of one. `name` says in messages which."""

    name: str
    fields: Mapping[str, object]

    def text(self, field: str) -> str:
        """Return an id or a name of Stripe's that must be there: not empty, one line, at most 255 characters."""
        return self.text_or_empty(field) or self._nonsense(field, self.fields.get(field))

    def text_or_empty(self, field: str) -> str:
        """Return the same as `text`; empty when it is absent or null."""
        value = self.fields.get(field)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT or _UNPRINTABLE.search(value):
            self._nonsense(field, value)
        return value

    def address(self, field: str) -> str:
        """Return a web address that must be there. Stripe's are longer than its ids."""
        value = self.fields.get(field)
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            self._nonsense(field, value)
        return value

    def words(self, field: str, *, most: int) -> str:
        """Return a text that only people read: on one line, cut to `most` characters, empty when there is none."""
        return presentable(self.fields.get(field), most=most)

    def whole(self, field: str) -> int:
        """Return a whole number that must be there. `true` is none, though Python takes it for 1."""
        value = self.fields.get(field)
        if isinstance(value, bool) or not isinstance(value, int):
            self._nonsense(field, value)
        return value

    def part(self, field: str) -> "Answer":
        """Return an object inside of this one that must be there and be expanded."""
        return self.part_or_none(field) or self._nonsense(field, self.fields.get(field))

    def part_or_none(self, field: str) -> "Answer | None":
        """Return an object inside of this one; None when it is null, absent or not expanded."""
        value = self.fields.get(field)
        return Answer(f"{self.name}.{field}", value) if isinstance(value, dict) else None

    def reference(self, field: str) -> str:
        """Return the id of an object that this one points to, expanded or not; empty when it points to none."""
        part = self.part_or_none(field)
        return part.text("id") if part else self.text_or_empty(field)

    def currency(self) -> str:
        """Return the currency in the panel's writing: capital letters."""
        code = self.text("currency").upper()
        return code if currencies.known(code) else self._nonsense("currency", code)

    def amount(self, field: str, currency: str) -> Decimal:
        """Return an amount at money scale; it may be negative."""
        units = self.whole(field)
        try:
            return amounts.from_wire(units, currency)
        except ValueError:
            return self._nonsense(field, units)

    def positive_amount(self, field: str, currency: str) -> Decimal:
        """Return an amount at money scale that must be above zero."""
        amount = self.amount(field, currency)
        return amount if amount > 0 else self._nonsense(field, amount)

    def instant(self, field: str) -> datetime:
        """Return a time given in seconds since 1970."""
        seconds = self.whole(field)
        return datetime.fromtimestamp(seconds, tz=UTC) if 0 < seconds < _FURTHEST else self._nonsense(field, seconds)

    def number_in_metadata(self, field: str) -> int | None:
        """Return one of our own numbers from the metadata; None when it carries none that we could have written."""
        text = self.metadata(field)
        return int(text) if len(text) <= _LONGEST_NUMBER and text.isascii() and text.isdecimal() else None

    def metadata(self, field: str) -> str:
        """Return a text from the metadata; empty when there is none."""
        metadata = self.part_or_none("metadata")
        text = metadata.fields.get(field) if metadata else None
        return text if isinstance(text, str) else ""

    def _nonsense(self, field: str, value: object) -> Never:
        message = f"Stripe's {self.name} makes no sense: {field} is {value!r:.80}"
        raise OutcomeUnknown(message)


def presentable(words: object, *, most: int) -> str:
    """Return Stripe's words fit to store and show: one line of at most `most` characters; empty for what is no text."""
    clean = _UNPRINTABLE.sub(" ", words).strip() if isinstance(words, str) else ""
    return clean if len(clean) <= most else clean[: most - 1] + "…"
