"""One suite over both implementations of the port to object storage."""

import io
import uuid

import pytest

from contract.s3 import S3Store
from contract.store import (
    BucketMissing,
    CredentialsRefused,
    MemoryStore,
    ObjectDenied,
    ObjectMissing,
    ObjectStore,
    StoreUnavailable,
)
from local.process import free_port
from local.stack import Stack
from tests.integration.fault_proxy import Fault, running_proxy


@pytest.fixture(params=["memory", "s3"])
def either(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore("audio")
    store: ObjectStore = request.getfixturevalue("store")
    return store


@pytest.fixture
def prefix() -> str:
    return f"s3://audio/{uuid.uuid4()}/"


def test_what_was_written_is_read(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "a.json", b"one", "application/json")
    either.write(prefix + "a.json", b"two", "application/json")
    assert either.read(prefix + "a.json") == b"two"


def test_a_download_starts_at_the_beginning_and_tells_etag_and_size(
    either: ObjectStore, prefix: str
) -> None:
    either.upload(prefix + "b.bin", io.BytesIO(b"x" * 3_000_000))
    file = io.BytesIO()
    info = either.download(prefix + "b.bin", file)
    assert file.read() == b"x" * 3_000_000
    (listed,) = either.list(prefix)
    assert listed == info
    assert info.size_bytes == 3_000_000
    assert info.etag.startswith('"')


def test_a_listing_is_in_order_and_below_the_prefix(either: ObjectStore, prefix: str) -> None:
    for key in ("z", "a/1", "a/2", "\u4f60\u597d \u00e9 +&.wav"):
        either.write(prefix + key, b"", "text/plain")
    listed = [found.uri.removeprefix(prefix) for found in either.list(prefix)]
    assert listed == sorted(listed)
    assert set(listed) == {"z", "a/1", "a/2", "\u4f60\u597d \u00e9 +&.wav"}
    assert [found.uri for found in either.list(prefix + "a/")] == [prefix + "a/1", prefix + "a/2"]


def test_deleting_twice_is_no_error(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "c", b"", "text/plain")
    either.delete(prefix + "c")
    either.delete(prefix + "c")
    with pytest.raises(ObjectMissing):
        either.read(prefix + "c")


def test_missing_things_have_names(either: ObjectStore, prefix: str) -> None:
    with pytest.raises(ObjectMissing, match="does not exist"):
        either.download(prefix + "nothing", io.BytesIO())
    for act in (
        lambda: either.read("s3://no-such-bucket/x"),
        lambda: either.write("s3://no-such-bucket/x", b"", "text/plain"),
        lambda: list(either.list("s3://no-such-bucket/")),
    ):
        with pytest.raises(BucketMissing, match="bucket no-such-bucket"):
            act()


def test_wrong_credentials_are_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(CredentialsRefused):
        S3Store().check()


def test_no_answer_is_unavailable(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable):
        S3Store().check()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(403, "AccessDenied", ObjectDenied), (503, "SlowDown", StoreUnavailable)],
)
def test_answers_of_the_server_have_names(
    stack: Stack,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    target = stack.environment["AWS_ENDPOINT_URL_S3"]
    with running_proxy(target, Fault("GET", "/denied", status, code)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        store = S3Store()
        store.write(prefix + "denied", b"x", "text/plain")
        with pytest.raises(error):
            store.read(prefix + "denied")
        proxy.faults.clear()
        assert store.read(prefix + "denied") == b"x"
