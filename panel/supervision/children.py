"""Child processes that are started together, watched together and stopped together."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from panel.supervision import traces
from panel.supervision.commands import ROOT

PAUSE = 0.2
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(BaseException):
    """Somebody sent a signal, or the process that started us is gone; no error, so `except Exception` lets it by."""


class ChildFailed(RuntimeError):
    """A child ended that should not have, or a step failed; the message has the end of its log."""


@dataclass(frozen=True)
class Child:
    """One running process and where its output goes (None: where ours goes)."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None


class Children:
    """A context in which processes can be started; its end, of whatever kind, ends them all.

    Args:
        var: the panel's var directory; logs go to `log/` in it.
        environment: the variables of every child.
        purpose: which of the supervisors this is, so that one never takes another's processes for leftovers.
        with_parent: stop when the process that started us ends, as make does when it is killed.
        grace: seconds that the children have to stop by themselves.
        logs: write each child's output to a file; otherwise they share ours.
    """

    def __init__(
        self,
        *,
        var: Path,
        purpose: str,
        environment: Mapping[str, str],
        with_parent: bool,
        grace: float,
        logs: bool = True,
    ) -> None:
        self.grace = grace
        self.run = secrets.token_hex(8)
        self.var = var
        self.environment = {**environment, **traces.marks(run=self.run, purpose=purpose, var=var)}
        self.parent = os.getppid() if with_parent else None
        self.logs = var / "log" if logs else None
        self.running: list[Child] = []
        self.stopping = False

    def __enter__(self) -> Self:
        if self.logs:
            self.logs.mkdir(parents=True, exist_ok=True)
        for number in ENDINGS:
            signal.signal(number, self._asked_to_stop)
        self.guard = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "panel.supervision.guard", self.run, str(self.var)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            env=self.environment,
            cwd=ROOT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.guard.stdin:
            self.guard.stdin.close()
        self.guard.wait()
        for number in ENDINGS:
            signal.signal(number, signal.SIG_DFL)

    def _asked_to_stop(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            if number == signal.SIGINT:  # asked a second time: no more patience
                for child in self.running:
                    child.process.kill()
            return
        self.stopping = True
        raise StopAsked

    def start(self, name: str, command: Sequence[str | Path], **variables: str) -> Child:
        """Start a process that is meant to run until the end."""
        log = None
        with contextlib.ExitStack() as stack:
            target = None
            if self.logs:
                log = self.logs / f"{name}.log"
                target = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT if target else None,
                start_new_session=True,  # Ctrl-C is for us alone; we stop them in order
                env={**self.environment, **variables},
                cwd=ROOT,
            )
        child = Child(name, process, log)
        self.running.append(child)
        return child

    def complete(self, name: str, command: Sequence[str | Path], *, seconds: float, **variables: str) -> str:
        """Run a step to its end and return its standard output.

        Raises:
            ChildFailed: it ended with an error, or took longer than `seconds`.
        """
        folder = self.var / "log"
        folder.mkdir(parents=True, exist_ok=True)
        output, log = folder / f"{name}.out", folder / f"{name}.log"
        with output.open("wb") as out, log.open("wb") as err:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                env={**self.environment, **variables},
                cwd=ROOT,
            )
            step = Child(name, process, log)
            self.running.append(step)
            deadline = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < deadline:
                self._look_up()
                time.sleep(PAUSE / 4)
        if process.returncode is None:
            raise ChildFailed(_sentence(step, f"took longer than {seconds:.0f} seconds"))
        self.running.remove(step)
        if process.returncode != 0:
            raise ChildFailed(_sentence(step, f"failed with code {process.returncode}"))
        text = output.read_text(encoding="utf-8")
        output.unlink()
        return text

    def wait_until(self, answer: Callable[[], str], *, seconds: float) -> None:
        """Wait until `answer` returns the empty string; what it returns otherwise says what is missing.

        Raises:
            ChildFailed: a child ended, or the time is up.
        """
        deadline = time.monotonic() + seconds
        while missing := answer():
            self._look_around()
            if time.monotonic() > deadline:
                message = f"Not ready after {seconds:.0f} seconds: {missing}"
                raise ChildFailed(message)
            time.sleep(PAUSE)

    def watch(self) -> None:
        """Return never: wait for a signal, the parent's end or a child's.

        Raises:
            StopAsked: by signal, or the parent is gone.
            ChildFailed: a child ended.
        """
        while True:
            self._look_around()
            time.sleep(PAUSE)

    def _look_up(self) -> None:
        if self.parent is not None and os.getppid() != self.parent:
            self.stopping = True
            raise StopAsked

    def _look_around(self) -> None:
        self._look_up()
        for child in self.running:
            if child.process.poll() is not None:
                raise ChildFailed(_sentence(child, f"ended with code {child.process.returncode}"))

    def stop(self) -> None:
        """Ask each child in reverse order of starting, wait, and remove whatever is still there."""
        self.stopping = True
        for child in reversed(self.running):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + self.grace
        for child in self.running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self.running.clear()
        traces.remove(traces.RUN, self.run, spare=frozenset({os.getpid(), self.guard.pid}))


def _sentence(child: Child, happening: str) -> str:
    said = f"{child.name} {happening}."
    if child.log is None or not child.log.exists():
        return said
    tail = child.log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
    return "\n".join([f"{said} The end of {child.log}:", *(f"  | {line}" for line in tail)])
