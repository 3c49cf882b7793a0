"""A line that is cut is refused, one that is frozen holds its bytes, both work again."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from bench.faults.wire import TcpProxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := peer.recv(100):
                peer.sendall(data)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                threading.Thread(target=answer, args=(peer,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()
    server.close()


@pytest.fixture
def wire(echo: tuple[str, int]) -> Iterator[TcpProxy]:
    with TcpProxy(echo) as line:
        yield line


def connect(wire: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=5)


def says_back(peer: socket.socket, text: bytes) -> bool:
    peer.sendall(text)
    return peer.recv(100) == text


def test_an_intact_line_passes_everything(wire: TcpProxy) -> None:
    with connect(wire) as one, connect(wire) as other:
        assert says_back(one, b"a")
        assert says_back(other, b"b")
    assert not wire.is_cut


def test_cutting_breaks_connections_and_refuses_new_ones(wire: TcpProxy) -> None:
    with connect(wire) as before:
        assert says_back(before, b"a")
        wire.cut()
        assert wire.is_cut
        with contextlib.suppress(ConnectionResetError):
            assert before.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(wire)
    wire.restore()
    with connect(wire) as after:
        assert says_back(after, b"b")


def test_bytes_sent_while_frozen_arrive_after_the_line_is_restored(wire: TcpProxy) -> None:
    with connect(wire) as peer:
        assert says_back(peer, b"a")
        wire.freeze()
        peer.sendall(b"held back")
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.recv(100)
        wire.restore()
        peer.settimeout(5)
        assert peer.recv(100) == b"held back"


def test_a_frozen_line_can_be_cut(wire: TcpProxy) -> None:
    with connect(wire) as peer:
        assert says_back(peer, b"a")
        wire.freeze()
        peer.sendall(b"never")
        wire.cut()
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(100) == b""


def test_an_unreachable_server_breaks_the_connection() -> None:
    with (
        TcpProxy(("127.0.0.1", 1)) as nowhere,
        contextlib.suppress(ConnectionError),  # it may be broken as soon as it is made
        connect(nowhere) as peer,
    ):
        assert peer.recv(1) == b""
