"""A file is done only if its result has the fingerprint that the job would produce."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import error_uri, output_uri, part_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, encode
from funasr_fleet.producer.jobs.recorded_outcomes import JobOutcomes, read_outcomes
from funasr_fleet.storage.base import (
    BucketMissing,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from tests.support.examples import OUTPUT, a_ref
from tests.support.memory_store import MemoryStore
from tests.support.stores import WatchedStore, done, finish, put_on_record

LISTED: dict[str, Any] = {"etag": '"e"', "bytes": 5}


@pytest.fixture
def with_result() -> MemoryStore:
    """A store in which the example file has its result."""
    store = MemoryStore("out")
    finish(store, a_ref(**LISTED))
    return store


def test_a_file_with_its_current_result_is_done(with_result: MemoryStore) -> None:
    assert done(with_result, [a_ref(**LISTED)]) == [True]


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
    with_result: MemoryStore, changed: dict[str, Any], job: dict[str, Any]
) -> None:
    assert done(with_result, [a_ref(**{**LISTED, **changed})], **job) == [False]


def test_a_file_is_compared_with_its_own_options(with_result: MemoryStore) -> None:
    own = a_ref("s3://in/calls/zh.wav", **LISTED, options={"language": "zh"})
    finish(with_result, own)
    assert done(with_result, [own]) == [True]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"receipt": {"finger', b"[]", b"7", b"{}", b'{"receipt": {}}', b"\xff\xfe"],
)
def test_a_torn_or_foreign_result_is_not_done(with_result: MemoryStore, body: bytes) -> None:
    ref = a_ref(**LISTED)
    with_result.write(output_uri(OUTPUT, ref.relative, "json"), body, "application/json")
    assert done(with_result, [ref]) == [False]


def test_references_keep_their_order_through_many_windows(with_result: MemoryStore) -> None:
    refs = [a_ref(f"s3://in/{i}.wav") for i in range(1100)]
    assert done(with_result, [*refs, a_ref(**LISTED)]) == [False] * 1100 + [True]


def test_a_missing_output_bucket_is_an_error_at_once() -> None:
    with pytest.raises(BucketMissing, match="out"):
        done(MemoryStore("in"), [a_ref()])


class Unlistable(MemoryStore):
    """A store whose listings raise `reason`."""

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


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("in", "out")


def _rows(store: WatchedStore, count: int = 5) -> list[AudioRef]:
    """Write audio to the store and return its references, without ETags as in a manifest."""
    refs = [a_ref(f"s3://in/calls/{number}.wav") for number in range(count)]
    for ref in refs:
        store.write(ref.audio, ref.audio.encode(), "audio/wav")
    return refs


def _finish(store: WatchedStore, ref: AudioRef) -> FileRecord:
    """Write a result of the current version of the audio."""
    (found,) = store.list(ref.audio)
    store.listings.clear()
    return finish(store, ref, found.etag)


def test_with_a_record_each_audio_costs_one_head_and_no_read(store: WatchedStore) -> None:
    refs = _rows(store)
    put_on_record(store, [_finish(store, ref) for ref in refs[:3]])
    assert done(store, refs) == [True, True, True, False, False]
    assert sorted(store.heads) == [ref.audio for ref in refs[:3]]
    assert store.results_read == []


def test_a_result_without_a_record_is_read(store: WatchedStore) -> None:
    refs = _rows(store)
    for ref in refs[:3]:
        _finish(store, ref)
    assert done(store, refs) == [True, True, True, False, False]
    assert sorted(store.heads) == [ref.audio for ref in refs[:3]]
    assert store.results_read == [output_uri(OUTPUT, ref.relative, "json") for ref in refs[:3]]


def test_any_model_revision_is_accepted_before_a_worker_reports_one(store: WatchedStore) -> None:
    refs = _rows(store)
    put_on_record(store, [_finish(store, ref) for ref in refs])
    assert done(store, refs, model=None) == [True] * 5


def test_references_with_an_etag_cost_no_head(store: WatchedStore) -> None:
    bare, known = _rows(store, 2)
    put_on_record(store, [_finish(store, bare), _finish(store, known)])
    (found,) = store.list(known.audio)
    known = known.model_copy(update={"etag": found.etag})
    assert done(store, [known, bare, known]) == [True, True, True]
    assert sorted(store.heads) == [bare.audio]


@pytest.mark.parametrize("on_record", [True, False])
def test_audio_that_changed_since_is_not_done(store: WatchedStore, on_record: bool) -> None:
    refs = _rows(store, 2)
    records = [_finish(store, ref) for ref in refs]
    if on_record:
        put_on_record(store, records)
    store.write(refs[0].audio, b"changed", "audio/wav")
    assert done(store, refs) == [False, True]


@pytest.mark.parametrize("error", [None, ObjectMissing("404"), StoreUnavailable("away")])
def test_audio_without_a_head_is_not_done(store: WatchedStore, error: Exception | None) -> None:
    refs = _rows(store, 2)
    put_on_record(store, [_finish(store, ref) for ref in refs])
    store.denied, store.error = (refs[0].audio,), error or store.error
    assert done(store, refs) == [False, True]


def test_an_error_report_alone_costs_no_head(store: WatchedStore) -> None:
    (ref,) = _rows(store, 1)
    body = {"audio": {"etag": None}, "error": {"kind": "undecodable_audio"}}
    store.write(error_uri(OUTPUT, ref.relative), json.dumps(body).encode(), "application/json")
    assert done(store, [ref]) == [False]
    assert (store.heads, store.reads) == ([], [])


OK = FileRecord(index=5, relative="a", outcome="ok", audio_ms=700)
FAILED = FileRecord(
    index=5, relative="a", outcome="failed", error=RecordedError(kind="poison", message="")
)
CANCELLED = FileRecord(index=5, relative="a", outcome="cancelled")


SKIPPED = FileRecord(index=5, relative="a", outcome="skipped")


@pytest.mark.parametrize("order", list(itertools.permutations([OK, FAILED, CANCELLED, SKIPPED])))
def test_a_file_that_succeeded_once_is_done(order: list[FileRecord]) -> None:
    outcomes = JobOutcomes()
    for record in order:
        outcomes.take(record)
    assert outcomes.good(5) == ("ok", 700)
    assert outcomes.failure(5) is None


def test_a_file_that_only_failed_is_known_by_its_kind() -> None:
    outcomes = JobOutcomes()
    outcomes.take(FAILED)
    assert (outcomes.good(5), outcomes.failure(5)) == (None, "poison")
    assert (outcomes.good(4), outcomes.failure(4), outcomes.good(99)) == (None, None, None)


def test_the_rows_of_all_shards_are_read() -> None:
    store = MemoryStore("out")
    for shard in range(600):
        records = [FileRecord(index=2 * shard + n, relative="x", outcome="empty") for n in (0, 1)]
        uri = shard_record_uri("s3://out/", "night", f"s{shard}")
        store.write(uri, encode(records), "")
    store.write(part_uri("s3://out/", "night", 0), b"", "")
    outcomes = read_outcomes(store, "s3://out/", "night")
    assert all(outcomes.good(index) == ("empty", 0) for index in range(1200))
