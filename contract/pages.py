"""A small HTTP server for pages that are made anew for each request."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""


def plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """A page of one line."""
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()


def route(path: str) -> str:
    """A path without its query and last slash."""
    return path.partition("?")[0].rstrip("/")


def make_server(page: Callable[[str], Page], port: int) -> ThreadingHTTPServer:
    """Listens on every interface; `page` answers a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, content_type, body = page(self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: a probe every few seconds is no news."""

    return ThreadingHTTPServer(("", port), Handler)
