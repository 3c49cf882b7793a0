"""A record replaces reading a result only while its ETag is that of the listed result."""

import json
from contextlib import closing
from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import error_uri, job_uri, output_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, encode
from funasr_fleet.producer.dedup.existing import ExistingResults
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.storage.base import StoreUnavailable
from tests.support.examples import OUTPUT, a_ref
from tests.support.stores import MODEL, WatchedStore, done, finish, put_on_record


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("out")


def _refs(count: int = 5) -> list[AudioRef]:
    return [a_ref(f"s3://in/calls/{number}.wav", etag=f'"{number}"') for number in range(count)]


def test_a_recorded_result_is_done_without_being_read(store: WatchedStore) -> None:
    refs = _refs()
    put_on_record(store, [finish(store, ref) for ref in refs[:3]], "night-0")
    put_on_record(store, [finish(store, ref) for ref in refs[3:]], "night-1")
    assert done(store, refs) == [True] * 5
    assert sorted(store.reads) == [shard_record_uri(OUTPUT, "night", f"night-{n}") for n in (0, 1)]
    assert store.listings == [OUTPUT, OUTPUT + "_jobs/"]


def test_an_unrecorded_result_is_read(store: WatchedStore) -> None:
    refs = _refs()
    rows = [finish(store, ref) for ref in refs[:4]]
    put_on_record(store, rows[:2])
    assert done(store, refs) == [True, True, True, True, False]
    assert store.results_read == [output_uri(OUTPUT, ref.relative, "json") for ref in refs[2:4]]


def test_a_record_also_proves_that_a_result_is_stale(store: WatchedStore) -> None:
    refs = _refs()
    put_on_record(store, [finish(store, ref) for ref in refs])
    changed = [ref.model_copy(update={"etag": '"new"'}) for ref in refs]
    assert done(store, changed) == [False] * 5
    assert done(store, refs, model="sha256:new") == [False] * 5
    assert store.results_read == []


def test_a_record_does_not_cover_a_replaced_result(store: WatchedStore) -> None:
    ref = a_ref(etag='"0"')
    stale = finish(store, ref)
    put_on_record(store, [stale])
    finish(store, ref, model="sha256:other")
    assert done(store, [ref]) == [False]
    assert store.results_read == [output_uri(OUTPUT, ref.relative, "json")]
    assert done(store, [ref], model="sha256:other") == [True]


def test_a_record_does_not_cover_a_deleted_result(store: WatchedStore) -> None:
    kept, gone = _refs(2)
    put_on_record(store, [finish(store, kept), finish(store, gone)])
    store.delete(output_uri(OUTPUT, gone.relative, "json"))
    assert done(store, [kept, gone]) == [True, False]


def test_among_several_records_the_one_that_matches_the_result_counts(store: WatchedStore) -> None:
    ref = a_ref(etag='"0"')
    rows = [finish(store, ref, model=f"sha256:{number}") for number in range(3)]
    for number, row in enumerate(rows):
        put_on_record(store, [row], f"night-{number}")
    assert [done(store, [ref], model=f"sha256:{n}") for n in range(3)] == [[False], [False], [True]]
    assert store.results_read == []


def test_a_record_of_the_same_bytes_under_another_name_proves_nothing(store: WatchedStore) -> None:
    row = finish(store, a_ref(etag='"0"'))
    put_on_record(store, [row.model_copy(update={"relative": "other.wav"})])
    assert done(store, [a_ref(etag='"0"', relative="other.wav")]) == [False]


def test_rows_without_a_result_and_broken_rows_prove_nothing(store: WatchedStore) -> None:
    refs = _refs(3)
    rows = [finish(store, ref) for ref in refs]
    failed = FileRecord(relative=refs[0].relative, outcome="failed")
    body = encode([failed]) + rows[1].to_line()[:50] + b"\n" + rows[2].to_line()
    store.write(shard_record_uri(OUTPUT, "night", "night-0"), body, "application/x-ndjson")
    assert done(store, refs) == [True] * 3
    assert store.results_read == [output_uri(OUTPUT, ref.relative, "json") for ref in refs[:2]]


@pytest.mark.parametrize(
    "elsewhere",
    ["report.json", "failed/night-0.jsonl", "files/000000.jsonl.gz", "shards/a/b.jsonl"],
)
def test_only_records_of_shards_are_read(store: WatchedStore, elsewhere: str) -> None:
    ref = a_ref(etag='"0"')
    store.write(job_uri(OUTPUT, "night", elsewhere), finish(store, ref).to_line(), "text/plain")
    assert done(store, [ref]) == [True]
    assert sorted(store.reads) == [output_uri(OUTPUT, ref.relative, "json")]


def test_an_empty_output_costs_one_listing(store: WatchedStore) -> None:
    put_on_record(store, [FileRecord(relative="a", outcome="ok", etag='"e"', fingerprint="f")])
    assert done(store, _refs()) == [False] * 5
    assert (store.reads, store.listings) == ([], [OUTPUT])


@pytest.mark.parametrize("denied", ["_jobs/", "night-0.jsonl"])
def test_results_are_read_when_records_are_denied(store: WatchedStore, denied: str) -> None:
    refs = _refs()
    put_on_record(store, [finish(store, ref) for ref in refs])
    store.denied = (denied,)
    assert done(store, refs) == [True] * 5
    assert len(store.results_read) == 5


def test_unavailable_storage_is_not_mistaken_for_missing_records(store: WatchedStore) -> None:
    refs = _refs()
    put_on_record(store, [finish(store, ref) for ref in refs])
    store.denied, store.error = (".jsonl",), StoreUnavailable("away")
    with UpToDateCheck(
        store=store, output=OUTPUT, options=Options(), model_revision=MODEL
    ) as check:
        with pytest.raises(StoreUnavailable):
            list(check.flag(refs))
        store.denied = ()
        assert [is_done for _, is_done in check.flag(refs)] == [
            True
        ] * 5  # the second try reads everything again


def test_before_a_worker_reports_its_revision_one_window_is_read_for_each(
    store: WatchedStore,
) -> None:
    refs = _refs(3000)
    rows = [finish(store, ref, model=f"sha256:{n > 1500}") for n, ref in enumerate(refs)]
    put_on_record(store, rows)
    assert done(store, refs, model=None) == [True] * 3000
    assert len(store.results_read) == 1024 + (2048 - 1501)
    changed = [ref.model_copy(update={"etag": '"new"'}) for ref in refs]
    assert done(store, changed, model=None) == [False] * 3000


def test_results_of_single_channels_do_not_make_the_file_done(store: WatchedStore) -> None:
    store.write(output_uri(OUTPUT, "calls/0.wav", "ch0.json"), b"{}", "application/json")
    assert done(store, _refs(1)) == [False]
    assert store.reads == []


def test_a_report_is_read_only_of_files_that_are_asked_for(store: WatchedStore) -> None:
    body = {"audio": {"etag": '"1"'}, "error": {"kind": "undecodable_audio"}}
    for ref in _refs():
        store.write(error_uri(OUTPUT, ref.relative), json.dumps(body).encode(), "application/json")
    assert done(store, _refs()[1:3]) == [True, False]
    assert store.results_read == [error_uri(OUTPUT, ref.relative) for ref in _refs()[1:3]]


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"{", b'{"audio": [], "error": {"kind": "poison"}}']
)
def test_a_torn_error_report_is_ignored(store: WatchedStore, body: bytes) -> None:
    store.write(error_uri(OUTPUT, "calls/0.wav"), body, "application/json")
    assert done(store, _refs(1)) == [False]


def test_outputs_are_listed_once_and_only_for_the_first_file(store: WatchedStore) -> None:
    refs = _refs()
    put_on_record(store, [finish(store, ref) for ref in refs])
    given: dict[str, Any] = {"store": store, "output": OUTPUT, "options": Options()}
    with UpToDateCheck(**given, model_revision=MODEL) as check:
        assert list(check.flag([])) == []
        assert store.listings == []
        for ref in refs:
            assert list(check.flag([ref])) == [(ref, True)]
    assert store.listings == [OUTPUT, OUTPUT + "_jobs/"]


def test_many_records_are_all_read(store: WatchedStore) -> None:
    refs = _refs(300)
    for number, ref in enumerate(refs):
        put_on_record(store, [finish(store, ref)], f"night-{number:03d}")
    with closing(ExistingResults()) as evidence:
        evidence.gather(store, OUTPUT)
        assert all(evidence.is_recorded(ref.relative) for ref in refs)
    assert len(store.reads) == 300
