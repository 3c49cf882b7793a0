"""An HTTP proxy before the S3 server that answers some requests with an error of its own.

It passes the Host header on, so that the signatures of requests stay valid.
"""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """Requests of this method whose path holds this text get this answer."""

    method: str
    path: str
    status: int
    code: str
    """S3's name of the error, such as AccessDenied."""


@dataclass
class FaultProxy:
    """A running proxy; its faults may be replaced at any time."""

    url: str
    faults: list[Fault]


@contextlib.contextmanager
def running_proxy(target: str, *faults: Fault) -> Iterator[FaultProxy]:
    """Pass everything on to the target, but for the faults."""
    proxy = FaultProxy(url="", faults=list(faults))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hits = [f for f in proxy.faults if f.method == self.command and f.path in self.path]
            if hits:
                text = f"<Error><Code>{hits[0].code}</Code><Message>no</Message></Error>"
                self.reply(hits[0].status, [("Content-Type", "application/xml")], text.encode())
                return
            connection = http.client.HTTPConnection(urlsplit(target).netloc, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            reply = connection.getresponse()
            kept = [(k, v) for k, v in reply.getheaders() if k.lower() not in _OWN_HEADERS]
            self.reply(reply.status, kept, reply.read())

        def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that hang up: some tests kill them."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


_OWN_HEADERS = {"connection", "content-length", "date", "server", "transfer-encoding"}
