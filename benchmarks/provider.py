"""A provider that has delivered three quarters of everything and answers at once: the other end of `settling`.

Run as `python -m benchmarks.provider`; prints its port. The sandbox provider keeps books of its own, which would be
measured too.
"""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

REPORT = {"charge": "0.27", "start_count": "10", "status": "Partial", "remains": "250", "currency": "USD"}


class Handler(BaseHTTPRequestHandler):
    """Answers every `status` call."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer with the same report for each order asked about."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        ids = parse_qs(body)["orders"][0].split(",")
        answer = json.dumps(dict.fromkeys(ids, REPORT)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


if __name__ == "__main__":
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
