"""The S3 proxy fails as configured; the TCP proxy works again after a cut or a freeze."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest

from bench.faults.storage import HEALTHY, FaultProfile, Storage, faulty_storage
from bench.faults.wire import TcpProxy
from tests.support.web import WebHost, page, serving


def _echo(request: BaseHTTPRequestHandler) -> None:
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    page(200, b"%s %s" % (request.path.encode(), body), ETag='"e"')(request)


@pytest.fixture
def behind() -> Iterator[WebHost]:
    with serving() as host:
        host.otherwise = _echo
        yield host


@pytest.fixture
def storage(behind: WebHost) -> Iterator[Storage]:
    with faulty_storage(f"http://127.0.0.1:{behind.port}", seed=3) as running:
        yield running


def connect(storage: Storage) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(storage.url).netloc, timeout=10)


def ask(storage: Storage, path: str) -> str:
    """Send a request; return its status, or `reset` for a broken connection."""
    try:
        connection = connect(storage)
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (ConnectionError, http.client.HTTPException):
        return "reset"


def test_healthy_storage_passes_all_requests_over_one_connection(storage: Storage) -> None:
    connection = connect(storage)
    for number in range(3):
        connection.request("PUT", f"/b/{number}", b"body")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["ETag"]) == (200, '"e"')
        assert answer.read() == f"/b/{number} body".encode()
    assert storage.counts == {"passed": 3}
    connection.close()


def test_failing_storage_answers_503_or_resets_the_connection(
    storage: Storage, behind: WebHost
) -> None:
    storage.weather = FaultProfile(failing=1.0)
    told = [ask(storage, f"/{number}") for number in range(40)]
    assert set(told) == {"503", "reset"}
    assert storage.counts["slow down"] == told.count("503")
    assert storage.counts["reset"] == told.count("reset")
    # some requests were executed before their connection was broken
    assert 0 < len(behind.asked) < told.count("reset")


def test_failures_have_the_given_rate_and_are_reproducible_from_the_seed(storage: Storage) -> None:
    storage.weather = FaultProfile(failing=0.3)
    fates = [storage.fate()[0] for _ in range(500)]
    assert 100 < len(fates) - fates.count("passed") < 200
    with faulty_storage("http://127.0.0.1:1", seed=3) as same:
        same.weather = FaultProfile(failing=0.3)
        assert [same.fate()[0] for _ in range(500)] == fates


def test_a_changed_fault_profile_applies_at_once(storage: Storage) -> None:
    with contextlib.closing(connect(storage)) as connection:
        for weather, status in ((FaultProfile(failing=1.0), "bad"), (HEALTHY, "200")):
            storage.weather = weather
            assert (ask(storage, "/x") == "200") == (status == "200")
        connection.request("HEAD", "/x")
        assert connection.getresponse().status == 200


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back all data that it receives."""
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


def dial(wire: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=5)


def says_back(peer: socket.socket, text: bytes) -> bool:
    peer.sendall(text)
    return peer.recv(100) == text


def test_an_intact_line_passes_everything(wire: TcpProxy) -> None:
    with dial(wire) as one, dial(wire) as other:
        assert says_back(one, b"a")
        assert says_back(other, b"b")
    assert not wire.is_cut


def test_cutting_breaks_connections_and_refuses_new_ones(wire: TcpProxy) -> None:
    with dial(wire) as before:
        assert says_back(before, b"a")
        wire.cut()
        assert wire.is_cut
        with contextlib.suppress(ConnectionResetError):
            assert before.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        dial(wire)
    wire.restore()
    with dial(wire) as after:
        assert says_back(after, b"b")


def test_bytes_sent_while_frozen_arrive_after_the_line_is_restored(wire: TcpProxy) -> None:
    with dial(wire) as peer:
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
    with dial(wire) as peer:
        assert says_back(peer, b"a")
        wire.freeze()
        peer.sendall(b"never")
        wire.cut()
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(100) == b""


def test_an_unreachable_server_breaks_the_connection() -> None:
    with (
        TcpProxy(("127.0.0.1", 1)) as nowhere,
        contextlib.suppress(ConnectionError),  # connecting may fail already
        dial(nowhere) as peer,
    ):
        assert peer.recv(1) == b""
