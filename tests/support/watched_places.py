"""A file and an address that must not be opened, and whether they were."""

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

_IN_OPEN = 0x20


class WatchedFile:
    """Tells by inotify whether anybody opened a file, FFmpeg's own code included."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._events, os.fsencode(path), _IN_OPEN) >= 0

    @property
    def was_opened(self) -> bool:
        """Since the last time it was asked."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._events, 4096))
        return False

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._events)


class ListeningServer:
    """Takes connections on the loopback, answers nothing, and counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                connection.close()

    def close(self) -> None:
        """Take no more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextlib.contextmanager
def watched(path: Path) -> Iterator[WatchedFile]:
    """Watch a file that is there."""
    file = WatchedFile(path)
    try:
        yield file
    finally:
        file.close()


@contextlib.contextmanager
def listening() -> Iterator[ListeningServer]:
    """A server until the end of the block."""
    server = ListeningServer()
    try:
        yield server
    finally:
        server.close()
