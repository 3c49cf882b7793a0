"""An HTTP proxy before the S3 server: it fails some requests, all, or certain ones, or is slow.

It passes the Host header on, so that the signatures of requests stay valid.
"""

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Ending = Literal["passed", "slow down", "reset"]

_OWN_HEADERS = {"connection", "content-length", "date", "server", "transfer-encoding"}
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How the storage does."""

    failing: float = 0.0
    """Share of requests that fail: half with 503 SlowDown, half with a broken connection. Of the
    broken ones, half were carried out: the client cannot know."""
    delay_s: float = 0.0
    """Before each answer."""


FAIR = Weather()


@dataclass(frozen=True)
class Fault:
    """Requests of this method whose path holds this text get this answer."""

    method: str
    path: str
    status: int
    code: str
    """S3's name of the error, such as AccessDenied."""
    keep: float | None = None
    """Instead of an error: this share of the body, with a Content-Length that fits it."""

    @property
    def body(self) -> bytes:
        """The answer's."""
        return f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()


SLOW_DOWN = Fault("", "", 503, "SlowDown")


@dataclass
class Storage:
    """A running proxy; its weather and its faults may be replaced at any time."""

    target: str
    dice: random.Random
    faults: list[Fault] = field(default_factory=list)
    url: str = ""
    weather: Weather = FAIR
    counts: Counter[Ending] = field(default_factory=Counter)
    """Requests by what became of them."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, method: str, path: str) -> Fault | None:
        """The answer that such a request gets whatever the weather."""
        hits = (one for one in self.faults if one.method == method and one.path in path)
        return next(hits, None)

    def fate(self) -> tuple[Ending, bool]:
        """What becomes of the next request, and whether it is carried out."""
        with self._lock:
            fails, how, late = (self.dice.random() for _ in range(3))
            ending: Ending = "passed"
            if fails < self.weather.failing:
                ending = "slow down" if how < 0.5 else "reset"
            self.counts[ending] += 1
        return ending, ending == "passed" or (ending == "reset" and late < 0.5)


@contextlib.contextmanager
def faulty_storage(target: str, *faults: Fault, seed: int = 0) -> Iterator[Storage]:
    """Stand before the target.

    Args:
        target: address of the S3 server.
        faults: of certain requests.
        seed: of the dice that decide which requests fail.
    """
    storage = Storage(target=target, dice=random.Random(seed), faults=list(faults))

    class Handler(_Handler):
        said = storage

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that hang up: they are killed here."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    storage.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    said: Storage
    _upstream: http.client.HTTPConnection | None = None

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.said.fault_of(self.command, self.path)
        if fault and fault.keep is None:
            self._refuse(fault)
            return
        ending, carried_out = self.said.fate()
        time.sleep(self.said.weather.delay_s)
        reply = self._ask(body) if carried_out else None
        if ending == "reset":
            self._break()
        elif reply is None:
            self._refuse(SLOW_DOWN)
        else:
            status, headers, whole = reply
            kept = len(whole) if fault is None else int(len(whole) * (fault.keep or 0))
            self._reply(status, headers, whole[:kept])

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Over one connection as long as it holds: a new one per request would use up ports."""
        for is_fresh in (False, True):
            if self._upstream is None or is_fresh:
                place = urlsplit(self.said.target).netloc
                self._upstream = http.client.HTTPConnection(place, timeout=60)
            try:
                self._upstream.request(self.command, self.path, body, dict(self.headers))
                reply = self._upstream.getresponse()
                own = _OWN_HEADERS - ({"content-length"} if self.command == "HEAD" else set())
                kept = [(k, v) for k, v in reply.getheaders() if k.lower() not in own]
                return reply.status, kept, reply.read()
            except (http.client.HTTPException, OSError):
                self._upstream.close()
                if is_fresh:
                    raise
        raise AssertionError("the second try returns or raises")

    def _refuse(self, fault: Fault) -> None:
        self._reply(fault.status, [("Content-Type", "application/xml")], fault.body)

    def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":  # the length of an object is the server's to report
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _break(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815 - http.server's names

    def finish(self) -> None:
        if self._upstream:
            self._upstream.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
