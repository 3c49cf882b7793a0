"""Bytes that differ from the listed object are fetched again, and never accepted."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from funasr_fleet.storage.base import (
    ObjectDenied,
    ObjectIncomplete,
    ObjectInfo,
    StoreUnavailable,
)
from funasr_fleet.worker.audio.source import FETCHES, download_listed
from funasr_fleet.worker.error_handling import Retry, decide
from tests.support.examples import a_ref
from tests.support.memory_store import MemoryStore

URI = "s3://in/a.ogg"
WEB = "https://example.com/a.ogg"
WHOLE = b"0123456789"


class CuttingStore(MemoryStore):
    """Truncates successive downloads to these shares of the object; later ones are complete."""

    def __init__(self, *shares: float, head: ObjectInfo | Exception | None = None) -> None:
        super().__init__("in")
        self.write(URI, WHOLE, "")
        self._shares: Iterator[float] = iter(shares)
        self._head = head
        self.fetches = 0

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        self.fetches += 1
        kept = WHOLE[: int(len(WHOLE) * next(self._shares, 1.0))]
        into.write(kept)
        into.seek(0)
        return ObjectInfo(uri=uri, etag='"e"', size_bytes=len(kept))

    def head(self, uri: str) -> ObjectInfo:
        if isinstance(self._head, Exception):
            raise self._head
        return self._head or super().head(uri)


def fetched(store: CuttingStore, size_bytes: int | None, uri: str = URI) -> bytes:
    into = io.BytesIO()
    info = download_listed(store, a_ref(uri, size_bytes=size_bytes), into, 1000)
    assert info.size_bytes == len(into.getvalue())
    assert into.tell() == 0
    return into.getvalue()


def test_a_part_is_fetched_again() -> None:
    store = CuttingStore(0.9, 0.5)
    assert fetched(store, 10) == WHOLE
    assert store.fetches == 3


def test_parts_alone_are_never_accepted_and_retried_later() -> None:
    store = CuttingStore(*[0.5] * 99)
    with pytest.raises(ObjectIncomplete, match="received 5 of 10 bytes, 3 times") as caught:
        fetched(store, 10)
    assert store.fetches == FETCHES
    assert isinstance(decide(caught.value, 0), Retry)


@pytest.mark.parametrize("size_bytes", [10, None])
def test_storage_is_not_asked_when_the_size_is_as_listed_or_none_is_listed(
    size_bytes: int | None,
) -> None:
    store = CuttingStore(head=AssertionError("HEAD"))
    assert fetched(store, size_bytes) == WHOLE
    assert store.fetches == 1


def test_an_object_that_was_replaced_since_it_was_listed_is_accepted() -> None:
    store = CuttingStore()
    assert fetched(store, 999) == WHOLE
    assert store.fetches == 1


def test_a_part_is_rejected_when_storage_refuses_to_report_the_size() -> None:
    store = CuttingStore(*[0.5] * 99, head=ObjectDenied("no"))
    with pytest.raises(ObjectIncomplete):
        fetched(store, 10)


@pytest.mark.parametrize(
    "head",
    [ObjectInfo(uri=WEB, etag="", size_bytes=0), ObjectDenied("405"), StoreUnavailable("501")],
)
def test_a_part_from_a_web_server_that_reports_no_size_is_rejected(
    head: ObjectInfo | Exception,
) -> None:
    with pytest.raises(ObjectIncomplete):
        fetched(CuttingStore(*[0.5] * 99, head=head), 10, WEB)


def test_an_object_that_was_replaced_by_an_empty_one_is_accepted() -> None:
    empty = ObjectInfo(uri=URI, etag="", size_bytes=0)
    assert fetched(CuttingStore(0.0, head=empty), 10) == b""


def test_storage_that_is_away_when_it_is_asked_for_the_size_is_retried() -> None:
    with pytest.raises(StoreUnavailable, match="away"):
        fetched(CuttingStore(0.5, head=StoreUnavailable("away")), 10)
