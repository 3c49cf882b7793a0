"""A failed file does not affect other files; a failed store stops the shard."""

import pytest

from funasr_fleet.storage.base import CredentialsRefused, ObjectDenied, StoreError, StoreUnavailable
from funasr_fleet.worker.errors import DeviceLost, ModelError, OutOfDeviceMemory
from tests.support.audio import tone, wav
from tests.support.examples import OUTPUT, a_ref, a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.groups import small_groups

BAD = {
    "text": (b"words, not sounds", "undecodable_audio"),
    "nothing": (b"", "undecodable_audio"),
    "10 ms": (wav(tone(0.01)), "audio_too_short"),
    "too long": (wav(tone(31)), "audio_too_long"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_has_its_reason_and_its_neighbours_are_transcribed(
    bench: Workbench, name: str
) -> None:
    body, kind = BAD[name]
    before, after = bench.upload("a.wav"), bench.upload("c.wav")
    bench.run(a_shard(before, bench.upload_bytes("b.wav", body), after), attempt=2)
    assert bench.outputs() == ["a.wav.json", "b.wav.error.json", "c.wav.json"]
    assert bench.outcomes == ["ok", "failed", "ok"]
    assert bench.recorded[1] == (1, "failed", 0)
    error = bench.document("b.wav.error.json")["error"]
    assert (error["kind"], error["attempts"], error["worker"]) == (kind, 2, "fleet@host")
    assert error["message"] == bench.finished[1].error


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("s3://in/gone.wav", "audio_missing"),
        ("s3://nowhere/gone.wav", "audio_missing"),
        ("s3://in/denied/gone.wav", "access_denied"),
    ],
)
def test_audio_that_cannot_be_read_is_a_failure_of_this_file_only(
    bench: Workbench, uri: str, kind: str
) -> None:
    bench.store.failing_reads["s3://in/denied/gone.wav"] = ObjectDenied("denied")
    bench.run(a_shard(a_ref(uri, index=0, relative="gone.wav"), bench.upload("b.wav")))
    report = bench.document("gone.wav.error.json")
    assert (report["error"]["kind"], report["audio"]["uri"]) == (kind, uri)
    assert bench.outcomes == ["failed", "ok"]


@pytest.mark.parametrize(
    ("ref", "kind", "duration_ms"),
    [
        ({"start_ms": 5000}, "audio_too_short", 1000),
        ({"start_ms": 990}, "audio_too_short", 1000),
        ({"start_ms": 100, "end_ms": 101}, "audio_too_short", 1000),
        ({"channel": 1}, "undecodable_audio", None),  # it is not decoded to its end
    ],
)
def test_a_missing_range_or_channel_is_a_failure_of_this_file_only(
    bench: Workbench, ref: dict[str, int], kind: str, duration_ms: int | None
) -> None:
    uri = bench.upload("a.wav")
    bench.run(a_shard(a_ref(uri, index=0, **ref), bench.upload("b.wav")))
    report = bench.document("a.wav.error.json")
    assert report["error"]["kind"] == kind
    assert report["audio"]["duration_ms"] == duration_ms
    assert bench.outcomes == ["failed", "ok"]


def test_a_range_that_was_cut_off_is_not_called_too_short(bench: Workbench) -> None:
    body = wav(tone(4))
    uri = bench.upload_bytes("a.wav", body[: len(body) // 2])
    bench.run(a_shard(a_ref(uri, index=0, start_ms=3000)))
    report = bench.document("a.wav.error.json")
    assert report["error"]["kind"] == "undecodable_audio"
    assert "the file is truncated at 19" in report["error"]["message"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelError("odd"), "model_error"),
        (OutOfDeviceMemory("full"), "out_of_memory"),
        (RuntimeError("a bug"), "model_error"),
    ],
)
def test_a_model_error_on_one_file_does_not_affect_the_next(
    bench: Workbench, error: Exception, kind: str
) -> None:
    bench.engine.failures = {0: error}
    bench.run(a_shard(bench.upload("a.wav"), bench.upload("b.wav")))
    assert bench.document("a.wav.error.json")["error"]["kind"] == kind
    assert bench.outcomes == ["failed", "ok"]


def test_a_lost_device_ends_the_shard_and_blames_no_file(bench: Workbench) -> None:
    bench.engine.failures = {1: DeviceLost("CUDA error")}
    with pytest.raises(DeviceLost):
        bench.run(a_shard(*(bench.upload(f"{name}.wav") for name in "abc")))
    assert bench.outputs() == []
    assert bench.outcomes == []


def test_results_from_before_the_device_was_lost_stay(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funasr_fleet.worker.pipeline.pipeline.in_groups", small_groups)
    bench.engine.recognition_errors = {0.2: DeviceLost("CUDA error")}
    quiet = [bench.upload(f"{name}.wav", tone(1) * 0.4) for name in "ab"]
    with pytest.raises(DeviceLost):
        bench.run(a_shard(*quiet, bench.upload("c.wav", tone(1) * 0.7)))
    assert bench.outputs() == ["a.wav.json", "b.wav.json"]


def test_a_clip_that_fails_in_the_model_fails_only_its_file(bench: Workbench) -> None:
    bench.engine.recognition_errors = {0.2: ModelError("odd")}
    uris = [bench.upload("a.wav", tone(1) * 0.4), bench.upload("b.wav", tone(1) * 0.7)]
    bench.run(a_shard(*uris, bench.upload("c.wav", tone(1) * 0.4)))
    assert bench.outputs() == ["a.wav.json", "b.wav.error.json", "c.wav.json"]
    assert bench.outcomes == ["ok", "failed", "ok"]
    assert bench.document("a.wav.json")["text"] == "three nine zero"
    assert bench.document("b.wav.error.json")["error"]["message"] == "odd"


@pytest.mark.parametrize("error", [StoreUnavailable("away"), CredentialsRefused("expired")])
def test_unavailable_storage_is_raised_after_the_other_files_are_done(
    bench: Workbench, error: StoreError
) -> None:
    uris = [bench.upload(f"{name}.wav") for name in "abc"]
    bench.store.failing_reads[uris[1]] = error
    with pytest.raises(type(error)):
        bench.run(a_shard(*uris))
    assert bench.outputs() == ["a.wav.json", "c.wav.json"]
    assert bench.recorded == [(0, "ok", 1000), (2, "ok", 1000)]


def test_a_store_that_fails_while_writing_leaves_no_json(bench: Workbench) -> None:
    bench.store.failing_writes[f"{OUTPUT}a.wav.srt"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        bench.run(a_shard(bench.upload("a.wav"), options={"formats": ["srt"]}))
    assert bench.outputs() == []
    assert bench.recorded == []


def test_a_denied_read_of_a_missing_result_does_not_stop_the_file(bench: Workbench) -> None:
    """Without permission to list, S3 answers 403 instead of 404 for a missing object."""
    bench.store.failing_reads[f"{OUTPUT}a.wav.json"] = ObjectDenied("denied")
    bench.run(a_shard(bench.upload("a.wav")))
    assert bench.outcomes == ["ok"]
    assert bench.outputs() == ["a.wav.json"]
