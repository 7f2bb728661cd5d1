"""Statements that each connection prepares once: those few whose planning costs more than their running."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.db.backends.utils import CursorWrapper

_PLACEHOLDER: Final = re.compile(r"%s|%\((?P<name>[a-z_]+)\)s", re.ASCII)


class Statement:
    """One statement with psycopg2's placeholders, `%s` or `%(name)s`; casts in the text give parameters their types.

    Needs a session of its own in PostgreSQL: behind a pooler that shares sessions between transactions, set
    PREPARE_STATEMENTS=0 and the text is sent each time.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            key = match["name"] or f"#{len(numbers)}"
            return f"${numbers.setdefault(key, len(numbers) + 1)}"

        self._prepare = f"PREPARE {name} AS {_PLACEHOLDER.sub(number, text)}"
        values = ", ".join("%s" if key.startswith("#") else f"%({key})s" for key in numbers)
        self._execute = f"EXECUTE {name}({values})"

    def run(self, cursor: CursorWrapper, parameters: Sequence[Any] | Mapping[str, Any]) -> None:
        """Execute on a cursor of the default connection, preparing first where this connection hasn't yet."""
        if not settings.PREPARE_STATEMENTS:
            cursor.execute(self.text, parameters)
            return
        wrapper: Any = cursor.db
        if self.name not in wrapper.prepared:
            with wrapper.wrap_database_errors, wrapper.connection.cursor() as plain:
                plain.execute(self._prepare)
            wrapper.prepared.add(self.name)
        cursor.execute(self._execute, parameters)
