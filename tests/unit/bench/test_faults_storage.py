"""Requests fail as the weather says, and are counted."""

import contextlib
import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest

from bench.faults.storage import HEALTHY, FaultProfile, Storage, faulty_storage
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
    """What comes of a request: a status, or a broken connection."""
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
    # of the broken ones, some were carried out
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
