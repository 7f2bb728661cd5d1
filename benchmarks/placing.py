"""Placing: API v2 `add` over HTTP on 8 kept connections, against pgbench with 8 clients writing the same rows."""

import contextlib
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks import floor, ground
from benchmarks.rates import Rates
from panel.supervision import commands

WHAT = "API v2 add over HTTP, 8 connections, 8 customers"


def measure(seconds: int, rounds: int) -> list[Rates]:
    """Let floor and panel take turns."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up by now

    from refunds import order_policy  # noqa: PLC0415

    measured = []
    with _server() as port:
        for _ in range(rounds):
            people = ground.people()
            _load(port, people, 1.0)  # connections and code warm
            panel = _load(port, people, seconds)
            tps = floor.transactions_per_second(
                "placing.sql",
                clients=ground.CUSTOMERS,
                seconds=seconds,
                first_customer=people.customer_ids[0],
                first_service=people.service_ids[0],
                services=len(people.service_ids),
                policy=order_policy.version_in_force(timezone.now(), None),
            )
            measured.append(Rates(WHAT, panel, tps))
    return measured


@contextlib.contextmanager
def _server() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "ORDER_SUBMIT_DELAY": "86400"}
    process = subprocess.Popen(commands.web(host="127.0.0.1", port=port), cwd=commands.ROOT, env=environment)
    try:
        for _ in range(100):
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(15)


def _load(port: int, people: ground.People, seconds: float) -> float:
    """Send orders on one kept connection a customer; return how many a second were answered with an order."""
    done = [0] * len(people.keys)
    ends = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_client, args=(port, key, people.service_ids, ends, done, n))
        for n, key in enumerate(people.keys)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - started)


def _client(port: int, key: str, services: list[int], ends: float, done: list[int], me: int) -> None:
    """One connection: write a request, read the answer, again. Raw sockets keep the load generator's share small."""
    requests = [_request(key, service) for service in services]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        turn = 0
        while time.monotonic() < ends:
            connection.sendall(requests[turn % len(requests)])
            answer = _answer(connection)
            assert b'{"order":' in answer, answer
            done[me] += 1
            turn += 1


def _request(key: str, service: int) -> bytes:
    body = urlencode(
        {"key": key, "action": "add", "service": service, "link": "https://example.com/launch", "quantity": 1000}
    )
    return (
        "POST /api/v2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _answer(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    length = int(lengths[0].split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return body
