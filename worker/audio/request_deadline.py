"""Ends a web request that takes too long, whatever the server sends: headers, chunks or trailers.

A timeout per read is not enough: one call of urllib3 may read any number of header, chunk-size or
trailer lines, each of which arrives soon. So a thread closes the connection.
"""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import urllib3

from funasr_fleet.worker.process.heartbeat import SLOWEST_BYTES_PER_S

_MIN_BYTES_PER_S = 10_000
"""Minimum speed of a small body."""
_SLOW_S = 300.0
"""Time that a body may take in addition to that at the minimum speed of all fetches."""
_REPEAT_S = 1.0
"""A connection cannot be closed while it negotiates TLS: it is tried again after this time."""


def permitted_body_s(count: int) -> float:
    """The seconds that this many bytes of a body may take: small files may be sent slowly."""
    return min(count / _MIN_BYTES_PER_S, _SLOW_S + count / SLOWEST_BYTES_PER_S)


class RequestDeadline:
    """Closes the connections of one request, with its redirects, once its time is over.

    The server has `grace_s` until the body begins, and between two parts of the body; the whole
    request may take `grace_s` and permitted_body_s of the received bytes.
    """

    def __init__(self, grace_s: float) -> None:
        """Start the time; used as a context manager."""
        self._grace_s = grace_s
        self._begin_s = self._received_s = time.monotonic()
        self._bytes = 0
        self._connections: list[Any] = []
        self._sockets: list[Any] = []
        """A response may own the socket that its connection has given up (Connection: close)."""
        self._ended = threading.Event()
        self._expired = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()

    def watch(self, pool: urllib3.HTTPConnectionPool) -> None:
        """Close the connections that the pool will open when the time is over."""
        create = pool.ConnectionCls

        def connection(*arguments: Any, **options: Any) -> Any:
            made: Any = create(*arguments, **options)
            connect = made.connect

            def connect_and_keep() -> None:
                connect()
                self._sockets.append(made.sock)

            made.connect = connect_and_keep
            self._connections.append(made)
            return made

        pool.ConnectionCls = connection  # type: ignore[assignment]

    def received(self, count: int) -> None:
        """Extend the time by that of the received bytes."""
        self._bytes += count
        self._received_s = time.monotonic()

    @property
    def problem(self) -> str | None:
        """What the request exceeded, once its connections are closed; None while it has time.

        Check it also after a success: a response that was cut off may seem to be complete.
        """
        if not self._expired.is_set():
            return None
        if not self._bytes:
            return f"sends no audio within {self._grace_s:g} s"
        return f"is too slow: {self._bytes} bytes within the permitted time"

    def _remaining_s(self) -> float:
        total_s = self._grace_s + permitted_body_s(self._bytes)
        end_s = min(self._begin_s + total_s, self._received_s + self._grace_s)
        return end_s - time.monotonic()

    def _watch(self) -> None:
        while not self._ended.wait(max(0.0, self._remaining_s())):
            if self._remaining_s() <= 0:  # it was not extended
                break
        while not self._ended.is_set():
            self._expired.set()
            for one in (*(made.sock for made in self._connections), *self._sockets):
                with contextlib.suppress(OSError, TypeError):  # not connected yet, or closed
                    socket.socket.shutdown(one, socket.SHUT_RDWR)
            self._ended.wait(_REPEAT_S)
