"""What a check is, and how checks are run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant and the query for the rows that break it; the first column names the row."""

    name: str
    broken: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken invariant: how many rows, and a few of them in words."""

    invariant: str
    count: int
    examples: tuple[str, ...]


def run(checks: Sequence[Check]) -> Iterator[Finding]:
    """Run each check and yield those that found rows."""
    with connection.cursor() as cursor:
        for check in checks:
            cursor.execute(check.broken)
            rows = cursor.fetchall()
            if rows:
                examples = tuple(", ".join(str(value) for value in row) for row in rows[:MOST_EXAMPLES])
                yield Finding(check.name, len(rows), examples)
