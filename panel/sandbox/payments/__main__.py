"""The command line of the sandbox."""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from panel.sandbox import http_server
from panel.sandbox.payments import running


def main(arguments: list[str] | None = None) -> None:
    """Run the sandbox until Ctrl-C or TERM."""
    parser = argparse.ArgumentParser(prog="python -m panel.sandbox.payments", description="Stripe stand-in")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="SQLite file that keeps everything; memory when left out")
    parser.add_argument("--seed", type=int, default=running.DEFAULT_SEED)
    parser.add_argument("--key", default=running.DEFAULT_KEY)
    parser.add_argument("--webhook-url", help="where events are delivered; left out, they are only listed")
    parser.add_argument("--webhook-secret", default=running.DEFAULT_SECRET)
    parser.add_argument("--answer-ms", type=float, default=0.0, help="how long each answer takes at least")
    parser.add_argument(
        "--late-seconds", type=float, default=20.0, help="until a bank debit confirms, or a closed card's refund fails"
    )
    options = parser.parse_args(arguments)
    if options.webhook_url is not None and urlsplit(options.webhook_url).scheme != "http":
        parser.error("--webhook-url is an http address")
    http_server.hold_stop_signals()
    try:
        with running.serving(
            webhook=options.webhook_url,
            state=options.state,
            seed=options.seed,
            key=options.key,
            webhook_secret=options.webhook_secret,
            late_seconds=options.late_seconds,
            host=options.host,
            port=options.port,
        ) as sandbox:
            sandbox.answer_ms = options.answer_ms
            sys.stdout.write(f"sandbox payments on {sandbox.url}\n")
            sys.stdout.flush()
            http_server.wait_for_stop_signal()
    except OSError as error:
        parser.exit(1, f"can't listen on {options.host}:{options.port}: {error.strerror}\n")


if __name__ == "__main__":
    main()
