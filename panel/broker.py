"""The queue on a folder, for a machine without Redis: kombu's filesystem transport with whole files only.

kombu's own makes a file first and fills it afterwards, so that a reader can find a message, or the table of bindings,
before it is written; and it moves messages through the system's temporary directory, which is a copy when that is
another file system. Here everything appears by a rename and a message is claimed by a rename: a reader gets it whole,
and only one reader gets it.
"""

import contextlib
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem, virtual
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads

Table = list[filesystem.exchange_queue_t]
BINDING = threading.RLock()


def _write(target: Path, content: object) -> None:
    half = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    half.write_bytes(str_to_bytes(dumps(content)))
    half.rename(target)


class Channel(filesystem.Channel):
    """A channel whose messages and tables appear, and whose messages leave, by one rename."""

    def _put(self, queue: str, payload: dict[str, Any], **_options: object) -> None:  # type: ignore[override]
        _write(Path(self.data_folder_out) / f"{time.time_ns()}_{uuid.uuid4().hex}.{queue}.msg", payload)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002 - kombu's signature
        folder = Path(self.data_folder_in)
        ending = f"{queue}.msg"
        for name in sorted(path.name for path in folder.iterdir()):
            if name.startswith(".") or name.partition(".")[2] != ending:
                continue
            claimed = folder / f".{name}.{os.getpid()}.{threading.get_ident()}"
            try:
                (folder / name).rename(claimed)
            except FileNotFoundError:
                continue
            payload: dict[str, Any] = loads(bytes_to_str(claimed.read_bytes()))
            claimed.unlink()
            return payload
        raise Empty

    def get_table(self, exchange: str) -> Table:
        """Return the queues that are bound to an exchange."""
        try:
            rows = loads(bytes_to_str(self._table_file(exchange).read_bytes()))
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def queue_bind(self, queue: str, *rest: object, **options: object) -> None:
        """Bind a queue; kombu notes in the process that it is bound before the table says so, and loses messages."""
        with BINDING:
            super().queue_bind(queue, *rest, **options)  # type: ignore[no-untyped-call]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._changing_tables():
            table = self.get_table(exchange)
            if row not in table:
                _write(self._table_file(exchange), [row, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *_rest: object, **_more: object
    ) -> None:
        virtual.Channel._delete(self, queue)  # noqa: SLF001 - past the parent, which writes in place
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._changing_tables():
            table = self.get_table(exchange)
            if row in table:
                _write(self._table_file(exchange), [other for other in table if other != row])

    def _table_file(self, exchange: str) -> Path:
        return Path(self._exchange_file(exchange))  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def _changing_tables(self) -> Iterator[None]:
        folder = Path(self.control_folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """`CELERY_BROKER_TRANSPORT = "panel.broker:Transport"`."""

    Channel = Channel
