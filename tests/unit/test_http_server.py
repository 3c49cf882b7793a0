"""Pages over HTTP: an error is answered with 500, and clients cannot use up the server."""

import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from funasr_fleet.http_server import MAX_CONNECTIONS, Page, make_server, plain

WORKING = threading.Event()
MAY_END = threading.Event()


def page(path: str) -> Page:
    if path == "/broken":
        raise KeyError("of a bug")
    if path == "/slow":
        WORKING.set()
        assert MAY_END.wait(60)
    return plain("ok")


def serve(client_s: float, host: str = "") -> Iterator[int]:
    with make_server(page, host, 0, client_s) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def port() -> Iterator[int]:
    """A server that waits a short time for its clients."""
    yield from serve(0.3)


@pytest.fixture
def patient() -> Iterator[int]:
    """A server whose limit of time is never reached here."""
    yield from serve(3600)


def connect(port: int, said: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(said)
    return client


def get(port: int, path: str = "/") -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        body: bytes = answer.read()
        return body


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_page_that_raises_is_a_logged_error_500(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/broken")
    assert caught.value.code == 500
    assert b"of a bug" not in caught.value.read()  # the client may be untrusted
    assert "cannot serve /broken" in caplog.text
    assert "of a bug" in caplog.text
    assert get(port) == b"ok\n"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.0\r\nAccept: "])
def test_idle_clients_are_disconnected(port: int, said: bytes) -> None:
    with connect(port, said) as idle:
        assert idle.recv(100) == b""


def test_a_client_that_sends_a_byte_now_and_then_is_disconnected(port: int) -> None:
    """Each byte comes in time, the request does not."""
    with connect(port, b"GET / HTTP/1.0\r\nA: ") as slow:
        slow.settimeout(0.05)
        ended = []

        def has_ended() -> bool:
            with suppress(TimeoutError):
                try:
                    slow.sendall(b"x")
                    ended.append(slow.recv(100) == b"")
                except ConnectionError:
                    ended.append(True)
            return bool(ended)

        wait_for(has_ended)
        assert ended == [True]


def test_a_page_may_take_longer_than_a_client(port: int) -> None:
    WORKING.clear()
    MAY_END.clear()
    with connect(port, b"GET /slow HTTP/1.0\r\n\r\n") as client:
        assert WORKING.wait(30)
        with connect(port) as idle:  # opened later, and disconnected
            assert idle.recv(1) == b""
        MAY_END.set()
        assert client.makefile("rb").read().endswith(b"ok\n")


def test_a_page_is_served_while_500_idle_connections_are_open(patient: int) -> None:
    before = threading.active_count()
    with ExitStack() as clients:
        idle = [clients.enter_context(connect(patient, b"GET /")) for _ in range(500)]
        assert get(patient) == b"ok\n"
        wait_for(lambda: threading.active_count() - before <= MAX_CONNECTIONS)
        assert idle[0].recv(100) == b""  # the oldest is closed, the newest is not
        idle[-1].sendall(b" HTTP/1.0\r\n\r\n")
        assert idle[-1].makefile("rb").read().endswith(b"ok\n")
    wait_for(lambda: threading.active_count() == before)


def test_further_connections_are_closed_while_all_are_served(patient: int) -> None:
    MAY_END.clear()
    before = threading.active_count()
    with ExitStack() as clients:
        busy = []
        for _ in range(MAX_CONNECTIONS):
            WORKING.clear()
            request = connect(patient, b"GET /slow HTTP/1.0\r\n\r\n")
            busy.append(clients.enter_context(request))
            assert WORKING.wait(30)
        with connect(patient) as further:
            assert further.recv(100) == b""
        assert threading.active_count() - before == MAX_CONNECTIONS
        MAY_END.set()
        assert all(one.makefile("rb").read().endswith(b"ok\n") for one in busy)
    assert get(patient) == b"ok\n"


@pytest.mark.parametrize(
    "said",
    [
        b"GET /" + b"x" * 1_000_000,
        b"GET / HTTP/1.0\r\nA: " + b"x" * 1_000_000,
        b"GET / HTTP/1.0\r\n" + b"A: xxxxxxxxxxxxxxxxxxxx\r\n" * 50_000,
        b"\r\n" * 500_000,
    ],
    ids=["line", "header", "headers", "empty lines"],
)
def test_a_long_request_is_closed_without_a_log_line(
    patient: int, said: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with suppress(ConnectionError), connect(patient) as client:
        client.sendall(said)
        assert b"200" not in client.recv(100)
    assert get(patient) == b"ok\n"
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_a_client_that_disappears_leaves_no_log_line(
    patient: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    with connect(patient, b"GET / HTTP/1.0\r\nA: ") as client:
        wait_for(lambda: threading.active_count() > before)
        reset = (1).to_bytes(4, "little") + bytes(4)  # closed with RST
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    wait_for(lambda: threading.active_count() == before)
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_the_server_listens_on_the_given_address_only() -> None:
    for port in serve(3600, "127.0.0.1"):
        assert get(port) == b"ok\n"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=5)
