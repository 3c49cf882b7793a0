"""A result counts as done only when it is the one that would be made now."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.storage.base import (
    BucketMissing,
    MemoryStore,
    ObjectDenied,
    ObjectInfo,
    StoreError,
    StoreUnavailable,
)
from tests.support.examples import OUTPUT, a_ref
from tests.support.stores import done, finish

LISTED: dict[str, Any] = {"etag": '"e"', "bytes": 5}


@pytest.fixture
def store() -> MemoryStore:
    """A store in which the example file has its result."""
    store = MemoryStore("out")
    finish(store, a_ref(**LISTED))
    return store


def test_a_file_with_its_current_result_is_done(store: MemoryStore) -> None:
    assert done(store, [a_ref(**LISTED)]) == [True]


@pytest.mark.parametrize(
    ("changed", "job"),
    [
        ({"etag": '"other"'}, {}),
        ({"etag": None}, {}),
        ({"audio": "s3://in/calls/b.wav"}, {}),
        ({"relative": "calls/other.wav"}, {}),
        ({"start_ms": 5}, {}),
        ({"channel": 1}, {}),
        ({"options": {"language": "zh"}}, {}),
        ({}, {"formats": ["json", "srt"]}),
        ({}, {"language": "zh"}),
        ({}, {"timestamps": "word"}),
        ({}, {"model": "sha256:new"}),
    ],
)
def test_a_file_that_differs_from_its_result_is_not_done(
    store: MemoryStore, changed: dict[str, Any], job: dict[str, Any]
) -> None:
    assert done(store, [a_ref(**{**LISTED, **changed})], **job) == [False]


def test_a_file_is_compared_with_its_own_options(store: MemoryStore) -> None:
    own = a_ref("s3://in/calls/zh.wav", **LISTED, options={"language": "zh"})
    finish(store, own)
    assert done(store, [own]) == [True]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"receipt": {"finger', b"[]", b"7", b"{}", b'{"receipt": {}}', b"\xff\xfe"],
)
def test_a_torn_or_foreign_result_is_not_done(store: MemoryStore, body: bytes) -> None:
    ref = a_ref(**LISTED)
    store.write(output_uri(OUTPUT, ref.relative, "json"), body, "application/json")
    assert done(store, [ref]) == [False]


def test_references_keep_their_order_through_many_windows(store: MemoryStore) -> None:
    refs = [a_ref(f"s3://in/{i}.wav") for i in range(1100)]
    assert done(store, [*refs, a_ref(**LISTED)]) == [False] * 1100 + [True]


def test_a_missing_output_bucket_is_an_error_at_once() -> None:
    with pytest.raises(BucketMissing, match="out"):
        done(MemoryStore("in"), [a_ref()])


class Unlistable(MemoryStore):
    """A store that cannot be listed, for this reason."""

    reason: StoreError = ObjectDenied("denied")

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        raise self.reason
        yield ObjectInfo(uri="", etag="", size_bytes=0)


def test_without_list_permission_no_file_is_known_to_be_done() -> None:
    store = Unlistable("out")
    finish(store, a_ref(**LISTED))
    assert done(store, [a_ref(**LISTED)]) == [False]


def test_unavailable_storage_is_not_mistaken_for_missing_results() -> None:
    store = Unlistable("out")
    store.reason = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        done(store, [a_ref(**LISTED)])


@pytest.mark.parametrize(
    ("kind", "etag", "is_done"),
    [
        ("undecodable_audio", '"e"', True),
        ("audio_too_short", '"e"', True),
        ("undecodable_audio", '"before"', False),
        ("access_denied", '"e"', False),
        ("model_error", '"e"', False),
        ("audio_too_long", '"e"', False),
    ],
)
def test_only_files_that_are_not_audio_are_not_retried(kind: str, etag: str, is_done: bool) -> None:
    store, ref = MemoryStore("out"), a_ref(**LISTED)
    body = json.dumps({"audio": {"etag": etag}, "error": {"kind": kind}}).encode()
    store.write(error_uri(OUTPUT, ref.relative), body, "application/json")
    assert done(store, [ref]) == [is_done]
