"""A TCP proxy for one client that can be cut, frozen and restored."""

import contextlib
import socket
import struct
import threading
from typing import Self

_PIECE_BYTES = 1 << 16
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send a reset, as after a firewall or router failure."""


class TcpProxy:
    """Listens on a port of 127.0.0.1 and forwards all data to the target."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        # bound but not listening: keeps the port while the proxy is cut and refuses connections
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        self._listener: socket.socket | None = None
        self._start_listening()

    @property
    def is_cut(self) -> bool:
        """Whether connections are refused."""
        return self._listener is None

    def cut(self) -> None:
        """Reset every connection, and refuse new ones."""
        if self._listener:
            _close(self._listener)
            self._listener = None
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _close(end)
        self._flowing.set()  # wakes threads that hold data; their connections are broken

    def freeze(self) -> None:
        """Forward no data; connections stay open, and new ones are accepted."""
        self._flowing.clear()

    def restore(self) -> None:
        """Forward data again, including data that was held back."""
        self._flowing.set()
        if self._listener is None:
            self._start_listening()

    def close(self) -> None:
        """Cut the proxy permanently."""
        self.cut()
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_listening(self) -> None:
        listener = _bound(self.port)
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the listener was closed by cut()
            while True:
                near, _ = listener.accept()
                self._join(near, listener)

    def _join(self, near: socket.socket, listener: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            _close(near)
            return
        far.settimeout(None)
        with self._lock:
            is_cut = listener is not self._listener
            if not is_cut:
                self._ends |= {near, far}
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_cut:
                _close(one)
            else:
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE_BYTES):
                self._flowing.wait()
                sink.sendall(data)
        with self._lock:
            self._ends -= {source, sink}
        for end in (source, sink):
            _close(end)


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(("127.0.0.1", port))
    return found


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
    end.close()
