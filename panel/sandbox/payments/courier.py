"""The courier: a thread that delivers events to the webhook, signed as Stripe signs, and lets due things happen."""

import contextlib
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from panel.sandbox.fault_queue import FaultQueue
from panel.sandbox.payments import course
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.faults import Fault, Kind
from panel.sandbox.payments.store import Document

Target = str | Callable[[bytes, str], int]
"""Where webhooks go: an http address, or a function of (payload, signature header) that returns an HTTP status."""

logger = logging.getLogger(__name__)

_RETRY_AFTER: Final = (0.2, 0.4, 0.8, 1.6, 3.2)  # seconds; afterwards the event is given up
_TICK: Final = 0.2
_TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it goes out: `signature` belongs into the header `Stripe-Signature`."""

    id: str
    type: str
    payload: bytes
    signature: str


def sign(event: Document, secret: str) -> Delivery:
    """Sign an event at this moment; by the machine's clock, as receivers check the age by theirs."""
    payload = json.dumps(event, indent=2).encode()
    at = int(time.time())
    mark = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return Delivery(event["id"], event["type"], payload, f"t={at},v1={mark}")


class Courier:
    """Delivers what the store says is owed, in order, unless faults say otherwise. A failed delivery is retried."""

    def __init__(self, account: Account, target: Target | None, secret: str, faults: FaultQueue[Fault]) -> None:
        self._account = account
        self._target = target
        self._secret = secret
        self._faults = faults
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._bag: list[tuple[float, int, str, int]] = []  # (due, tie-breaker, event, attempts made)
        self._kept_back: list[str] = []
        self._seen = 0
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox-courier")

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End, also in the middle of a delivery; what is owed stays owed."""
        self._stopping.set()
        self._wake.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def wake(self) -> None:
        """Look again at once: there may be something to deliver."""
        self._wake.set()

    def forget(self) -> None:
        """Drop everything that waits."""
        with self._lock:
            self._bag.clear()
            self._kept_back.clear()
            self._seen = 0

    def deliver(self, event: Document) -> int:
        """Deliver an event now, whether or not it is owed; return the HTTP status, or 0 if there was no answer."""
        delivery = sign(event, self._secret)
        try:
            status = self._hand_over(delivery)
        except (OSError, http.client.HTTPException):
            status = 0
        if self._is_good(status):
            store = self._account.store
            with store.transaction():
                store.strike_off(delivery.id)
                if store.find("event", delivery.id) is not None:
                    store.save(event | {"pending_webhooks": 0})
        return status

    def _hand_over(self, delivery: Delivery) -> int:
        if self._target is None:
            return 0
        if not isinstance(self._target, str):
            return self._target(delivery.payload, delivery.signature)
        address = urlsplit(self._target)
        self._connection = connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": delivery.signature,
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        try:
            connection.request("POST", address.path or "/", delivery.payload, headers)
            return connection.getresponse().status
        finally:
            self._connection = None
            connection.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._wake.clear()
                self._collect()
                self._send_due()
            except Exception:
                logger.exception("the sandbox's courier stumbled")
            self._wake.wait(_TICK)

    def _collect(self) -> None:
        store = self._account.store
        with store.transaction():
            course.catch_up(self._account)
            if self._account.hands_out_webhooks:
                return
            with self._lock:
                owed = store.owed(above=self._seen)
                events = [store.get(event) for _, event in owed]
                self._seen = owed[-1][0] if owed else self._seen
        for announced in events:
            self._plan(announced["id"], announced["type"])
        if self._kept_back and not any(fault.kind is Kind.WEBHOOK_REORDER for fault, _ in self._faults.left()):
            for event in reversed(self._kept_back):
                self._put(event)
            self._kept_back.clear()

    def _plan(self, event: str, kind: str) -> None:
        fault = self._faults.take(lambda fault: fault.concerns_event(kind))
        match fault and fault.kind:
            case Kind.WEBHOOK_DROP:
                with self._account.store.transaction():
                    self._account.store.strike_off(event)
            case Kind.WEBHOOK_REORDER:
                self._kept_back.append(event)
            case Kind.WEBHOOK_REPEAT if fault is not None:
                for _ in range(fault.copies + 1):
                    self._put(event)
            case Kind.WEBHOOK_DELAY if fault is not None:
                self._put(event, after=fault.seconds)
            case _:
                self._put(event)

    def _put(self, event: str, *, after: float = 0.0, attempts: int = 0) -> None:
        with self._lock:
            heapq.heappush(self._bag, (time.monotonic() + after, next(self._numbers), event, attempts))

    def _send_due(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                if not self._bag or self._bag[0][0] > time.monotonic():
                    return
                _, _, number, attempts = heapq.heappop(self._bag)
            with self._account.store.transaction():
                event = self._account.store.find("event", number)
            if event is None:  # the sandbox was reset
                continue
            try:
                status = self.deliver(event)
            except Exception:  # a receiver in this process may raise whatever it likes; Stripe would see a 500
                logger.exception("the receiver of webhooks failed")
                status = 0
            if self._is_good(status) or self._stopping.is_set():
                continue
            if attempts < len(_RETRY_AFTER):
                self._put(number, after=_RETRY_AFTER[attempts], attempts=attempts + 1)
            else:
                with self._account.store.transaction():
                    self._account.store.strike_off(number)

    @staticmethod
    def _is_good(status: int) -> bool:
        return http.client.OK <= status < http.client.MULTIPLE_CHOICES
