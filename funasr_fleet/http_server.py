"""A small HTTP server for pages that are generated for each request.

Clients may be hostile: connections, their time, and the length of a request are limited.
"""

import contextlib
import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger(__name__)

_CLIENT_S = 10.0
"""Time in which a client has to send its request, and then to read the response."""
MAX_CONNECTIONS = 64
"""Open connections; each one occupies a thread."""
_MAX_REQUEST_BYTES = 32 << 10
"""Request line and headers together."""

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""


def plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """A plain-text page of one line."""
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()


def route(path: str) -> str:
    """A path without its query and trailing slashes."""
    return path.partition("?")[0].rstrip("/")


class _Server(ThreadingHTTPServer):
    """Closes the connection that has waited longest for its client when a new one needs a place."""

    request_queue_size = 512  # so that a probe is accepted during a flood

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], client_s: float
    ) -> None:
        self._client_s = client_s
        self._lock = threading.Lock()
        self._open: set[Any] = set()
        self._waiting: dict[Any, float] = {}
        """Connections that wait for their clients, the first one longest, and since when."""
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the connection; it is closed if all places are busy."""
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS and self._waiting:
                self._end(next(iter(self._waiting)))
            if is_accepted := len(self._open) < MAX_CONNECTIONS:
                self._open.add(request)
                self._waiting[request] = time.monotonic()
        if is_accepted:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def service_actions(self) -> None:
        """Close the connections whose clients are too slow; serve_forever calls it regularly."""
        with self._lock:
            while self._waiting:
                first, since = next(iter(self._waiting.items()))
                if time.monotonic() - since < self._client_s:
                    return
                self._end(first)

    @contextlib.contextmanager
    def working(self, request: Any) -> Iterator[None]:
        """While a page is generated, the connection does not wait for its client."""
        with self._lock:
            self._waiting.pop(request, None)
        yield
        with self._lock:
            if request in self._open:
                self._waiting[request] = time.monotonic()

    def _end(self, request: Any) -> None:
        """Wake the thread of the connection, which then closes it."""
        self._open.discard(request)
        del self._waiting[request]
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Close the connection."""
        with self._lock:
            self._open.discard(request)
            self._waiting.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error of a connection, unless the client caused it."""
        if not isinstance(sys.exception(), OSError):
            log.exception("the connection of %s failed", client_address)


class _Request(io.BufferedReader):
    """Request line and headers.

    Raises:
        OSError: from readline, if they are too long.
    """

    _left = _MAX_REQUEST_BYTES

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(line)
        if self._left <= 0:
            raise OSError("the request is too long")
        return line


def make_server(
    page: Callable[[str], Page], host: str, port: int, client_s: float = _CLIENT_S
) -> ThreadingHTTPServer:
    """A server of pages. If `page` raises, the error is logged and the response is 500.

    Args:
        page: returns the page for a path.
        host: address to listen on; empty for all interfaces.
        port: 0 for any free port.
        client_s: time in which a client has to send its request, and then to read the response.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = client_s

        def setup(self) -> None:
            super().setup()
            self.rfile = _Request(self.rfile.detach())

        def do_GET(self) -> None:
            with server.working(self.request):
                code, content_type, body = _render(page, self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing: probes arrive every few seconds."""

    server = _Server((host, port), Handler, client_s)
    return server


def _render(page: Callable[[str], Page], path: str) -> Page:
    try:
        return page(path)
    except Exception:
        log.exception("cannot serve %s, responding 500", route(path))
        return plain("internal error, see the log", HTTPStatus.INTERNAL_SERVER_ERROR)
