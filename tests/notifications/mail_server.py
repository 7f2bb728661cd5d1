"""A mail server that speaks as much SMTP over real sockets as Python's client asks for, and keeps what it got."""

import email
import email.policy
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class MailServer:
    """What it does, and what came.

    `answers` are by recipient, instead of 250; `hangs_up_on` are recipients whose message is taken, and the connection
    closed without saying so; `seconds` go by before a message is taken.
    """

    port: int = 0
    greeting: str = "220 mail.example ready"
    seconds: float = 0.0
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_on: set[str] = field(default_factory=set)
    connections: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _message in self.taken]


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 30
    server: "_Listener"

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        known = self.server.known
        known.connections += 1
        recipient = ""
        self.say(known.greeting)
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                self.say(known.answers.get(recipient, "250 ok"))
            elif verb == "DATA":
                self.say("354 go on")
                time.sleep(known.seconds)
                known.taken.append((recipient, self.message()))
                if recipient in known.hangs_up_on:
                    return
                self.say("250 taken")
            else:
                self.say("250 ok")

    def message(self) -> EmailMessage:
        lines = iter(self.rfile.readline, b".\r\n")
        raw = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        return email.message_from_bytes(raw, policy=email.policy.default)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    known: MailServer


@contextmanager
def listening() -> Iterator[MailServer]:
    """Listen on a free port of this machine until the block ends."""
    with _Listener(("127.0.0.1", 0), _Conversation) as listener:
        listener.known = MailServer(port=listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listener.known
        finally:
            listener.shutdown()
            thread.join()
