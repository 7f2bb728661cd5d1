"""Processes that belong together end together, however the one that started them ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from panel.supervision import traces
from panel.supervision.children import ChildFailed, Children

# A child with a grandchild in a session of its own, which neither a process group nor a terminal reaches.
FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("here", flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
SUPERVISOR = """
import os, sys
from pathlib import Path
from panel.supervision.children import Children, StopAsked
var = Path(sys.argv[1])
try:
    watched = "--with-parent" in sys.argv
    with Children(var=var, purpose="test", environment=os.environ, with_parent=watched, grace=5) as children:
        children.start("family", [sys.executable, "-c", sys.argv[2]])
        children.wait_until(lambda: "" if (var / "log" / "family.log").read_text() else "silence", seconds=20)
        print("up", flush=True)
        children.watch()
except StopAsked:
    print("stopped", flush=True)
"""


def family(var: Path) -> list[psutil.Process]:
    return traces.find(traces.PLACE, traces.place("test", var))


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def supervise(var: Path, script: str = FAMILY, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SUPERVISOR, str(var), script, *words]
    supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "up\n"
    return supervisor


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert traces.remove(traces.PLACE, traces.place("test", tmp_path)) == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stops_children_and_grandchildren_when_it_is_asked_to_stop(var: Path, ending: signal.Signals) -> None:
    supervisor = supervise(var)
    assert len(family(var)) == 3  # child, grandchild, guard

    supervisor.send_signal(ending)
    said, _ = supervisor.communicate(timeout=20)

    assert said == "stopped\n"
    assert supervisor.returncode == 0
    assert family(var) == []


def test_leaves_nothing_behind_when_it_is_killed(var: Path) -> None:
    supervisor = supervise(var)

    supervisor.kill()
    supervisor.communicate()

    assert eventually(lambda: family(var) == [])


def test_stops_when_the_process_that_started_it_is_killed(var: Path) -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    words = [sys.executable, "-c", script, "-c", SUPERVISOR, str(var), FAMILY, "--with-parent"]
    make = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert make.stdout is not None
    assert make.stdout.readline() == "up\n"

    make.kill()

    assert make.communicate(timeout=20)[0] == "stopped\n"
    assert eventually(lambda: family(var) == [])


def test_ends_a_child_that_does_not_listen(var: Path) -> None:
    with Children(var=var, purpose="test", environment=os.environ, with_parent=False, grace=0.3) as children:
        child = children.start("deaf", [sys.executable, "-c", STUBBORN])
        children.wait_until(lambda: "" if (var / "log" / "deaf.log").read_text() else "silence", seconds=20)

    assert child.process.returncode == -signal.SIGKILL


def test_says_which_child_died_and_shows_the_end_of_its_log(var: Path) -> None:
    with Children(var=var, purpose="test", environment=os.environ, with_parent=False, grace=5) as children:
        children.start("web", [sys.executable, "-c", FAMILY])
        children.start("worker", [sys.executable, "-c", "import sys; print('the disk is full'); sys.exit(3)"])

        with pytest.raises(ChildFailed, match=r"(?s)^worker ended with code 3.*the disk is full"):
            children.watch()

    assert family(var) == []


def test_says_which_step_failed(var: Path) -> None:
    with (
        pytest.raises(ChildFailed, match=r"(?s)^migrate failed with code 1.*ZeroDivisionError"),
        Children(var=var, purpose="test", environment=os.environ, with_parent=False, grace=5) as children,
    ):
        children.complete("migrate", [sys.executable, "-c", "1 / 0"], seconds=20)


def test_returns_what_a_step_printed(var: Path) -> None:
    with Children(
        var=var, purpose="test", environment={**os.environ, "WORD": "hello"}, with_parent=False, grace=5
    ) as children:
        said = children.complete("greet", [sys.executable, "-c", "import os; print(os.environ['WORD'])"], seconds=20)

    assert said == "hello\n"


def test_gives_up_waiting_and_says_what_was_missing(var: Path) -> None:
    with (
        pytest.raises(ChildFailed, match=r"Not ready after 0 seconds: the paint is wet"),
        Children(var=var, purpose="test", environment=os.environ, with_parent=False, grace=5) as children,
    ):
        children.wait_until(lambda: "the paint is wet", seconds=0.4)
