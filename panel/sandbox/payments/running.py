"""Starting and stopping a sandbox."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from panel.sandbox import http_server
from panel.sandbox.fault_queue import FaultQueue
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.courier import Courier, Target
from panel.sandbox.payments.faults import Fault
from panel.sandbox.payments.site import LARGEST_BODY, Site
from panel.sandbox.payments.steering import PaymentsSandbox
from panel.sandbox.payments.store import Store

DEFAULT_KEY: Final = "sk_test_sandbox_makegood"
DEFAULT_SECRET: Final = "whsec_sandbox_makegood"  # noqa: S105 - opens nothing but the sandbox
DEFAULT_SEED: Final = 7


@contextmanager
def serving(
    *,
    webhook: Target | None = None,
    state: Path | None = None,
    seed: int = DEFAULT_SEED,
    key: str = DEFAULT_KEY,
    webhook_secret: str = DEFAULT_SECRET,
    late_seconds: float = 3600.0,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[PaymentsSandbox]:
    """Run a sandbox in this process for the length of the block; without `state` it remembers nothing afterwards.

    `webhook` is where events go: an http address, or a function of (payload, signature header) returning an HTTP
    status, called in the courier's thread (or, by `deliver`, in the caller's). `late_seconds` of the sandbox's clock
    pass before a bank debit confirms and before a refund to a closed card fails. Raises OSError if it can't listen.
    """
    with closing(Store(state, seed=seed)) as store:
        account = Account(store, late_seconds, delivers=webhook is not None)
        faults: FaultQueue[Fault] = FaultQueue()
        courier = Courier(account, webhook, webhook_secret, faults)
        sandbox = PaymentsSandbox(account, courier, faults, key, webhook_secret)
        server = http_server.Server((host, port), Site(sandbox).respond, largest_body=LARGEST_BODY)
        sandbox.url = account.origin = f"http://{host}:{server.server_port}"
        courier.start()
        try:
            with http_server.running(server):
                yield sandbox
        finally:
            courier.stop()
