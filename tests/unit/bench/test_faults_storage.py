"""Requests fail as the weather says, and are counted."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from bench.faults.storage import HEALTHY, FaultProfile, Storage, faulty_storage

seen: list[str] = []
"""Requests that reached the server."""


class Behind(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen.append(self.path)
        text = b"" if self.command == "HEAD" else b"%s %s" % (self.path.encode(), body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_HEAD = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def storage() -> Iterator[Storage]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with faulty_storage(f"http://127.0.0.1:{server.server_address[1]}", seed=3) as running:
        seen.clear()
        yield running
    server.shutdown()
    server.server_close()


def connect(storage: Storage) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(storage.url).netloc, timeout=10)


def ask(storage: Storage, path: str) -> str:
    """What comes of a request: a status, or a broken connection."""
    try:
        connection = connect(storage)
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (ConnectionError, http.client.HTTPException):
        return "reset"


def test_in_fair_weather_all_passes_over_one_connection(storage: Storage) -> None:
    connection = connect(storage)
    for number in range(3):
        connection.request("PUT", f"/b/{number}", b"body")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["ETag"]) == (200, '"e"')
        assert answer.read() == f"/b/{number} body".encode()
    assert storage.counts == {"passed": 3}
    connection.close()


def test_in_bad_weather_all_fails_in_two_ways(storage: Storage) -> None:
    storage.weather = FaultProfile(failing=1.0)
    told = [ask(storage, f"/{number}") for number in range(40)]
    assert set(told) == {"503", "reset"}
    assert storage.counts["slow down"] == told.count("503")
    assert storage.counts["reset"] == told.count("reset")
    # of the broken ones, some were carried out
    assert 0 < len(seen) < told.count("reset")


def test_a_share_fails_and_the_dice_are_seeded(storage: Storage) -> None:
    storage.weather = FaultProfile(failing=0.3)
    fates = [storage.fate()[0] for _ in range(500)]
    assert 100 < len(fates) - fates.count("passed") < 200
    with faulty_storage("http://127.0.0.1:1", seed=3) as same:
        same.weather = FaultProfile(failing=0.3)
        assert [same.fate()[0] for _ in range(500)] == fates


def test_the_weather_changes_at_once(storage: Storage) -> None:
    with contextlib.closing(connect(storage)) as connection:
        for weather, status in ((FaultProfile(failing=1.0), "bad"), (HEALTHY, "200")):
            storage.weather = weather
            assert (ask(storage, "/x") == "200") == (status == "200")
        connection.request("HEAD", "/x")
        assert connection.getresponse().status == 200
