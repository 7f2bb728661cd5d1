"""`python -m panel.embedded run [--var DIR] [--fast] -- COMMAND…` runs a command with DATABASE_URL set.

`url`, `stop` and `drop` in the place of `run` do what they say.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from panel import embedded


def main(words: list[str]) -> int:
    """Run, and return what the command returned."""
    own, command = words, list[str]()
    if "--" in words:
        own, command = words[: words.index("--")], words[words.index("--") + 1 :]
    parser = argparse.ArgumentParser(prog="python -m panel.embedded")
    parser.add_argument("action", choices=["run", "url", "stop", "drop"])
    parser.add_argument("--var", type=Path, default=embedded.DEFAULT_VAR)
    parser.add_argument("--fast", action="store_true", help="no crash safety")
    asked = parser.parse_args(own)
    if asked.action == "url":
        sys.stdout.write(embedded.database_url(asked.var) + "\n")
    elif asked.action == "stop":
        embedded.stop(asked.var)
    elif asked.action == "drop":
        embedded.drop(asked.var)
    else:
        with embedded.running(asked.var, fast=asked.fast) as url:
            environment = {**os.environ, "DATABASE_URL": url}
            return subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - the caller's own
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
