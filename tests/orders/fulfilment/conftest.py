import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from orders.fulfilment import client
from orders.fulfilment.client import Connection
from panel.sandbox import provider
from panel.sandbox.provider import Sandbox

KEY = "key-of-our-account-4711"
Answering = Callable[..., Connection]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True, key=KEY) as running:
        yield running
    client.close_pools()


@pytest.fixture
def connection(sandbox: Sandbox) -> Connection:
    return Connection(sandbox.url, KEY, timedelta(seconds=5))


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A server that gives one fixed answer, for shapes that no sandbox would send."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(body: str | bytes, status: int = 200, **headers: str) -> Connection:
        content = body.encode() if isinstance(body, str) else body

        class Fixed(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                del arguments

        server = ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return Connection(f"http://127.0.0.1:{server.server_port}/api/v2", KEY, timedelta(seconds=5))

    yield start
    client.close_pools()
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


class Picky:
    """A provider that refuses a whole status call for one bad number in it; `answer` is what it says of the others."""

    def __init__(self) -> None:
        self.refusals: dict[str, str] = {}
        self.answer: dict[str, object] = {"status": "Completed", "remains": "0"}
        self.calls: list[list[str]] = []
        picky = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = json.dumps(picky.reply(form["orders"][0].split(","))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                del arguments

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v2"

    def reply(self, numbers: list[str]) -> dict[str, object]:
        self.calls.append(numbers)
        for number in numbers:
            if text := self.refusals.get(number) or self.refusals.get("*"):
                return {"error": text}
        return dict.fromkeys(numbers, self.answer)


@pytest.fixture
def picky() -> Iterator[Picky]:
    provider = Picky()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield provider
    client.close_pools()
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()
