"""What must hold before a demo starts here, and how its data is dropped."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from panel import embedded
from panel.supervision import traces

# What a demo leaves in var/; the tests' part of it is not ours.
LEFTOVERS = (
    "beat",
    "broker",
    "log",
    "mail",
    "sandbox",
    "static",
    "demo.json",
    "demo-credentials.json",
    "demo.database",
)
HOST = "127.0.0.1"
PURPOSE = "demo"


class NotHere(RuntimeError):
    """The demo can't start; the message says why and what to do."""


@contextlib.contextmanager
def claimed(var: Path) -> Iterator[None]:
    """Hold this `var` for one demo, and remove what a killed one left running.

    Raises:
        NotHere: a demo runs here already.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            message = f"A demo of this checkout runs already, as process {lock.read().strip()}: stop it first."
            raise NotHere(message) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        traces.remove(traces.PLACE, traces.place(PURPOSE, var), spare=frozenset({os.getpid()}))
        yield


def free_port(wanted: int | None = None) -> int:
    """Return the wanted port if it is free, and otherwise some free one."""
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    message = f"No free port on {HOST}."
    raise NotHere(message)


def web_port(text: str) -> int:
    """Return the port of the web server.

    Raises:
        NotHere: PORT is no port, or somebody listens there.
    """
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**16:
        message = f"PORT must be a number from 1 to 65535, not {text!r}."
        raise NotHere(message)
    if free_port(int(text)) != int(text):
        message = f"Port {text} is in use: stop what listens there, or choose another with PORT=8001 make demo."
        raise NotHere(message)
    return int(text)


def sandbox_port(var: Path, name: str) -> int:
    """Return the port of the sandbox of this name: the one of the last run if it is free."""
    kept = var / "sandbox" / f"{name}.port"
    kept.parent.mkdir(parents=True, exist_ok=True)
    before = kept.read_text().strip() if kept.exists() else ""
    port = free_port(int(before) if before.isdecimal() else None)
    kept.write_text(f"{port}\n")
    return port


def payments_state(var: Path, url: str | None) -> Path:
    """Return the file of the sandbox's payments: what it received belongs to one database, and to no other."""
    name = "payments" if url is None else f"payments-{_fingerprint(url)[:12]}"
    return var / "sandbox" / f"{name}.sqlite3"


def _fingerprint(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def check_database(var: Path, url: str) -> None:
    """Make sure that a database given with DATABASE_URL is empty or this demo's own, and remember that it is.

    Raises:
        NotHere: it can't be reached, or holds accounts of somebody else; the demo's passwords are known to everybody.
    """
    marker = var / "demo.database"
    if marker.exists() and marker.read_text() == _fingerprint(url):
        return
    try:
        connection = psycopg2.connect(url)
    except psycopg2.Error as error:
        message = f"DATABASE_URL: {str(error).strip()}"
        raise NotHere(message) from error
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('accounts_user') IS NOT NULL")
        if cursor.fetchone() == (True,):
            cursor.execute("SELECT EXISTS (SELECT FROM accounts_user)")
            if cursor.fetchone() == (True,):
                message = "DATABASE_URL names a database with accounts in it; the demo needs an empty one."
                raise NotHere(message)
    marker.write_text(_fingerprint(url))


def reset(var: Path, url: str | None) -> None:
    """Drop the demo's data: the embedded cluster, or the tables in the database that the demo filled.

    Raises:
        NotHere: DATABASE_URL names a database that this demo did not fill.
    """
    if url is None:
        embedded.drop(var)
    else:
        marker = var / "demo.database"
        if not marker.exists() or marker.read_text() != _fingerprint(url):
            message = "DATABASE_URL names a database that this demo did not fill, so it is not dropped."
            raise NotHere(message)
        with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS pgtrigger CASCADE; CREATE SCHEMA public")
            connection.commit()
    for name in LEFTOVERS:
        path = var / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
