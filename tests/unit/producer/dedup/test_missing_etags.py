"""A row of a manifest has no ETag: storage says it, but only where there is a result to compare."""

import json

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.contract.shard_record import FileRecord
from funasr_fleet.storage.base import ObjectMissing, StoreUnavailable
from tests.support.examples import OUTPUT, a_ref
from tests.support.stores import WatchedStore, done, finish, put_on_record


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("in", "out")


def _rows(store: WatchedStore, count: int = 5) -> list[AudioRef]:
    """Audio in the store, and what a manifest says of it."""
    refs = [a_ref(f"s3://in/calls/{number}.wav") for number in range(count)]
    for ref in refs:
        store.write(ref.audio, ref.audio.encode(), "audio/wav")
    return refs


def _finish(store: WatchedStore, ref: AudioRef) -> FileRecord:
    """Leave the result of the audio as it is now."""
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
