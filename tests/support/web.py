"""A web server with scripted answers, and a client whose host names resolve to it."""

import contextlib
import io
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from funasr_fleet.storage.base import StoreError
from funasr_fleet.worker.audio.web import WebAudio
from funasr_fleet.worker.audio.web_request import HttpClient

Page = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class WebHost:
    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    """Path with its query -> handler."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path with query and Host header of each request."""
    otherwise: Page = field(default_factory=lambda: page(404))
    """Answers requests for all other paths."""


def page(status: int, body: bytes = b"", **headers: str) -> Page:
    """A handler with a fixed answer; `_` in header names stands for `-`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if not {"Content_Length", "Transfer_Encoding"} & set(headers):
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


def in_parts(parts: Iterable[bytes], pause_s: float = 0.05, **headers: str) -> Page:
    """A handler that sends the parts of a body, with a pause after each, until it is stopped."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        page(200, b"", **{"Content_Length": "1000000", **headers})(request)
        for part in parts:
            request.wfile.write(part)
            time.sleep(pause_s)
        request.close_connection = True

    return answer


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[WebHost]:
    host = WebHost()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.asked.append((self.command, self.path, self.headers["Host"]))
            with contextlib.suppress(OSError):
                host.pages.get(self.path, host.otherwise)(self)

        do_HEAD = do_PUT = do_PATCH = do_GET  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Do not log clients that disconnect."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    host.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


SECRET = "secret-4711"
"""Placeholder for a signature."""
NAME = "audio.example"


def web(*hosts: str, tls: ssl.SSLContext | None = None, grace_s: float = 60.0) -> WebAudio:
    """A client whose host names resolve to the loopback, the only public address."""
    client = HttpClient(
        resolve=lambda host, port: ["127.0.0.1"],
        is_public=lambda address: address == "127.0.0.1",
        tls=tls,
    )
    return WebAudio(hosts=frozenset(hosts or (NAME,)), client=client, grace_s=grace_s)


def fetch(web: WebAudio, uri: str, limit: int | None = None) -> bytes:
    into = io.BytesIO()
    info = web.download(uri, into, limit)
    assert info.size_bytes == len(into.getvalue())
    return into.read()


def refused(web: WebAudio, uri: str, error: type[StoreError], limit: int | None = None) -> str:
    with pytest.raises(error) as caught:
        fetch(web, uri, limit)
    message = str(caught.value)
    assert SECRET not in message
    assert caught.value.__cause__ is None
    return message
