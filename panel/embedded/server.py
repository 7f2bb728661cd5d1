"""Starting and stopping one server."""

import os
import shlex
import shutil
import signal
import stat
from pathlib import Path

import psutil

from panel.embedded.places import REACHABLE_HOME, SOCKET_NAME, data_directory, socket_directory
from panel.embedded.programs import ClusterError, call, who_runs

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def private(path: Path, owner: tuple[int, int] | None) -> None:
    """Make a directory that only the cluster's user may enter.

    Raises:
        ClusterError: somebody else made it before us (the fallback lives in /tmp).
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    expected = owner[0] if owner else os.geteuid()
    found = path.lstat()
    if found.st_uid not in {expected, os.geteuid()} or not stat.S_ISDIR(found.st_mode):
        message = f"{path} belongs to somebody else: remove it, or set DATABASE_URL"
        raise ClusterError(message)
    if owner and found.st_uid != expected:
        os.chown(path, *owner)
    path.chmod(0o700)


def servers(data: Path) -> list[psutil.Process]:
    """Return the running servers of this data directory, whatever its pid file says."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and words[1:3] == ["-D", str(data)]:
            found.append(process)
    return found


def is_running(var: Path) -> bool:
    """Whether the cluster of `var` runs."""
    return bool(servers(data_directory(var)))


def start(var: Path, *, fast: bool) -> None:
    """Make the cluster if there is none, and start its server.

    Raises:
        ClusterError: it did not start; the message has the end of its log.
    """
    data, sockets, owner = data_directory(var), socket_directory(var), who_runs(var)
    if owner:
        for place in {data.parent, *([REACHABLE_HOME] if data.parent != var.resolve() else [])}:
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(place.stat().st_mode | stat.S_IXOTH)
    if not (data / "PG_VERSION").exists():
        fresh = data.with_name("postgres.new")  # renamed when whole: a start that was killed leaves no half cluster
        shutil.rmtree(fresh, ignore_errors=True)
        private(fresh, owner)
        collation = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", *collation]
        made = call(var, owner, "initdb", "--pgdata", str(fresh), *words)
        if made.returncode != 0:
            message = f"initdb failed in {fresh}:\n{made.stdout[-2000:]}"
            raise ClusterError(message)
        fresh.rename(data)
    if sockets != data:
        private(sockets, owner)
    # What a machine that died left behind names a process id that may long be somebody else's.
    for stale in (data / "postmaster.pid", sockets / SOCKET_NAME, sockets / f"{SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)
    listen = ["listen_addresses=", f'unix_socket_directories="{sockets}"', "timezone=UTC", "jit=off"]
    options = " ".join(f"-c {shlex.quote(word)}" for word in [*listen, *(FAST if fast else ())])
    log = data / "server.log"
    begun = call(var, owner, "pg_ctl", "start", "-D", str(data), "-w", "-t", "60", "-l", str(log), "-o", options)
    if begun.returncode != 0:
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else "it wrote no log"
        message = f"The embedded PostgreSQL in {data} did not start:\n{tail}"
        raise ClusterError(message)


def stop_server(var: Path) -> None:
    """Stop the server, if it runs, and wait until it is gone."""
    for server in servers(data_directory(var)):
        server.send_signal(signal.SIGINT)  # "fast": connections are dropped, the rest is written
        try:
            server.wait(30)
        except psutil.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
