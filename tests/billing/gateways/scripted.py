"""A server that says what a test tells it to, over real HTTP: for answers that no stand-in of Stripe's would give."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """What comes back. `pieces` are sent `pause` seconds apart; none at all: the connection is closed unanswered."""

    pieces: tuple[bytes, ...]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]
    connection: int


@dataclass
class Scripted:
    url: str
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def say(self, answer: Any, status: int = 200, **headers: str) -> None:
        """Answer the next request with JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(Reply((json.dumps(answer).encode(),), status, named))

    def say_error(self, status: int, /, *, headers: dict[str, str] | None = None, **error: Any) -> None:
        """Answer the next request with an error object as Stripe's."""
        self.replies.append(Reply((json.dumps({"error": error}).encode(),), status, headers or {}))


@contextmanager
def serving() -> Iterator[Scripted]:
    scripted: Scripted
    ports: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            parts = urlsplit(self.path)
            fields = parse_qs((parts.query.encode() if self.command == "GET" else body).decode())
            form = {name: values[0] for name, values in fields.items()}
            port = self.client_address[1]
            if port not in ports:
                ports.append(port)
            asked = Asked(self.command, parts.path, form, dict(self.headers), ports.index(port) + 1)
            scripted.asked.append(asked)
            reply = scripted.replies.pop(0)
            if not reply.pieces:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(sum(len(piece) for piece in reply.pieces)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in reply.pieces:
                    self.wfile.write(piece)
                    scripted.ended.wait(reply.pause)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        scripted = Scripted(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield scripted
        finally:
            scripted.ended.set()
            server.shutdown()
            thread.join()


def unused_address() -> str:
    """Return an address of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
