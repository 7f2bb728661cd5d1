"""A sandbox as a process of its own, to be ended in any way."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(name: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the sandbox of this name on a free port; yield its process and the address that it says it serves at."""
    with subprocess.Popen(
        [sys.executable, "-m", f"panel.sandbox.{name}", "--port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(rf"sandbox {name} on (http://127\.0\.0\.1:\d+\S*)\n", process.stdout.readline())
            assert found is not None
            yield process, found[1]
        finally:
            process.kill()  # or leaving the block would wait for it, were it still running
