"""`make run`: web server, worker and beat against DATABASE_URL and REDIS_URL, on this one machine.

Run as `python -m panel.supervision.production [--with-parent]`. HOST and PORT say where the web server listens. Nothing
starts until `check --deploy` finds no error. On more than one machine, run the three commands of `panel.supervision.
commands` wherever they are wanted; Dockerfile and docker-compose.yml show how.
"""

import argparse
import contextlib
import os
import sys

from panel import embedded
from panel.supervision import commands
from panel.supervision.children import ChildFailed, Children, StopAsked

STEP_SECONDS = 900.0
GRACE = 60.0
STEPS = {
    "check": ["check", "--deploy", "--fail-level", "ERROR"],
    "migrate": ["migrate", "--noinput"],
    "static": ["collectstatic", "--noinput"],
    "policy": ["publish_policy", "--first-start"],
}


def main(words: list[str]) -> int:
    """Run the panel; return 0 when it was asked to stop and 1 when a step or a process failed."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    asked = parser.parse_args(words)
    if wrong := [name for name in ("SANDBOX", "TESTING", "DEBUG") if os.environ.get(name, "0") not in {"", "0"}]:
        sys.stderr.write(f"{', '.join(wrong)} must be unset: make run is for real customers, make demo for trying.\n")
        return 1
    port = os.environ.get("PORT") or "8000"
    if not port.isdecimal():
        sys.stderr.write(f"PORT must be a number from 1 to 65535, not {port!r}.\n")
        return 1
    var = embedded.DEFAULT_VAR
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        with (
            Children(
                var=var,
                purpose="run",
                environment=environment,
                with_parent=asked.with_parent,
                grace=GRACE,
                logs=False,
            ) as children,
            contextlib.ExitStack() as stack,
        ):
            first, *others = STEPS.items()
            children.complete(first[0], commands.manage(*first[1]), seconds=STEP_SECONDS)
            if not {"DATABASE_URL", "DATABASE_URL_FILE"} & set(os.environ):
                stack.callback(embedded.ensure_running(var).release)
            stack.callback(children.stop)
            for name, step in others:
                children.complete(name, commands.manage(*step), seconds=STEP_SECONDS)
            children.start("web", commands.web(host=os.environ.get("HOST") or "127.0.0.1", port=int(port)))
            children.start("worker", commands.worker())
            children.start("beat", commands.beat(var=var))
            children.watch()
    except StopAsked:
        return 0
    except (ChildFailed, embedded.ClusterError) as error:
        sys.stderr.write(f"\n{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
