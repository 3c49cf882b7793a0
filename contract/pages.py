"""A small HTTP server for pages that are made anew for each request."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger(__name__)

_IDLE_S = 10.0
"""Who says nothing for so long is cut off: each connection holds a thread."""

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""


def plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """A page of one line."""
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()


def route(path: str) -> str:
    """A path without its query and last slash."""
    return path.partition("?")[0].rstrip("/")


def make_server(
    page: Callable[[str], Page], port: int, idle_s: float = _IDLE_S
) -> ThreadingHTTPServer:
    """Listens on every interface; `page` answers a path. An error of it is logged and told by 500.

    Args:
        page: makes one.
        port: 0 for any that is free.
        idle_s: how long a client may say, or read, nothing.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = idle_s

        def do_GET(self) -> None:
            code, content_type, body = _made(page, self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: a probe every few seconds is no news."""

    return ThreadingHTTPServer(("", port), Handler)


def _made(page: Callable[[str], Page], path: str) -> Page:
    try:
        return page(path)
    except Exception:
        log.exception("%s cannot be shown", route(path))
        return plain("an error; the log says which", HTTPStatus.INTERNAL_SERVER_ERROR)
