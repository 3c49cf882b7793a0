"""A small HTTP server for pages that are generated for each request."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger(__name__)

_IDLE_S = 10.0
"""Idle connections are closed after this time, since each one occupies a thread."""

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""


def plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """A plain-text page of one line."""
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()


def route(path: str) -> str:
    """A path without its query and trailing slashes."""
    return path.partition("?")[0].rstrip("/")


def make_server(
    page: Callable[[str], Page], port: int, idle_s: float = _IDLE_S
) -> ThreadingHTTPServer:
    """A server on all interfaces. If `page` raises, the error is logged and the response is 500.

    Args:
        page: returns the page for a path.
        port: 0 for any free port.
        idle_s: timeout for reading from, or writing to, a client.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = idle_s

        def do_GET(self) -> None:
            code, content_type, body = _render(page, self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing: probes arrive every few seconds."""

    return ThreadingHTTPServer(("", port), Handler)


def _render(page: Callable[[str], Page], path: str) -> Page:
    try:
        return page(path)
    except Exception:
        log.exception("cannot serve %s, responding 500", route(path))
        return plain("internal error, see the log", HTTPStatus.INTERNAL_SERVER_ERROR)
