"""Finding the processes of a run by the mark in their environment, which every descendant inherits.

Process groups and parents are lost when somebody in between is killed; the environment is not.
"""

import time
from pathlib import Path

import psutil

RUN = "MAKEGOOD_RUN"  # which run of the supervisor
PLACE = "MAKEGOOD_PLACE"  # what kind of run, and in whose var directory


def place(purpose: str, var: Path) -> str:
    """Return the mark that all runs of one kind in one directory have in common."""
    return f"{purpose}:{var}"


def marks(*, run: str, purpose: str, var: Path) -> dict[str, str]:
    """Return the variables that mark a process as part of a run."""
    return {RUN: run, PLACE: place(purpose, var)}


def find(variable: str, value: str, *, spare: frozenset[int] = frozenset()) -> list[psutil.Process]:
    """Return the processes that carry the mark, without those whose ids are to be spared."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in spare and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone, or somebody else's
    return found


def remove(variable: str, value: str, *, spare: frozenset[int] = frozenset(), seconds: float = 10) -> int:
    """Kill the processes that carry the mark until none is left; return how many there were.

    Killing is right here: the panel's work is safe against it by design, and these have had their chance to stop.
    """
    removed: set[int] = set()
    deadline = time.monotonic() + seconds
    while (left := find(variable, value, spare=spare)) and time.monotonic() < deadline:
        for process in left:
            removed.add(process.pid)
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=1)
    return len(removed)
