"""Outputs of a file are written in order; a duplicate message repeats no work."""

from typing import Any

import pytest

from funasr_fleet.contract.job import Format, Shard
from funasr_fleet.contract.layout import fingerprint
from funasr_fleet.contract.transcript import AudioInfo
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.worker.error_handling import Skip
from funasr_fleet.worker.errors import OutputUnwritable
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.result_writer import write_error
from tests.support.audio import tone
from tests.support.examples import OUTPUT, a_receipt, a_ref, a_segment, a_shard, a_transcript, who
from tests.support.fake_pipeline import Workbench
from tests.support.stores import WatchedStore

DONE = f"{OUTPUT}a.wav.json"


@pytest.fixture
def done(bench: Workbench) -> Workbench:
    """A workbench in which a.wav has a result; all recorded calls and events are cleared."""
    bench.run(a_shard(bench.upload("a.wav")))
    asked = (bench.store.writes, bench.store.reads, bench.store.heads, bench.store.downloads)
    for said in (*asked, bench.events, bench.recorded, bench.engine.lengths_ms):
        said.clear()
    return bench


def _again(bench: Workbench, shard: Shard) -> bool:
    """Whether the file was transcribed again; if not, checks that nothing was written."""
    bench.run(shard)
    worked = bool(bench.engine.lengths_ms)
    assert bench.outcomes == (["ok"] if worked else ["skipped"])
    assert bool(bench.store.writes) == worked
    return worked


def test_nothing_is_downloaded_when_the_result_is_current(done: Workbench) -> None:
    assert not _again(done, a_shard("s3://in/a.wav"))
    assert (done.store.reads, done.store.heads) == ([DONE], ["s3://in/a.wav", DONE])
    assert (done.store.downloads, done.recorded) == ([], [(0, "skipped", 1000)])


def test_a_file_without_a_result_is_only_downloaded(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("a.wav")))
    assert bench.store.reads.count(DONE) == 1
    assert (bench.store.heads, bench.store.downloads) == ([], ["s3://in/a.wav"])


@pytest.mark.parametrize("error", [ObjectDenied("403"), ObjectMissing("404")])
def test_a_denied_head_falls_back_to_the_download(done: Workbench, error: StoreError) -> None:
    done.store.failing_heads["s3://in/a.wav"] = error
    assert not _again(done, a_shard("s3://in/a.wav"))
    assert done.store.downloads == ["s3://in/a.wav"]


def test_missing_audio_fails_although_its_result_exists(done: Workbench) -> None:
    done.store.delete("s3://in/a.wav")
    done.run(a_shard("s3://in/a.wav"))
    assert done.outcomes == ["failed"]
    assert done.document("a.wav.error.json")["error"]["kind"] == "audio_missing"


def test_unavailable_storage_at_the_head_request_is_raised(done: Workbench) -> None:
    done.store.failing_heads["s3://in/a.wav"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        done.run(a_shard("s3://in/a.wav"))
    assert (done.outcomes, done.store.writes) == ([], [])


def test_the_fingerprint_is_that_of_the_downloaded_bytes(
    done: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audio changes after the HEAD request; the receipt describes the fetched bytes."""
    changed = done.upload("a.wav", tone(1.5))
    stale = ObjectInfo(uri=changed, etag='"between"', size_bytes=1)
    monkeypatch.setattr(done.store, "head", lambda uri: stale)
    shard = a_shard(changed)
    assert _again(done, shard)
    receipt = done.document("a.wav.json")["receipt"]
    (listed,) = done.store.list(changed)
    made = fingerprint(shard.files[0], listed.etag, receipt["model_revision"], shard.options)
    assert receipt["fingerprint"] == made
    assert done.store.reads.count(DONE) == 1


def test_changed_audio_is_processed_again(done: Workbench) -> None:
    done.upload("a.wav", tone(1.5))
    assert _again(done, a_shard("s3://in/a.wav"))
    assert done.document("a.wav.json")["audio"]["duration_ms"] == 1500


@pytest.mark.parametrize(
    ("ref", "changed"),
    [
        ({}, {"options": {"formats": ["srt"]}}),
        ({}, {"options": {"timestamps": "word"}}),
        ({}, {"job": "other", "overwrite": True}),
        ({"start_ms": 50}, {"job": "other"}),
    ],
)
def test_other_options_or_another_range_or_an_overwriting_job_are_processed_again(
    done: Workbench, ref: dict[str, Any], changed: dict[str, Any]
) -> None:
    shard = a_shard(a_ref("s3://in/a.wav", index=0, **ref), **changed)
    assert _again(done, shard)
    assert done.document("a.wav.json")["receipt"]["job"] == shard.job


def test_overwriting_skips_results_of_the_same_job(done: Workbench) -> None:
    assert not _again(done, a_shard("s3://in/a.wav", overwrite=True))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"receipt": 7}', b"\xff"])
def test_a_torn_result_is_written_again(done: Workbench, body: bytes) -> None:
    done.store.objects["out"]["prefix/a.wav.json"] = body
    assert _again(done, a_shard("s3://in/a.wav"))
    assert done.document("a.wav.json")["text"] == "three nine zero"


def test_a_failed_file_is_retried_and_its_error_deleted(bench: Workbench) -> None:
    bench.upload_bytes("a.wav", b"no audio")
    bench.run(a_shard("s3://in/a.wav"))
    assert bench.outputs() == ["a.wav.error.json"]
    bench.upload("a.wav")
    bench.run(a_shard("s3://in/a.wav"))
    assert bench.outputs() == ["a.wav.json"]
    assert bench.outcomes == ["failed", "ok"]


def test_the_formats_of_a_shard_are_complete_once_its_json_is_there(bench: Workbench) -> None:
    """A file whose outputs were only partly written is not treated as done."""
    shard = a_shard(bench.upload("a.wav"), options={"formats": ["srt", "txt"]})
    bench.run(shard)
    del bench.store.objects["out"]["prefix/a.wav.json"]
    bench.engine.lengths_ms.clear()
    bench.run(shard)
    assert bench.engine.lengths_ms == [1000]


def test_an_existing_result_of_the_same_job_is_counted_with_its_outcome(done: Workbench) -> None:
    """After a crash between commit and ledger, its audio and throughput would be missing."""
    done.run(a_shard("s3://in/a.wav"))
    (event,) = done.finished
    assert (event.outcome, event.previous_outcome, event.audio_s) == ("skipped", "ok", 1.0)
    assert event.result_etag
    assert event.fingerprint == done.document("a.wav.json")["receipt"]["fingerprint"]


@pytest.mark.parametrize("job", ["other", None])
def test_a_result_of_another_job_is_only_skipped(done: Workbench, job: str | None) -> None:
    assert not _again(done, a_shard("s3://in/a.wav", job=job))
    (event,) = done.finished
    assert (event.outcome, event.previous_outcome, event.audio_s) == ("skipped", None, 0.0)


MARK = "sha256:ab"


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("out")


@pytest.fixture
def outputs(store: WatchedStore) -> Outputs:
    return Outputs(store, OUTPUT, "calls/a.wav")


SAID = a_transcript(a_segment(0, 9, "three"), receipt=a_receipt(fingerprint=MARK, job="night"))


@pytest.mark.parametrize(
    "formats", [(), ("json",), ("json", "srt"), ("srt", "json", "txt", "vtt"), ("txt", "txt")]
)
def test_every_format_is_written_once_and_the_json_last(
    store: WatchedStore, outputs: Outputs, formats: tuple[Format, ...]
) -> None:
    outputs.prepare(SAID, formats)
    outputs.commit(SAID)
    assert store.writes[-1] == f"{OUTPUT}calls/a.wav.json"
    assert sorted(uri.rpartition(".")[2] for uri in store.writes) == sorted({*formats, "json"})


@pytest.mark.parametrize(
    ("only_job", "fingerprint"), [(None, MARK), ("night", MARK), ("other", None)]
)
def test_an_existing_result_has_its_fingerprint_if_of_the_requested_job(
    outputs: Outputs, only_job: str | None, fingerprint: str | None
) -> None:
    outputs.commit(SAID)
    assert getattr(outputs.existing(only_job), "fingerprint", None) == fingerprint


def test_a_missing_result_is_none(outputs: Outputs) -> None:
    assert outputs.existing(None) is None
    assert Outputs(WatchedStore(), OUTPUT, "a").existing(None) is None


def test_unavailable_storage_is_not_mistaken_for_a_missing_result(
    store: WatchedStore, outputs: Outputs
) -> None:
    store.failing_reads[f"{OUTPUT}calls/a.wav.json"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        outputs.existing(None)


@pytest.mark.parametrize("error", [CredentialsRefused("expired"), StoreUnavailable("away")])
def test_a_write_with_expired_credentials_is_retried_like_one_to_unavailable_storage(
    store: WatchedStore, outputs: Outputs, error: StoreError
) -> None:
    store.failing_writes[f"{OUTPUT}calls/a.wav.json"] = error
    with pytest.raises(type(error)):
        outputs.commit(SAID)


@pytest.mark.parametrize("error", [ObjectDenied("no"), BucketMissing("no")])
def test_a_denied_write_is_not_mistaken_for_unavailable_storage(
    store: WatchedStore, outputs: Outputs, error: StoreError
) -> None:
    store.failing_writes[f"{OUTPUT}calls/a.wav.json"] = error
    with pytest.raises(OutputUnwritable, match="cannot write results: no"):
        outputs.commit(SAID)


def test_an_error_report_is_deleted_when_the_result_is_written(
    store: WatchedStore, outputs: Outputs
) -> None:
    outputs.write_error(write_error(Skip("poison", "m"), who(), AudioInfo(uri="s3://in/a"), "now"))
    assert store.objects["out"].keys() == {"prefix/calls/a.wav.error.json"}
    for _ in range(2):
        outputs.prepare(SAID, ())
        outputs.commit(SAID)
        assert list(store.objects["out"]) == ["prefix/calls/a.wav.json"]
