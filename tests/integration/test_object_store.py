"""One suite for both implementations of the object storage port."""

import io
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.faults.storage import Fault, faulty_storage
from funasr_fleet.embedded.process import free_port
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    Folder,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    ObjectStore,
    StoreUnavailable,
)
from funasr_fleet.storage.s3 import S3Store
from tests.support.memory_store import MemoryStore


@pytest.fixture(params=["memory", "s3"])
def either(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore("audio")
    store: ObjectStore = request.getfixturevalue("store")
    return store


@pytest.fixture
def prefix() -> str:
    return f"s3://audio/{uuid.uuid4()}/"


def test_a_written_object_can_be_read(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "a.json", b"one", "application/json")
    either.write(prefix + "a.json", b"two", "application/json")
    assert either.read(prefix + "a.json") == b"two"


def test_a_download_starts_at_the_beginning_and_has_etag_and_size(
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


def test_head_and_listing_return_the_same_metadata(either: ObjectStore, prefix: str) -> None:
    uri = prefix + "\u4f60\u597d +&.wav"
    etag = either.write(uri, b"one", "text/plain")
    (listed,) = either.list(prefix)
    assert either.head(uri) == listed == ObjectInfo(uri=uri, etag=etag, size_bytes=3)
    either.write(uri, b"other", "text/plain")
    assert either.head(uri).etag != etag


def test_head_of_a_missing_object_raises_object_missing(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "folder/a", b"", "text/plain")
    for uri in (prefix + "nothing", prefix + "folder", "s3://no-such-bucket/x"):
        with pytest.raises(ObjectMissing, match="does not exist"):
            either.head(uri)


def test_a_listing_is_in_order_and_below_the_prefix(either: ObjectStore, prefix: str) -> None:
    for key in ("z", "a/1", "a/2", "\u4f60\u597d \u00e9 +&.wav"):
        either.write(prefix + key, b"", "text/plain")
    listed = [found.uri.removeprefix(prefix) for found in either.list(prefix)]
    assert listed == sorted(listed)
    assert set(listed) == {"z", "a/1", "a/2", "\u4f60\u597d \u00e9 +&.wav"}
    assert [found.uri for found in either.list(prefix + "a/")] == [prefix + "a/1", prefix + "a/2"]


KEYS = ["a!", "a-1/x", "a/1", "a/2/y", "a0", "b.wav", "b/1", "\u4f60/\u597d +&.wav"]


@pytest.fixture(scope="module", params=["memory", "s3"])
def filled(request: pytest.FixtureRequest, stack: Stack) -> tuple[ObjectStore, str]:
    """A store and a prefix that contains KEYS."""
    store: ObjectStore = MemoryStore("audio") if request.param == "memory" else S3Store()
    prefix = f"s3://audio/{uuid.uuid4()}/"
    for key in KEYS:
        store.write(prefix + key, key.encode(), "text/plain")
    return store, prefix


BEHIND = ["", *KEYS, "a", "a/", "a/1x", "a/2/", "a00", "b/", "b/2", "z", "\u4f60/"]


@pytest.mark.parametrize("key", BEHIND)
def test_a_listing_continues_after_any_key(filled: tuple[ObjectStore, str], key: str) -> None:
    store, prefix = filled
    listed = store.list(prefix, after=prefix + key)
    assert [found.uri for found in listed] == [prefix + one for one in KEYS if one > key]


LEVEL: list[str] = ["a!", "a-1/", "a/", "a0", "b.wav", "b/", "\u4f60/"]


@pytest.mark.parametrize("key", BEHIND)
def test_a_listing_of_one_level_continues_after_any_key(
    filled: tuple[ObjectStore, str], key: str
) -> None:
    store, prefix = filled
    listed = {found.uri: found for found in store.list_level(prefix, after=prefix + key)}
    level = [uri.removeprefix(prefix) for uri in listed]
    assert level == sorted(level)
    must = [one for one in LEVEL if any(k > key and k.startswith(one) for k in KEYS)]
    may = [one for one in LEVEL if one > key or key.startswith(one)]
    assert set(must) <= set(level) <= set(may)
    assert [isinstance(one, Folder) for one in listed.values()] == [n[-1] == "/" for n in level]


def test_a_prefix_can_end_within_a_name(filled: tuple[ObjectStore, str]) -> None:
    store, prefix = filled
    listed = [found.uri.removeprefix(prefix) for found in store.list_level(prefix + "a")]
    assert listed == ["a!", "a-1/", "a/", "a0"]


def test_a_listing_of_several_pages_is_complete(either: ObjectStore, prefix: str) -> None:
    keys = [f"{prefix}{n % 3}/{n:04}" for n in range(2100)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: either.write(key, b"", "text/plain"), keys))
    assert [found.uri for found in either.list(prefix)] == sorted(keys)
    assert [one.uri for one in either.list_level(prefix)] == [f"{prefix}{n}/" for n in range(3)]
    assert len(list(either.list_level(f"{prefix}1/"))) == 700


def test_write_returns_the_etag_shown_in_listings(either: ObjectStore, prefix: str) -> None:
    etag = either.write(prefix + "a", b"one", "text/plain")
    (listed,) = either.list(prefix)
    assert etag == listed.etag
    assert etag.startswith('"')
    assert either.write(prefix + "a", b"two", "text/plain") != etag


def test_a_listing_has_the_modification_time_of_objects(store: S3Store, prefix: str) -> None:
    before = time.time()
    store.write(prefix + "a", b"", "text/plain")
    (listed,) = store.list(prefix)
    (level,) = store.list_level(prefix)
    assert isinstance(level, ObjectInfo)
    assert listed.modified == level.modified
    assert listed.modified is not None
    assert before - 2 <= listed.modified <= time.time() + 2
    asked = store.head(prefix + "a").modified
    assert asked is not None
    assert abs(asked - listed.modified) <= 1  # the header has whole seconds


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 4, b"0123"),
        (3, 4, b"3456"),
        (8, 4, b"89"),
        (10, 4, b""),
        (99, 4, b""),
        (0, 99, b"0123456789"),
        (5, 0, b""),
    ],
)
def test_a_range_is_read(
    either: ObjectStore, prefix: str, start: int, length: int, expected: bytes
) -> None:
    either.write(prefix + "a", b"0123456789", "text/plain")
    assert either.open_range(prefix + "a", start, length) == expected


def test_an_empty_object_has_no_range(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "a", b"", "text/plain")
    assert either.open_range(prefix + "a", 0, 10) == b""


def test_deleting_an_object_twice_is_not_an_error(either: ObjectStore, prefix: str) -> None:
    either.write(prefix + "c", b"", "text/plain")
    either.delete(prefix + "c")
    either.delete(prefix + "c")
    with pytest.raises(ObjectMissing):
        either.read(prefix + "c")


def test_missing_objects_and_buckets_have_their_own_errors(
    either: ObjectStore, prefix: str
) -> None:
    with pytest.raises(ObjectMissing, match="does not exist"):
        either.download(prefix + "nothing", io.BytesIO())
    with pytest.raises(ObjectMissing, match="does not exist"):
        either.open_range(prefix + "nothing", 0, 1)
    for act in (
        lambda: either.read("s3://no-such-bucket/x"),
        lambda: either.write("s3://no-such-bucket/x", b"", "text/plain"),
        lambda: list(either.list("s3://no-such-bucket/")),
        lambda: list(either.list_level("s3://no-such-bucket/")),
        lambda: either.open_range("s3://no-such-bucket/x", 0, 1),
    ):
        with pytest.raises(BucketMissing, match="bucket no-such-bucket"):
            act()


def test_wrong_credentials_are_rejected(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(CredentialsRefused):
        S3Store().check()


def test_a_store_that_does_not_respond_is_unavailable(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable):
        S3Store().check()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(403, "AccessDenied", ObjectDenied), (503, "SlowDown", StoreUnavailable)],
)
def test_server_responses_map_to_specific_errors(
    stack: Stack,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    target = stack.environment["AWS_ENDPOINT_URL_S3"]
    with faulty_storage(target, Fault("GET", "/denied", status, code)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        store = S3Store()
        etag = store.write(prefix + "denied", b"x", "text/plain")
        with pytest.raises(error):
            store.read(prefix + "denied")
        # without a body, only the status describes the error
        proxy.faults[:] = [Fault("HEAD", "/denied", status, code)]
        with pytest.raises(error):
            store.head(prefix + "denied")
        proxy.faults.clear()
        assert store.head(prefix + "denied").etag == etag
        assert store.read(prefix + "denied") == b"x"
