"""An HTTP proxy in front of the S3 server that delays or fails some or all requests.

It forwards the Host header, so that the signatures of requests stay valid.
"""

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Ending = Literal["passed", "slow down", "reset"]

_OWN_HEADERS = {"connection", "content-length", "date", "server", "transfer-encoding"}
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class FaultProfile:
    """Rates of failures and delays of the storage."""

    failing: float = 0.0
    """Share of requests that fail: half with 503 SlowDown, half with a broken connection. Of the
    broken ones, half are executed before the connection breaks."""
    delay_s: float = 0.0
    """Delay before each response."""


HEALTHY = FaultProfile()


@dataclass(frozen=True)
class Fault:
    """Requests of this method whose path contains this text get this response."""

    method: str
    path: str
    status: int
    code: str
    """Error code of S3, such as AccessDenied."""
    wrong: Callable[[bytes], bytes] | None = None
    """Instead of an error, return what this makes of the body, with a matching Content-Length."""

    @property
    def body(self) -> bytes:
        """Body of the response."""
        return f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()


SLOW_DOWN = Fault("", "", 503, "SlowDown")


@dataclass
class Storage:
    """A running proxy; its profile and its faults can be replaced at any time."""

    target: str
    dice: random.Random
    faults: list[Fault] = field(default_factory=list)
    url: str = ""
    weather: FaultProfile = HEALTHY
    counts: Counter[Ending] = field(default_factory=Counter)
    """Number of requests by result."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, regardless of the profile."""
        hits = (one for one in self.faults if one.method == method and one.path in path)
        return next(hits, None)

    def fate(self) -> tuple[Ending, bool]:
        """Decide the result of the next request, and whether it is executed."""
        with self._lock:
            fails, how, late = (self.dice.random() for _ in range(3))
            ending: Ending = "passed"
            if fails < self.weather.failing:
                ending = "slow down" if how < 0.5 else "reset"
            self.counts[ending] += 1
        return ending, ending == "passed" or (ending == "reset" and late < 0.5)


@contextlib.contextmanager
def faulty_storage(target: str, *faults: Fault, seed: int = 0) -> Iterator[Storage]:
    """Run a proxy in front of the target.

    Args:
        target: URL of the S3 server.
        faults: faults of certain requests.
        seed: seed of the random choice of failing requests.
    """
    storage = Storage(target=target, dice=random.Random(seed), faults=list(faults))

    class Handler(_Handler):
        proxy = storage

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore clients that disconnect, because tests kill them."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    storage.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Storage
    _upstream: http.client.HTTPConnection | None = None

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.fault_of(self.command, self.path)
        if fault and fault.wrong is None:
            self._refuse(fault)
            return
        ending, carried_out = self.proxy.fate()
        time.sleep(self.proxy.weather.delay_s)
        reply = self._ask(body) if carried_out else None
        if ending == "reset":
            self._break()
        elif reply is None:
            self._refuse(SLOW_DOWN)
        else:
            status, headers, whole = reply
            sent = fault.wrong(whole) if fault and fault.wrong else whole
            self._reply(status, headers, sent)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send the request upstream over one connection; one per request would exhaust ports."""
        for is_fresh in (False, True):
            if self._upstream is None or is_fresh:
                place = urlsplit(self.proxy.target).netloc
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
        if self.command != "HEAD":  # for HEAD the server's Content-Length is forwarded
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
        """Log nothing."""
