"""Statements that go around the use cases, and what the database says to them."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction


def copy_of(table: str, source: str, **changed: str) -> str:
    """SQL that inserts a copy of the row whose id is the parameter `source`, some columns changed to expressions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema AND table_name = %s"
            " AND column_name <> 'id' AND is_generated = 'NEVER'",
            [table],
        )
        columns = [name for (name,) in cursor.fetchall()]
    values = [changed.get(column, f'"{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} WHERE id = %({source})s"  # noqa: S608 - constants


def refusal(statement: str, world: dict[str, int]) -> Any:
    """Run a statement that the database must refuse, in a savepoint; return its diagnostics."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, world)
    return caught.value.__cause__.diag  # type: ignore[union-attr]
