"""A real web server whose answers a test writes, plain or by TLS."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Page = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class WebHost:
    """A running server."""

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    """Path with its query -> what answers."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path with query and Host header of each request."""


def page(status: int, body: bytes = b"", **headers: str) -> Page:
    """An answer; _ in the names of headers stands for -."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if not {"Content_Length", "Transfer_Encoding"} & set(headers):
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    return answer


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[WebHost]:
    """Serve on a port of the loopback."""
    host = WebHost()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.asked.append((self.command, self.path, self.headers["Host"]))
            with contextlib.suppress(OSError):
                host.pages.get(self.path, page(404))(self)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing of clients that hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    host.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
