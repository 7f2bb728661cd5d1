"""What the sandbox remembers, in SQLite (a file or memory): Stripe's objects as the JSON documents that they are."""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Document = dict[str, Any]
"""An object as Stripe's API gives it, unexpanded."""

OPENING_BALANCE: Final = 100_000_000  # minor units; without one, the fee of the only charge would hold up its refund
_BY: Final = ("payment_intent", "charge", "source")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
    payment_intent TEXT, charge TEXT, source TEXT, body TEXT NOT NULL, own TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS by_payment_intent ON objects (payment_intent, kind, seq) WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_charge ON objects (charge, kind, seq) WHERE charge IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_source ON objects (source, kind, seq) WHERE source IS NOT NULL;
CREATE TABLE IF NOT EXISTS due (id TEXT NOT NULL, what TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (id, what));
CREATE INDEX IF NOT EXISTS due_at ON due (at);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, parameters TEXT NOT NULL, at REAL NOT NULL, request_id TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (event TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS balances (currency TEXT PRIMARY KEY, available INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer that an idempotency key has got before."""

    endpoint: str
    parameters: str
    at: float
    request_id: str
    status: int
    body: str


class Store:
    """The store: one connection behind one lock. Everything but `transaction` is called inside of one."""

    def __init__(self, path: Path | None, *, seed: int) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")  # outlives a killed process; a lost machine may take it along
        self._db.executescript(_SCHEMA)
        self._seq: int = self._db.execute("SELECT coalesce(max(seq), 0) FROM objects").fetchone()[0]
        self._named: dict[str, int] = {}
        self._ahead = float(self.setting("ahead", "0"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; write everything at the end of the block, or nothing if it raises."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what the block wrote if it raises, and only that."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._db.execute("RELEASE attempt")

    def clear(self) -> None:
        """Forget everything; ids start again."""
        for table in ("objects", "due", "answers", "deliveries", "balances", "settings"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._seq, self._ahead = 0, 0.0
        self._named.clear()

    # Time

    def now(self) -> float:
        """Return the time by the sandbox's own clock, in Unix seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        self._ahead += seconds
        self.set_setting("ahead", repr(self._ahead))

    def plan(self, number: str, what: str, *, at: float) -> None:
        """Note that `what` is due for an object at an instant of the clock."""
        self._db.execute("INSERT OR REPLACE INTO due VALUES (?, ?, ?)", (number, what, at))

    def forget_plan(self, number: str, what: str) -> None:
        """Note that it is due no more."""
        self._db.execute("DELETE FROM due WHERE id = ? AND what = ?", (number, what))

    def next_due(self) -> tuple[str, str] | None:
        """Return (object, what) that fell due first, and strike it off."""
        row = self._db.execute("SELECT id, what FROM due WHERE at <= ? ORDER BY at LIMIT 1", (self.now(),)).fetchone()
        if row is None:
            return None
        self.forget_plan(*row)
        return str(row[0]), str(row[1])

    # Objects

    def name(self, prefix: str) -> str:
        """Return an id that none has had: the same for the same seed and the same calls before."""
        self._seq += 1
        name = f"{prefix}_{self.digest(str(self._seq))}"
        self._named[name] = self._seq
        return name

    def digest(self, text: str) -> str:
        """Return 24 characters made of the seed and `text`."""
        return hashlib.blake2b(f"{self._seed}:{text}".encode(), digest_size=12).hexdigest()

    def insert(self, document: Document, own: Document | None = None) -> None:
        """Keep a new object, whose id `name` has just given; `own` is what the sandbox notes about it for itself."""
        self._db.execute(
            "INSERT INTO objects (seq, id, kind, created, payment_intent, charge, source, body, own)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._named.pop(document["id"]),
                document["id"],
                document["object"],
                document["created"],
                *(document.get(column) for column in _BY),
                json.dumps(document),
                json.dumps(own or {}),
            ),
        )

    def save(self, document: Document) -> None:
        """Write a changed object."""
        self._db.execute(
            "UPDATE objects SET body = ?, payment_intent = ? WHERE id = ?",
            (json.dumps(document), document.get("payment_intent"), document["id"]),
        )

    def find(self, kind: str, number: str) -> Document | None:
        """Return an object, if there is such a one."""
        row = self._db.execute("SELECT body FROM objects WHERE id = ? AND kind = ?", (number, kind)).fetchone()
        return None if row is None else _document(row[0])

    def any(self, number: str) -> Document | None:
        """Return an object of whatever kind, if there is one."""
        row = self._db.execute("SELECT body FROM objects WHERE id = ?", (number,)).fetchone()
        return None if row is None else _document(row[0])

    def get(self, number: str) -> Document:
        """Return an object that is known to exist. Raises KeyError if it doesn't."""
        document = self.any(number)
        if document is None:
            raise KeyError(number)
        return document

    def own(self, number: str) -> Document:
        """Return what the sandbox noted about an object for itself."""
        return _document(self._db.execute("SELECT own FROM objects WHERE id = ?", (number,)).fetchone()[0])

    def where(self, kind: str, column: str, number: str) -> list[Document]:
        """Return the objects of a kind whose `column`, one of the indexed ones, is `number`; oldest first."""
        query = f"SELECT body FROM objects WHERE {column} = ? AND kind = ? ORDER BY seq"  # noqa: S608 - our own names
        return [_document(row[0]) for row in self._db.execute(query, (number, kind))]

    def page(
        self, kind: str, conditions: Sequence[tuple[str, object]], *, limit: int, after: str | None, before: str | None
    ) -> tuple[list[Document], bool]:
        """Return up to `limit` objects, newest first, and whether there are more in that direction.

        `conditions` are SQL terms with one question mark each, and its value.
        """
        terms = ["kind = ?", *(term for term, _ in conditions)]
        values: list[object] = [kind, *(value for _, value in conditions)]
        for cursor, comparison in ((after, "<"), (before, ">")):
            if cursor is not None:
                terms.append(f"seq {comparison} (SELECT seq FROM objects WHERE id = ?)")  # noqa: S608 - < or >
                values.append(cursor)
        direction = "ASC" if before is not None else "DESC"
        where = " AND ".join(terms)
        query = f"SELECT body FROM objects WHERE {where} ORDER BY seq {direction} LIMIT ?"  # noqa: S608 - our own terms
        found = [_document(row[0]) for row in self._db.execute(query, (*values, limit + 1))]
        page = found[:limit]
        return (page[::-1] if before is not None else page), len(found) > limit

    # Balance, settings

    def balance(self, currency: str) -> int:
        """Return what stands available on the platform's balance, in minor units."""
        row = self._db.execute("SELECT available FROM balances WHERE currency = ?", (currency,)).fetchone()
        return OPENING_BALANCE if row is None else int(row[0])

    def set_balance(self, currency: str, available: int) -> None:
        """Set what stands available, in minor units."""
        self._db.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", (currency, available))

    def currencies(self) -> list[str]:
        """Return the currencies that the balance has moved in."""
        return [row[0] for row in self._db.execute("SELECT currency FROM balances ORDER BY currency")]

    def setting(self, name: str, default: str) -> str:
        """Return what `set_setting` stored."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keep a text under a name."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    # Idempotency keys

    def answer(self, key: str, *, since: float) -> Stored | None:
        """Return the answer of a key, unless it is older than `since`."""
        row = self._db.execute(
            "SELECT endpoint, parameters, at, request_id, status, body FROM answers WHERE key = ? AND at >= ?",
            (key, since),
        ).fetchone()
        return None if row is None else Stored(*row)

    def remember(self, key: str, stored: Stored) -> None:
        """Keep the answer of a key."""
        self._db.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, stored.endpoint, stored.parameters, stored.at, stored.request_id, stored.status, stored.body),
        )

    # Webhook deliveries that are still owed

    def owe(self, event: str) -> None:
        """Note that an event is to be delivered."""
        self._db.execute("INSERT INTO deliveries SELECT id, seq FROM objects WHERE id = ?", (event,))

    def strike_off(self, event: str) -> bool:
        """Note that it is not any more. False if it was not."""
        return self._db.execute("DELETE FROM deliveries WHERE event = ?", (event,)).rowcount == 1

    def owed(self, *, above: int = 0) -> list[tuple[int, str]]:
        """Return (position, event) still to be delivered with a position above the one given, oldest first."""
        rows = self._db.execute("SELECT seq, event FROM deliveries WHERE seq > ? ORDER BY seq", (above,))
        return [(int(seq), str(event)) for seq, event in rows]


def _document(text: str) -> Document:
    document: Document = json.loads(text)
    return document
