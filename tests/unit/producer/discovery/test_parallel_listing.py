"""Parallel listing returns the same objects in the same order as sequential listing."""

import itertools
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.storage.base import Folder, ObjectInfo, StoreUnavailable
from tests.support.examples import a_store
from tests.support.memory_store import MemoryStore

KEYS = st.text("ab/-!0\u00e9\U0001f600", min_size=1, max_size=8)
"""Characters that sort before and after the slash, and one that sorts differently in UTF-16."""
PREFIXES = st.sampled_from(["", "a", "a/", "a/b", "-"])


def _uris(listed: Iterator[ObjectInfo]) -> list[str]:
    return [found.uri for found in listed]


@settings(deadline=None)
@given(st.sets(KEYS, max_size=60), PREFIXES, KEYS | st.just(""), st.integers(2, 9))
def test_a_parallel_listing_is_sorted_and_resumes_after_any_key(
    keys: set[str], prefix: str, after: str, page_size: int
) -> None:
    store = a_store(*keys)
    listing = ParallelListing(store=store, page_size=page_size)
    behind = f"s3://in/{after}" if after else ""
    expected = sorted(
        f"s3://in/{key}"
        for key in keys
        if key.startswith(prefix) and key > after and not key.endswith("/")
    )
    assert _uris(listing.list(f"s3://in/{prefix}", after=behind)) == expected


class WatchedStore(MemoryStore):
    """Counts listings and the objects read from them; fails at the address `fails_at`."""

    def __init__(self) -> None:
        super().__init__("in")
        self.requests = 0
        self.taken = 0
        self.fails_at = ""

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self.requests += 1
        for found in super().list(prefix, after=after):
            self.taken += 1
            if found.uri == self.fails_at:
                raise StoreUnavailable("gone")
            yield found

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        self.requests += 1
        plain = MemoryStore()
        plain.objects = self.objects
        return plain.list_level(prefix, after=after)


def _fill(store: MemoryStore, folders: int, files: int) -> None:
    for folder, file in itertools.product(range(folders), range(files)):
        store.objects["in"][f"{folder:04}/{file:04}"] = b""


@pytest.mark.parametrize(
    ("folders", "files", "most"),
    [
        (1, 5000, 60),  # one flat folder: page by page, 50 pages
        (5000, 1, 90),  # a folder for each file, but fewer requests than folders
        (50, 100, 100),
        (1, 50, 1),
    ],
)
def test_a_parallel_listing_needs_few_extra_requests(folders: int, files: int, most: int) -> None:
    store = WatchedStore()
    _fill(store, folders, files)
    found = _uris(ParallelListing(store=store, page_size=100).list("s3://in/"))
    assert len(found) == folders * files
    assert store.requests <= most


class MeetingStore(WatchedStore):
    """Blocks listings of folders until four of them run at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.most = 0
        self.changed = threading.Condition()

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        if prefix == "s3://in/":
            return super().list(prefix, after=after)
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= 4, timeout=3)
            self.inside -= 1
        return super().list(prefix, after=after)


def test_large_folders_are_listed_in_parallel() -> None:
    store = MeetingStore()
    _fill(store, 8, 400)
    assert len(_uris(ParallelListing(store=store, page_size=100).list("s3://in/"))) == 3200
    assert store.most >= 4


def _listing_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("listing")]


def test_a_closed_listing_stops_its_threads_and_read_little_ahead() -> None:
    store = WatchedStore()
    _fill(store, 100, 100)
    listed = ParallelListing(store=store, page_size=10).list("s3://in/")
    next(listed)
    listed.close()
    assert _listing_threads() == []
    assert store.taken <= 200


def test_an_error_is_raised_after_everything_listed_before_it() -> None:
    store = WatchedStore()
    _fill(store, 20, 50)
    store.fails_at = "s3://in/0015/0007"
    found: list[str] = []
    listing = ParallelListing(store=store, page_size=10).list("s3://in/")
    with pytest.raises(StoreUnavailable):
        found.extend(one.uri for one in listing)
    expected = [uri for uri in _uris(MemoryStore.list(store, "s3://in/")) if uri < store.fails_at]
    assert found == expected[: len(found)]
    assert len(found) >= len(expected) - 10  # all but the failed page
    assert _listing_threads() == []
