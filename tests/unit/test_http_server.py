"""Pages over HTTP: an error is answered with 500, and a silent client is disconnected."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from funasr_fleet.http_server import Page, make_server, plain


def page(path: str) -> Page:
    if path == "/broken":
        raise KeyError("of a bug")
    return plain("ok")


@pytest.fixture
def port() -> Iterator[int]:
    with make_server(page, 0, idle_s=0.3) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_page_that_raises_is_a_logged_error_500(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/broken")
    assert caught.value.code == 500
    assert b"of a bug" not in caught.value.read()  # the client may be untrusted
    assert "cannot serve /broken" in caplog.text
    assert "of a bug" in caplog.text
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.read() == b"ok\n"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.0\r\nAccept: "])
def test_idle_clients_are_disconnected(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        idle.sendall(said)
        assert idle.recv(100) == b""
