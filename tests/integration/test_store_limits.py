"""Downloads are limited in size, whatever storage reports, and to allowed buckets."""

import contextlib
import io
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from funasr_fleet.embedded.stack import Stack
from funasr_fleet.producer.jobs.own_result import read_own_result
from funasr_fleet.storage import s3
from funasr_fleet.storage.base import (
    DocumentTooLarge,
    ObjectDenied,
    ObjectStore,
    ObjectTooLarge,
)
from funasr_fleet.storage.s3 import S3Store
from tests.support.memory_store import MemoryStore

KEPT = 1 << 20


@pytest.fixture(params=["memory", "s3"])
def either(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore("audio")
    store: ObjectStore = request.getfixturevalue("store")
    return store


def test_an_object_up_to_the_limit_is_fetched_and_a_larger_one_is_not(either: ObjectStore) -> None:
    uri = f"s3://audio/{uuid.uuid4()}"
    either.write(uri, b"x" * 1000, "audio/wav")
    assert either.download(uri, io.BytesIO(), 1000).size_bytes == 1000
    into = io.BytesIO()
    with pytest.raises(ObjectTooLarge, match="1000 bytes or more, FLEET_MAX_BYTES allows 999"):
        either.download(uri, into, 999)
    assert not into.getvalue()
    assert either.download(uri, io.BytesIO()).size_bytes == 1000


class _Endless(BaseHTTPRequestHandler):
    """Sends no length, and data until the client disconnects."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("ETag", '"e"')
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (KEPT, bytes(KEPT)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture
def endless(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("endless")
def test_the_download_of_an_endless_object_stops_at_the_limit() -> None:
    into = io.BytesIO()
    with pytest.raises(ObjectTooLarge):
        S3Store().download("s3://audio/endless", into, 3 * KEPT)
    assert len(into.getvalue()) <= 4 * KEPT


@pytest.mark.usefixtures("endless")
def test_the_read_of_an_endless_document_stops_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(s3, "MAX_DOCUMENT_BYTES", 3 * KEPT)
    store = S3Store()
    with pytest.raises(DocumentTooLarge, match=r"s3://audio/endless has more than 3145728 bytes"):
        store.read("s3://audio/endless")
    assert read_own_result(store, "s3://audio/", "night", "endless") is None


def test_a_document_up_to_the_limit_is_read(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://audio/{uuid.uuid4()}"
    store.write(uri, b"x" * 1000, "text/plain")
    monkeypatch.setattr(s3, "MAX_DOCUMENT_BYTES", 1000)
    assert store.read(uri) == b"x" * 1000
    monkeypatch.setattr(s3, "MAX_DOCUMENT_BYTES", 999)
    with pytest.raises(DocumentTooLarge):
        store.read(uri)


ACTS: list[Callable[[S3Store, str], object]] = [
    lambda store, uri: store.head(uri),
    lambda store, uri: store.read(uri),
    lambda store, uri: store.download(uri, io.BytesIO()),
    lambda store, uri: store.open_range(uri, 0, 1),
    lambda store, uri: store.write(uri, b"", "text/plain"),
    lambda store, uri: store.upload(uri, io.BytesIO()),
    lambda store, uri: store.delete(uri),
    lambda store, uri: list(store.list(uri)),
    lambda store, uri: list(store.list_level(uri)),
]


@pytest.mark.parametrize("act", ACTS)
def test_a_disallowed_bucket_is_neither_read_nor_written(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, act: Callable[[S3Store, str], object]
) -> None:
    monkeypatch.setenv("FLEET_ALLOWED_BUCKETS", "audio, other")
    with pytest.raises(ObjectDenied, match="transcripts is not in FLEET_ALLOWED_BUCKETS"):
        act(S3Store(), "s3://transcripts/x")


def test_allowed_buckets_are_used_and_by_default_all_are_allowed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3Store().write("s3://transcripts/allowed", b"x", "text/plain")
    monkeypatch.setenv("FLEET_ALLOWED_BUCKETS", "transcripts")
    assert S3Store().read("s3://transcripts/allowed") == b"x"
