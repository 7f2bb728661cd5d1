"""The last one out: waits until the supervisor is gone, however it went, and removes what it left running.

Started as `python -m panel.supervision.guard RUN VAR`, in a session of its own. The supervisor holds the other end of
standard input; the kernel closes it even when the supervisor is killed, and then this process goes to work.
"""

import os
import signal
import sys
from pathlib import Path

from panel import embedded
from panel.supervision import traces


def main(run: str, var: Path) -> None:
    """Wait for the end of standard input, then remove the run's processes and stop its cluster if nobody uses it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1024):
        pass
    traces.remove(traces.RUN, run, spare=frozenset({os.getpid()}))
    if embedded.was_used(var):
        embedded.stop_if_unused(var)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
