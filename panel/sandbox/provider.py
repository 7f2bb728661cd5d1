"""A provider to order from: API v2 over real HTTP, for the demo and the tests. Never reachable in production.

    python -m panel.sandbox.provider --port 8900 --state provider.sqlite3

Left alone, orders and refills move along by themselves, repeating exactly for the same seed; `--manual` leaves that to
control:

* `GET  /_control/orders` - all orders, with request_id, link, quantity, how often add was called, the report
* `POST /_control/orders/<id>` `{"status", "start_count", "remains"}` - any values, reported verbatim; null drops a key
* `GET  /_control/refills` - all refills, each with its order and report
* `POST /_control/refills/<id>` `{"status"}` - as above
* `POST /_control/forget/<id>` - the order becomes unknown
* `POST /_control/balance` `{"balance": "0"}`
* `GET, POST, DELETE /_control/faults` - see panel.sandbox.provider_faults

Control answers loopback callers only.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from panel.sandbox import http_server
from panel.sandbox.provider_api import Provider
from panel.sandbox.provider_faults import parse
from panel.sandbox.provider_http import Site
from panel.sandbox.provider_state import State

DEFAULT_KEY: Final = "sandbox-provider-key"
DEFAULT_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running provider in this process, and short cuts to what control does."""

    port: int
    site: Site
    key: str

    @property
    def base_url(self) -> str:
        """Address of the server without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Address of API v2."""
        return f"{self.base_url}/api/v2"

    @property
    def control_url(self) -> str:
        """Address under which control stands."""
        return f"{self.base_url}/_control"

    def orders(self) -> list[dict[str, object]]:
        """Return what `GET /_control/orders` does."""
        return self.site.provider.rows()

    def drive(self, order: str | int, **report: object) -> None:
        """Set keys of an order's report, as `POST /_control/orders/<id>` does. Raises LookupError."""
        if not self.site.provider.state.drive(int(order), report, at=time.time()):
            raise LookupError(order)

    def refills(self) -> list[dict[str, object]]:
        """Return what `GET /_control/refills` does."""
        return self.site.provider.refill_rows()

    def drive_refill(self, refill: str | int, **report: object) -> None:
        """Set the status of a refill, as `POST /_control/refills/<id>` does. Raises LookupError."""
        if not self.site.provider.state.drive_refill(int(refill), report, at=time.time()):
            raise LookupError(refill)

    def forget(self, order: str | int) -> None:
        """Make an order unknown. Raises LookupError."""
        if not self.site.provider.state.forget(int(order)):
            raise LookupError(order)

    def fault(self, kind: str, **details: object) -> None:
        """Commit a fault, as `POST /_control/faults` does. Raises BadFault."""
        fault = parse({"kind": kind, **details})
        self.site.faults.put(fault, fault.times)

    def clear_faults(self) -> None:
        """Forget every fault."""
        self.site.faults.clear()

    def set_balance(self, balance: str) -> None:
        """Set the balance, in USD."""
        self.site.provider.state.set_balance(Decimal(balance))


@contextmanager
def serving(
    *,
    seed: int = DEFAULT_SEED,
    manual: bool = False,
    speed: float = 1.0,
    key: str = DEFAULT_KEY,
    state: Path | None = None,
    port: int = 0,
) -> Iterator[Sandbox]:
    """Run a provider in this process on a free port of 127.0.0.1; without `state` it remembers nothing afterwards."""
    with _open(state, key, seed, 0.0 if manual else speed) as site:
        server = http_server.Server(("127.0.0.1", port), site.respond)
        with http_server.running(server):
            yield Sandbox(server.server_port, site, key)


@contextmanager
def _open(state: Path | None, key: str, seed: int, speed: float) -> Iterator[Site]:
    with closing(State(state)) as store:
        yield Site(Provider(store, key, seed, speed))


def main(arguments: list[str] | None = None) -> None:
    """Run the provider until Ctrl-C or TERM."""
    parser = argparse.ArgumentParser(prog="python -m panel.sandbox.provider", description="API v2 provider stand-in")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="SQLite file that keeps the orders; memory when left out")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than real time orders move")
    parser.add_argument("--key", default=DEFAULT_KEY)
    parser.add_argument("--manual", action="store_true", help="orders move only through control")
    options = parser.parse_args(arguments)
    if not 0 <= options.speed < float("inf"):
        parser.error("--speed must be a number of at least 0")
    http_server.hold_stop_signals()
    with _open(options.state, options.key, options.seed, 0.0 if options.manual else options.speed) as site:
        try:
            server = http_server.Server((options.host, options.port), site.respond)
        except OSError as error:
            parser.exit(1, f"can't listen on {options.host}:{options.port}: {error.strerror}\n")
        with http_server.running(server):
            sys.stdout.write(f"sandbox provider on http://{options.host}:{server.server_port}/api/v2\n")
            sys.stdout.flush()
            http_server.wait_for_stop_signal()


if __name__ == "__main__":
    main()
