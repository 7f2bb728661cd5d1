"""`make demo`: database, demo data, sandbox provider and payments, web server, worker and beat, until Ctrl-C.

Run as `python -m panel.demo.supervisor [--with-parent]`; `--reset` drops the data instead. PORT, DATABASE_URL,
REDIS_URL and VAR_DIR are read from the environment.
"""

import argparse
import contextlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from panel import embedded
from panel.demo import announcement, ground
from panel.sandbox import payments as sandbox_payments
from panel.supervision import commands
from panel.supervision.children import ChildFailed, Children, StopAsked

READY_SECONDS = 90.0
SANDBOX_SECONDS = 30.0
STEP_SECONDS = 300.0
LATE_SECONDS = "20"  # until a bank debit of the sandbox arrives, and a refund to a closed card comes back
LOADED_CANCEL_WINDOW = "86400"  # so long that a withdrawal of the demo data is still scheduled when somebody looks
GRACE = 4.0  # a worker takes its time even when idle, and every step of its work is safe against being killed


def environment(*, port: int, payments: str, var: Path) -> dict[str, str]:
    """Return the variables of a demo: sandbox keys, plain http on this machine, and clocks that run fast.

    `payments` is the address of the payments sandbox. Keys of a real account that are set here are not used.
    """
    defaults = {
        "ORDER_SUBMIT_DELAY": "15",
        "ORDER_SYNC_INTERVAL": "5",
        "ORDER_SWEEP_SECONDS": "3",
        "MONEY_SWEEP_SECONDS": "2",
        "WITHDRAWAL_CANCEL_WINDOW": "20",
        "SUPPORT_HOURS": "At any hour, on every day",
        "SUPPORT_ADDRESS": r"Makegood Support\n12 Example Street\nSan Francisco, California 94102\nUnited States",
    }
    fixed = {
        "SANDBOX": "1",
        "DEBUG": "0",
        "TESTING": "0",
        "ALLOWED_HOSTS": f"{ground.HOST},localhost,[::1]",
        "SITE_URL": f"http://{ground.HOST}:{port}",
        "STRIPE_SECRET_KEY": sandbox_payments.DEFAULT_KEY,
        "STRIPE_WEBHOOK_SECRET": sandbox_payments.DEFAULT_SECRET,
        "STRIPE_API_BASE": payments,
        "VAR_DIR": str(var),
        "PYTHONUNBUFFERED": "1",
    }
    # Settings prefer NAME_FILE where both are given.
    ours = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in fixed}
    return {**defaults, **ours, **fixed}


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def told(text: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    sys.stdout.write(f"{text} … ")
    sys.stdout.flush()
    begun = time.monotonic()
    yield
    say(f"{time.monotonic() - begun:.1f} s")


def missing_for_good_answer(address: str) -> str:
    """Return the empty string once the address answers with 200, and otherwise what it says."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own http address
            return "" if answer.status == 200 else str(answer.status)  # noqa: PLR2004 - the one good answer
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return f"{address} does not answer: {error}"


def start_sandboxes(children: Children, *, base: str, payments: str, provider: str) -> None:
    """Start both sandboxes with what they remember, and wait for the one that the loader pays at."""
    folder = children.var / "sandbox"
    words = ["--port", provider.rpartition(":")[2], "--state", str(folder / "provider.sqlite3")]
    children.start("provider", [sys.executable, "-m", "panel.sandbox.provider", *words])
    words = [
        *["--port", payments.rpartition(":")[2]],
        *["--state", str(ground.payments_state(children.var, os.environ.get("DATABASE_URL")))],
        *["--webhook-url", f"{base}/webhooks/stripe/", "--webhook-secret", sandbox_payments.DEFAULT_SECRET],
        *["--key", sandbox_payments.DEFAULT_KEY, "--late-seconds", LATE_SECONDS],
    ]
    children.start("payments", [sys.executable, "-m", "panel.sandbox.payments", *words])
    children.wait_until(lambda: missing_for_good_answer(f"{payments}/_control/clock"), seconds=SANDBOX_SECONDS)


def serve(*, port: int, var: Path, with_parent: bool) -> None:
    """Start everything, say where it is, and return only by an exception.

    Raises:
        StopAsked: the ordinary end.
        ChildFailed: a step failed or a process ended.
    """
    base = f"http://{ground.HOST}:{port}"
    payments, provider = (f"http://{ground.HOST}:{ground.sandbox_port(var, it)}" for it in ("payments", "provider"))
    variables = environment(port=port, payments=payments, var=var)
    with Children(
        var=var, purpose=ground.PURPOSE, environment=variables, with_parent=with_parent, grace=GRACE
    ) as children:
        url = os.environ.get("DATABASE_URL")
        with contextlib.ExitStack() as stack:
            if url is None:
                place = embedded.home(var)
                away = "" if place == var else f" in {place}, which its own user can reach"
                with told(f"Starting PostgreSQL{away}"):
                    stack.callback(embedded.ensure_running(var).release)
            # Whatever uses the database ends before the cluster does.
            stack.callback(children.stop)
            with told("Starting sandbox provider and payments"):
                start_sandboxes(children, base=base, payments=payments, provider=provider)
            with told("Bringing the tables up to date"):
                children.complete("migrate", commands.manage("migrate", "--noinput"), seconds=STEP_SECONDS)
            # Publishes the policy too, effective from before the oldest of its orders.
            with told("Loading demo data"):
                loader = commands.manage("load_demo", "--provider-url", provider, "--json")
                window = {"WITHDRAWAL_CANCEL_WINDOW": LOADED_CANCEL_WINDOW}
                people = json.loads(children.complete("load_demo", loader, seconds=STEP_SECONDS, **window))
            with told("Starting web server, worker and beat"):
                children.start("web", commands.web(host=ground.HOST, port=port))
                children.start("worker", commands.worker())
                children.start("beat", commands.beat(var=var), LOG_LEVEL="WARNING")
                children.wait_until(lambda: missing_for_good_answer(f"{base}/readyz"), seconds=READY_SECONDS)
            places = {"base": base, "provider": provider, "payments": payments}
            document = announcement.write(var, **places, mail=var / "mail", people=people)
            say(announcement.block(document, var))
            children.watch()


def main(words: list[str]) -> int:
    """Run the demo; return 0 when it was asked to stop and 1 when something failed, which it says in a sentence."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--reset", action="store_true", help="drop the demo's data")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    asked = parser.parse_args(words)
    var = embedded.DEFAULT_VAR
    try:
        with ground.claimed(var):
            if asked.reset:
                ground.reset(var, os.environ.get("DATABASE_URL"))
                say("The demo's data is gone; make demo starts afresh.")
                return 0
            if url := os.environ.get("DATABASE_URL"):
                ground.check_database(var, url)
            serve(port=ground.web_port(os.environ.get("PORT") or "8000"), var=var, with_parent=asked.with_parent)
    except StopAsked:
        say("\nStopped; nothing is left running. make demo goes on with the same data.")
        return 0
    except (ground.NotHere, ChildFailed, embedded.ClusterError) as error:
        sys.stderr.write(f"\n{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
