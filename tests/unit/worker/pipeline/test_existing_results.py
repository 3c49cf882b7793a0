"""The same message again does no work twice, and never leaves a wrong result standing."""

from typing import Any

import pytest

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.layout import fingerprint
from funasr_fleet.storage.base import ObjectDenied, ObjectInfo, ObjectMissing, StoreUnavailable
from tests.support.audio import tone
from tests.support.examples import OUTPUT, a_ref, a_shard
from tests.support.fake_pipeline import Workbench

DONE = f"{OUTPUT}a.wav.json"


@pytest.fixture
def done(bench: Workbench) -> Workbench:
    """A bench whose file a.wav has its result; what was said until then is forgotten."""
    bench.run(a_shard(bench.upload("a.wav")))
    asked = (bench.store.writes, bench.store.reads, bench.store.heads, bench.store.downloads)
    for said in (*asked, bench.events, bench.recorded, bench.engine.lengths_ms):
        said.clear()
    return bench


def _again(bench: Workbench, shard: Shard) -> bool:
    """Whether the work was done anew; if not, nothing at all may have been written."""
    bench.run(shard)
    worked = bool(bench.engine.lengths_ms)
    assert bench.outcomes == (["ok"] if worked else ["skipped"])
    assert bool(bench.store.writes) == worked
    return worked


def test_nothing_is_downloaded_when_the_result_is_current(done: Workbench) -> None:
    assert not _again(done, a_shard("s3://in/a.wav"))
    assert (done.store.reads, done.store.heads) == ([DONE], ["s3://in/a.wav", DONE])
    assert done.store.downloads == []
    assert done.recorded == [(0, "skipped", 1000)]


def test_a_file_without_a_result_is_only_downloaded(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("a.wav")))
    assert bench.store.reads.count(DONE) == 1
    assert (bench.store.heads, bench.store.downloads) == ([], ["s3://in/a.wav"])


@pytest.mark.parametrize("error", [ObjectDenied("403"), ObjectMissing("404")])
def test_where_a_head_is_refused_the_download_tells(
    done: Workbench, error: ObjectDenied | ObjectMissing
) -> None:
    done.store.failing_heads["s3://in/a.wav"] = error
    assert not _again(done, a_shard("s3://in/a.wav"))
    assert done.store.downloads == ["s3://in/a.wav"]


def test_audio_that_is_gone_fails_though_its_result_is_there(done: Workbench) -> None:
    done.store.delete("s3://in/a.wav")
    done.run(a_shard("s3://in/a.wav"))
    assert done.outcomes == ["failed"]
    assert done.document("a.wav.error.json")["error"]["kind"] == "audio_missing"


def test_a_store_that_is_away_at_the_head_postpones_the_file(done: Workbench) -> None:
    done.store.failing_heads["s3://in/a.wav"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        done.run(a_shard("s3://in/a.wav"))
    assert (done.outcomes, done.store.writes) == ([], [])


def test_what_was_downloaded_counts_not_what_the_head_said(
    done: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audio changes after it was asked about: the receipt is of the bytes that came."""
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


def test_changed_audio_is_done_anew(done: Workbench) -> None:
    done.upload("a.wav", tone(1.5))
    assert _again(done, a_shard("s3://in/a.wav"))
    assert done.document("a.wav.json")["audio"]["duration_ms"] == 1500


@pytest.mark.parametrize(
    ("ref", "changed"),
    [
        ({}, {"options": {"formats": ["srt"]}}),
        ({}, {"options": {"timestamps": "word"}}),
        ({}, {"job": "other", "overwrite": True}),
        ({"start_ms": 50}, {}),
    ],
)
def test_other_options_or_another_range_or_an_overwriting_job_are_processed_again(
    done: Workbench, ref: dict[str, Any], changed: dict[str, Any]
) -> None:
    shard = a_shard(a_ref("s3://in/a.wav", index=0, **ref), **changed)
    assert _again(done, shard)
    assert done.document("a.wav.json")["receipt"]["job"] == shard.job


def test_overwriting_does_not_redo_what_this_very_job_did(done: Workbench) -> None:
    assert not _again(done, a_shard("s3://in/a.wav", overwrite=True))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"receipt": 7}', b"\xff"])
def test_a_torn_result_is_written_anew(done: Workbench, body: bytes) -> None:
    done.store.objects["out"]["prefix/a.wav.json"] = body
    assert _again(done, a_shard("s3://in/a.wav"))
    assert done.document("a.wav.json")["text"] == "three nine zero"


def test_a_file_that_failed_before_is_tried_again_and_its_error_goes(bench: Workbench) -> None:
    bench.upload_bytes("a.wav", b"no audio")
    bench.run(a_shard("s3://in/a.wav"))
    assert bench.outputs() == ["a.wav.error.json"]
    bench.upload("a.wav")
    bench.run(a_shard("s3://in/a.wav"))
    assert bench.outputs() == ["a.wav.json"]
    assert bench.outcomes == ["failed", "ok"]


def test_the_formats_of_a_shard_are_complete_once_its_json_is_there(bench: Workbench) -> None:
    """Cut off between any two writes, the file is not taken for done."""
    shard = a_shard(bench.upload("a.wav"), options={"formats": ["srt", "txt"]})
    bench.run(shard)
    del bench.store.objects["out"]["prefix/a.wav.json"]
    bench.engine.lengths_ms.clear()
    bench.run(shard)
    assert bench.engine.lengths_ms == [1000]


def test_a_result_of_this_very_job_counts_as_what_it_is_though_its_maker_died(
    done: Workbench,
) -> None:
    """Between the commit and the books: else the file would be missing in audio and throughput."""
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
