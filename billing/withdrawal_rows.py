"""Writing the rows of withdrawals and legs: one statement each, however many.

The ORM's bulk update builds a CASE for each column and took most of the time of sending.
Only `billing.withdrawal_moves` calls this.
"""

from collections.abc import Collection, Sequence
from typing import Final

from django.db import connection, models

from billing.models import Withdrawal, WithdrawalLeg
from panel.postgres import prepared

_WITHDRAWAL_COLUMNS: Final = (
    ("state", "text"),
    ("review_reason", "text"),
    ("decline_reason", "text"),
    ("reviewed_by_id", "bigint"),
    ("send_at", "timestamptz"),
    ("due_at", "timestamptz"),
    ("ended_at", "timestamptz"),
)
_LEG_COLUMNS: Final = (
    ("state", "text"),
    ("attempt", "int"),
    ("attempted_at", "timestamptz"),
    ("tries", "int"),
    ("reference", "text"),
    ("bank_reference", "text"),
    ("gateway_words", "text"),
    ("failure", "text"),
    ("due_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("paid_at", "timestamptz"),
    ("failed_at", "timestamptz"),
)


def _update(name: str, table: str, columns: Sequence[tuple[str, str]]) -> prepared.Statement:
    names = ", ".join(f"{column} = new.{column}" for column, _ in columns)
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in columns)
    fields = ", ".join(column for column, _ in columns)
    new = f"unnest(%s::bigint[], {arrays}) AS new(id, {fields})"
    text = f"UPDATE {table} old SET {names} FROM {new} WHERE old.id = new.id"  # noqa: S608 - names from this module
    return prepared.Statement(name, text)


_WITHDRAWALS: Final = _update("withdrawal_rows", "billing_withdrawal", _WITHDRAWAL_COLUMNS)
_LEGS: Final = _update("withdrawal_leg_rows", "billing_withdrawalleg", _LEG_COLUMNS)


def write_withdrawals(rows: Collection[Withdrawal]) -> None:
    """Write what moves change about these withdrawals."""
    _write(_WITHDRAWALS, rows, _WITHDRAWAL_COLUMNS)


def write_legs(rows: Collection[WithdrawalLeg]) -> None:
    """Write what moves change about these legs."""
    _write(_LEGS, rows, _LEG_COLUMNS)


def _write(statement: prepared.Statement, rows: Collection[models.Model], columns: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: int(row.pk))
    values = [[_plain(getattr(row, column)) for row in ordered] for column, _ in columns]
    with connection.cursor() as cursor:
        statement.run(cursor, [[row.pk for row in ordered], *values])


def _plain(value: object) -> object:
    return value.value if isinstance(value, models.TextChoices) else value
