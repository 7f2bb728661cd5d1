"""The HTTP side that the stand-ins share: requests in, answers out, connections kept alive, an end in good order."""

import ipaddress
import json
import logging
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

LARGEST_BODY: Final = 1_000_000
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_ADDRESS: Final = "Incorrect address"
_LENGTH_MISSING: Final = "Send a Content-Length"
_LENGTH: Final = "Incorrect Content-Length"
_TOO_LARGE: Final = "Too large"
_CONTENT_LENGTH: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class NoAnswer(Exception):
    """The connection is to be closed without a word."""


class BadRequest(Exception):
    """What came in makes no sense; the text says why."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.http_status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read in whole. `stopping` is set when the server ends: whoever waits, waits on it."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    caller: str
    stopping: threading.Event

    @property
    def is_from_this_machine(self) -> bool:
        """Whether the caller's address is a loopback one."""
        caller = ipaddress.ip_address(self.caller.partition("%")[0])
        return (getattr(caller, "ipv4_mapped", None) or caller).is_loopback


def json_answer(value: object, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Answer:
    """Return `value` as a JSON answer."""
    return Answer(json.dumps(value).encode(), status, headers=headers or {})


def json_document(body: bytes) -> object:
    """Return what a JSON body says. Raises BadRequest."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON") from error


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive for many requests."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 120

    def do_GET(self) -> None:
        """Answer one request of any method that is taken."""
        try:
            self._send(self.server.respond(self._request()))
        except NoAnswer:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except BadRequest as error:
            self.close_connection = True
            self._send(json_answer({"error": str(error)}, error.http_status))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            logger.exception("the sandbox failed")
            self.close_connection = True
            self._send(json_answer({"error": "Internal error"}, HTTPStatus.INTERNAL_SERVER_ERROR))

    do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Log nothing: a key may stand in the request line."""

    def _request(self) -> Request:
        try:
            address = urlsplit(self.path)
        except ValueError as error:
            raise BadRequest(_ADDRESS) from error
        return Request(
            method=self.command,
            path=address.path,
            query=address.query,
            headers=self.headers,
            body=self._body(),
            caller=str(self.client_address[0]),
            stopping=self.server.stopping,
        )

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise BadRequest(_LENGTH_MISSING, HTTPStatus.LENGTH_REQUIRED)
        length = self.headers.get("Content-Length", "0").strip()
        if not _CONTENT_LENGTH.fullmatch(length):
            raise BadRequest(_LENGTH)
        if int(length) > self.server.largest_body:
            raise BadRequest(_TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        except OSError:  # the caller has hung up: nobody is left to tell
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """A thread per connection, each request answered by `respond`, which may raise NoAnswer and BadRequest."""

    request_queue_size = 128
    daemon_threads = False  # so that server_close waits for them, and nothing outlives a test

    def __init__(
        self, address: tuple[str, int], respond: Callable[[Request], Answer], *, largest_body: int = LARGEST_BODY
    ) -> None:
        self.respond = respond
        self.largest_body = largest_body
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Start a connection's thread; remember the connection so that it can be ended."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """End one connection."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep a broken connection out of standard error; everything else was answered and logged before."""
        del request
        logger.debug("the connection of %s broke", client_address)

    def stop(self) -> None:
        """Close every connection and wait for their threads. Call once serving has ended."""
        self.stopping.set()
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # already gone
                    continue
        self.server_close()


@contextmanager
def running(server: Server) -> Iterator[None]:
    """Serve from a thread of its own for the length of the block, then end every connection and thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.stop()


def hold_stop_signals() -> None:
    """Keep TERM and INT for `wait_for_stop_signal`. Call it before any thread is started: threads inherit it.

    A signal handler that raises could break the server anywhere, for example between taking a connection and starting
    its thread; so none is installed.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def wait_for_stop_signal() -> None:
    """Return once TERM or INT has come."""
    signal.sigwait(STOP_SIGNALS)
