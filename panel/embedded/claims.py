"""Who uses a cluster. The kernel drops the claims of a process that is killed, so there is no count to be wrong."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from panel.embedded.places import database_url, home, socket_directory
from panel.embedded.server import is_running, start, stop_server


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Hold the lock under which a cluster is started and stopped."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "postgres.lock").open("a") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        yield


class Handle:
    """One user's claim on a running cluster; `release()` stops the cluster if nobody else has one."""

    def __init__(self, var: Path, *, fast: bool = False) -> None:
        self.var = var.resolve()
        with _alone(self.var):
            self._claim = (self.var / "postgres.users").open("a")
            fcntl.flock(self._claim, fcntl.LOCK_SH)
            try:
                if not is_running(self.var):
                    start(self.var, fast=fast)
            except BaseException:  # also when a signal interrupts it: nobody may go on claiming
                self._claim.close()
                raise

    def release(self) -> None:
        """Give the claim up; the last one stops the cluster. May be called twice."""
        if self._claim.closed:
            return
        with _alone(self.var):
            try:
                fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._claim.close()
                return
            stop_server(self.var)
            self._claim.close()


def ensure_running(var: Path, *, fast: bool = False) -> Handle:
    """Start the cluster of `var` unless it runs, and claim it until `release()` or until this process ends.

    Args:
        var: the directory that it belongs to.
        fast: give up crash safety for speed (tests).

    Raises:
        ClusterError: it did not start.
    """
    return Handle(var, fast=fast)


@contextlib.contextmanager
def running(var: Path, *, fast: bool = False) -> Iterator[str]:
    """Keep the cluster of `var` running inside the block, which gets its address.

    Raises:
        ClusterError: it did not start.
    """
    handle = ensure_running(var, fast=fast)
    try:
        yield database_url(var)
    finally:
        handle.release()


def stop(var: Path) -> None:
    """Stop the cluster of `var` whoever uses it."""
    with _alone(var.resolve()):
        stop_server(var)


def was_used(var: Path) -> bool:
    """Whether anybody has ever claimed the cluster of `var`."""
    return (var / "postgres.users").exists()


def stop_if_unused(var: Path) -> None:
    """Stop the cluster of `var` if those who claimed it are gone, for example killed."""
    with _alone(var.resolve()), (var.resolve() / "postgres.users").open("a") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        stop_server(var)


def drop(var: Path) -> None:
    """Stop the cluster of `var` and delete its data."""
    with _alone(var.resolve()):
        stop_server(var)
        shutil.rmtree(socket_directory(var), ignore_errors=True)
        place = home(var)
        shutil.rmtree(place / "postgres" if place == var.resolve() else place, ignore_errors=True)
