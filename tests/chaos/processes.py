"""Real processes on the test's database, and ways to catch one at an exact point, from outside of it.

A process that waits for a lock is where that lock is asked for, and a process whose call is not answered has made it:
so it can be killed there, and the product knows nothing of it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction

Process = subprocess.Popen[str]

PATIENCE = 60.0  # seconds


def environment(var: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process of the panel: the test's database and gateway, folders of its own."""
    database = connection.settings_dict
    place = urlencode({"host": database["HOST"] or "127.0.0.1", "port": database["PORT"] or 5432})  # a socket's too
    return (
        {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        | {
            "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?{place}",
            "DJANGO_SETTINGS_MODULE": "panel.settings",
            "TESTING": "1",
            "LOG_LEVEL": "CRITICAL",
            "VAR_DIR": str(var),
            "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
            "STRIPE_API_BASE": settings.STRIPE_API_BASE,
        }
        | variables
    )


def start(command: list[str], var: Path, **variables: str) -> Process:
    """Start a process that leads a group of its own, so that it can be killed with its children."""
    return subprocess.Popen(
        command, env=environment(var, **variables), stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def start_sender(at: datetime, var: Path, **variables: str) -> Process:
    """Start a process that sends once what is due at `at`."""
    return start([sys.executable, "-m", "tests.chaos.sender", at.isoformat()], var, **variables)


def kill(process: Process) -> None:
    """Kill a process and its children at once, and see that it was still alive."""
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL, "it had ended before"


@contextmanager
def ended(*processes: Process) -> Iterator[None]:
    """See that no process outlives the block, whatever happens in it."""
    try:
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
            if process.stdout is not None:
                process.stdout.close()


def until(true: Callable[[], object]) -> None:
    """Wait until this is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


@contextmanager
def holding(statement: str, *parameters: int) -> Iterator[None]:
    """Hold the lock that `statement` takes, for the length of the block.

    Who waits for it at the end must have been killed: its session lives on until it has the lock and finds nobody to
    answer to. When the block is left, that session and what it had not committed are gone.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield
        backends = _waiting_for_us()
    until(lambda: not _alive(backends))


def kill_waiting(process: Process) -> None:
    """Kill a process when it waits for the lock that `holding` holds."""
    until(_waiting_for_us)
    kill(process)


def _waiting_for_us() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return [pid for (pid,) in cursor.fetchall()]


def _alive(backends: list[int]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [backends])
        return bool(cursor.fetchone()[0])
