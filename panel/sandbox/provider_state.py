"""What the sandbox provider remembers: orders, refills and its customer's balance, in SQLite (a file or memory).

Refunds are not booked back onto the balance: the tests that empty it set it, and the demo's is large.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from panel.kernel import money

FIRST_ORDER: Final = 10001
FIRST_REFILL: Final = 501
OPENING_BALANCE: Final = "1000000.00"

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT UNIQUE, service INTEGER NOT NULL, link TEXT NOT NULL,
    quantity INTEGER NOT NULL, charge TEXT NOT NULL, placed_at REAL NOT NULL, add_calls INTEGER NOT NULL DEFAULT 1,
    cancel_at REAL, cancel_calls INTEGER NOT NULL DEFAULT 0, driven_at REAL, driven TEXT NOT NULL DEFAULT '{{}}',
    forgotten INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS refills (
    id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL, asked_at REAL NOT NULL,
    driven_at REAL, driven TEXT NOT NULL DEFAULT '{{}}');
CREATE TABLE IF NOT EXISTS account (only INTEGER PRIMARY KEY CHECK (only = 1), balance TEXT NOT NULL);
INSERT OR IGNORE INTO account VALUES (1, '{OPENING_BALANCE}');
INSERT INTO sqlite_sequence SELECT 'orders', {FIRST_ORDER - 1}
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'orders');
INSERT INTO sqlite_sequence SELECT 'refills', {FIRST_REFILL - 1}
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'refills');
"""  # noqa: S608 - made of our own constants
_COLUMNS: Final = (
    "id, request_id, service, link, quantity, charge, placed_at, add_calls, cancel_at, cancel_calls, "
    "driven_at, driven, forgotten"
)
_REFILL_COLUMNS: Final = "id, order_id, asked_at, driven_at, driven"


class NotEnoughFunds(Exception):
    """The balance does not cover the charge."""


class RequestIdReused(Exception):
    """The request id belongs to an order with other parameters."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One order as stored. Instants are Unix seconds; `driven` is what control set, as JSON text."""

    id: int
    request_id: str | None
    service: int
    link: str
    quantity: int
    charge: str
    placed_at: float
    add_calls: int
    cancel_at: float | None
    cancel_calls: int
    driven_at: float | None
    driven: str
    forgotten: int


@dataclass(frozen=True, slots=True)
class Refill:
    """One refill as stored; instants and `driven` as in `Placed`."""

    id: int
    order_id: int
    asked_at: float
    driven_at: float | None
    driven: str


class State:
    """The store. Safe to share between threads: one connection behind one lock, a transaction per method."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def place(
        self, *, service: int, link: str, quantity: int, charge: Decimal, request_id: str | None, at: float
    ) -> int:
        """Place an order and take its charge, or return the order that this request id already made.

        Raises NotEnoughFunds, RequestIdReused.
        """
        with self._lock, self._db:
            if request_id is not None and (known := self._by_request_id(request_id)) is not None:
                if (known.service, known.link, known.quantity) != (service, link, quantity):
                    raise RequestIdReused
                self._db.execute("UPDATE orders SET add_calls = add_calls + 1 WHERE id = ?", (known.id,))
                return known.id
            left = self._balance() - charge
            if left < 0:
                raise NotEnoughFunds
            self._db.execute("UPDATE account SET balance = ?", (str(left),))
            cursor = self._db.execute(
                "INSERT INTO orders (request_id, service, link, quantity, charge, placed_at) VALUES (?, ?, ?, ?, ?, ?)",
                (request_id, service, link, quantity, money.plain(charge), at),
            )
            return int(cursor.lastrowid or 0)

    def find(self, ids: Sequence[int]) -> dict[int, Placed]:
        """Return the orders with these numbers that exist and were not forgotten."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT {_COLUMNS} FROM orders WHERE forgotten = 0 AND id IN ({marks})"  # noqa: S608 - question marks
        with self._lock:
            return {order.id: order for order in self._rows(query, ids)}

    def every(self) -> list[Placed]:
        """Return all orders, the forgotten ones too, oldest first."""
        with self._lock:
            return self._rows(f"SELECT {_COLUMNS} FROM orders ORDER BY id", ())  # noqa: S608 - our own columns

    def note_cancel(self, order: int, *, at: float) -> None:
        """Remember when the cancel of an order was accepted first, and count it."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE orders SET cancel_at = COALESCE(cancel_at, ?), cancel_calls = cancel_calls + 1 WHERE id = ?",
                (at, order),
            )

    def drive(self, order: int, report: Mapping[str, object], *, at: float) -> bool:
        """Set keys of an order's report to any values; it stops moving by itself. False if there is no such order."""
        with self._lock, self._db:
            row = self._db.execute("SELECT driven FROM orders WHERE id = ?", (order,)).fetchone()
            if row is None:
                return False
            merged = json.dumps({**json.loads(row[0]), **report})
            self._db.execute(
                "UPDATE orders SET driven = ?, driven_at = COALESCE(driven_at, ?) WHERE id = ?", (merged, at, order)
            )
            return True

    def refill(self, order: int, *, at: float) -> int:
        """Make a refill of an order and return its number; asked again, another one."""
        with self._lock, self._db:
            cursor = self._db.execute("INSERT INTO refills (order_id, asked_at) VALUES (?, ?)", (order, at))
            return int(cursor.lastrowid or 0)

    def find_refills(self, ids: Sequence[int]) -> dict[int, Refill]:
        """Return the refills with these numbers that exist."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT {_REFILL_COLUMNS} FROM refills WHERE id IN ({marks})"  # noqa: S608 - question marks
        with self._lock:
            return {row[0]: Refill(*row) for row in self._db.execute(query, tuple(ids))}

    def every_refill(self) -> list[Refill]:
        """Return all refills, oldest first."""
        query = f"SELECT {_REFILL_COLUMNS} FROM refills ORDER BY id"  # noqa: S608 - our own columns
        with self._lock:
            return [Refill(*row) for row in self._db.execute(query)]

    def drive_refill(self, refill: int, report: Mapping[str, object], *, at: float) -> bool:
        """Set keys of a refill's report to any values; it stops moving by itself. False if there is no such refill."""
        with self._lock, self._db:
            row = self._db.execute("SELECT driven FROM refills WHERE id = ?", (refill,)).fetchone()
            if row is None:
                return False
            merged = json.dumps({**json.loads(row[0]), **report})
            self._db.execute(
                "UPDATE refills SET driven = ?, driven_at = COALESCE(driven_at, ?) WHERE id = ?", (merged, at, refill)
            )
            return True

    def forget(self, order: int) -> bool:
        """Make an order unknown to status and cancel. False if there is no such order."""
        with self._lock, self._db:
            return self._db.execute("UPDATE orders SET forgotten = 1 WHERE id = ?", (order,)).rowcount == 1

    def balance(self) -> Decimal:
        """Return the balance in USD."""
        with self._lock:
            return self._balance()

    def set_balance(self, balance: Decimal) -> None:
        """Set the balance in USD."""
        with self._lock, self._db:
            self._db.execute("UPDATE account SET balance = ?", (str(balance),))

    def _balance(self) -> Decimal:
        return Decimal(self._db.execute("SELECT balance FROM account").fetchone()[0])

    def _by_request_id(self, request_id: str) -> Placed | None:
        query = f"SELECT {_COLUMNS} FROM orders WHERE request_id = ?"  # noqa: S608 - our own columns
        return next(iter(self._rows(query, (request_id,))), None)

    def _rows(self, query: str, values: Iterable[object]) -> list[Placed]:
        return [Placed(*row) for row in self._db.execute(query, tuple(values))]
