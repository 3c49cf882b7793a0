"""Events become the numbers on /metrics."""

import logging
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from funasr_fleet.contract.transcript import STAGES, ErrorKind, Outcome
from funasr_fleet.worker.events import (
    BatchRecognised,
    DecoderReplaced,
    Event,
    FilesCancelled,
    InferenceTime,
    ModelReady,
    OutOfMemoryBackoff,
    ShardDeadLettered,
    ShardFinished,
    ShardLocked,
    ShardRequeued,
    ShardRetryScheduled,
    ShardSplit,
    ShardStarted,
)
from funasr_fleet.worker.process.heartbeat import NO_LIMITS
from funasr_fleet.worker.telemetry import observers as room
from funasr_fleet.worker.telemetry.devices import DeviceReader
from funasr_fleet.worker.telemetry.metrics import Metrics, forget_counts
from funasr_fleet.worker.telemetry.observers import count, observers
from funasr_fleet.worker.telemetry.server import Status
from tests.support.examples import a_finished_file

READY = ModelReady(slot=0, device="cpu", device_name="EPYC", device_uuid="", seconds=1.5, threads=2)
STARTED = ShardStarted(shard="s", job="j", files=1, queue_wait_s=7.0, redelivered=True)
FINISHED = ShardFinished(
    shard="s",
    job="j",
    seconds=2.0,
    busy_ratio=0.75,
    threads_before=2,
    threads_after=2,
    resident_bytes=9,
    peak_resident_bytes=10,
)
EXAMPLES: list[Event] = [
    READY,
    STARTED,
    FINISHED,
    BatchRecognised(seconds=42.0, padding_ratio=0.125, budget_s=60.0),
    InferenceTime(seconds=0.5),
    OutOfMemoryBackoff(budget_s=30.0),
    DecoderReplaced(reason="was killed by SIGSEGV"),
    FilesCancelled(shard="s", job="j", files=3),
    ShardDeadLettered(message_id="m", reason="r"),
    ShardRetryScheduled(shard="s", kind="disk_full", reason="r", delay_s=2.0),
    ShardSplit(shard="s", files=2, last_death="signal 9 (SIGKILL)"),
    ShardLocked(shard="s", delay_s=20.0),
    ShardRequeued(shard="s"),
]


def _page(run_dir: Path) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    text = Status(run_dir, DeviceReader(), NO_LIMITS).metrics().decode()
    samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
    return {s.name + "".join(f" {v}" for v in s.labels.values()): s.value for s in samples}


def test_the_models_work_is_counted_once_and_the_budget_shown(
    metrics: Metrics, run_dir: Path
) -> None:
    for event in (
        BatchRecognised(seconds=42.0, padding_ratio=0.125, budget_s=60.0),
        BatchRecognised(seconds=18.0, padding_ratio=0.25, budget_s=60.0),
        OutOfMemoryBackoff(budget_s=30.0),
        InferenceTime(seconds=0.5),
        InferenceTime(seconds=1.0),
        FINISHED,
    ):
        count(metrics, 0, event)
    page = _page(run_dir)
    assert (page["asr_batch_seconds_sum"], page["asr_batch_seconds_count"]) == (60, 2)
    assert page["asr_batch_padding_ratio_sum"] == pytest.approx(0.375)
    assert page["asr_batch_budget_seconds 0"] == 30
    assert page["asr_oom_backoffs_total"] == 1
    assert page["asr_inference_seconds_total"] == 1.5
    assert page["asr_busy_ratio 0"] == 0.75


def test_a_file_is_counted_by_its_outcome_and_its_audio_by_its_length(
    metrics: Metrics, run_dir: Path
) -> None:
    for event in (
        a_finished_file(),
        a_finished_file(outcome="empty", audio_s=5.0),
        a_finished_file(outcome="ok"),
    ):
        count(metrics, 0, event)
    page = _page(run_dir)
    assert (page["asr_files_total ok"], page["asr_files_total empty"]) == (2, 1)
    assert page["asr_audio_seconds_total"] == 25
    assert page["asr_file_seconds_count"] == 3
    assert page["asr_rtfx_sum"] == pytest.approx(20 + 10 + 20)
    assert page["asr_stage_seconds_sum recognise"] == pytest.approx(0.6)


@pytest.mark.parametrize("outcome", ["failed", "skipped", "cancelled"])
def test_a_file_that_was_not_transcribed_adds_no_audio_and_no_speed(
    metrics: Metrics, run_dir: Path, outcome: str
) -> None:
    count(metrics, 0, a_finished_file(outcome=outcome))
    page = _page(run_dir)
    assert page[f"asr_files_total {outcome}"] == 1
    assert (page["asr_audio_seconds_total"], page["asr_rtfx_count"]) == (0, 0)
    assert page["asr_file_seconds_count"] == 0


def test_speech_without_text_is_counted_and_silence_is_not(metrics: Metrics, run_dir: Path) -> None:
    count(metrics, 0, a_finished_file(outcome="empty"))
    count(metrics, 0, a_finished_file(outcome="empty", warnings=("speech_without_text",)))
    count(metrics, 0, a_finished_file(warnings=("audio_damaged", "implausible_rate")))
    page = _page(run_dir)
    assert page["asr_empty_transcripts_total"] == 1
    assert page["asr_warnings_total speech_without_text"] == 1
    assert page["asr_warnings_total implausible_rate"] == 1
    assert page["asr_warnings_total audio_damaged"] == 1
    assert page["asr_warnings_total text_ends_early"] == 0


def test_a_file_that_took_no_time_breaks_nothing(metrics: Metrics, run_dir: Path) -> None:
    count(metrics, 0, a_finished_file(seconds=0.0, stages_s={}))
    assert _page(run_dir)["asr_rtfx_count"] == 0


def test_shards_waits_redeliveries_and_dead_letters_are_counted(
    metrics: Metrics, run_dir: Path
) -> None:
    assert {type(event) for event in (*EXAMPLES, a_finished_file())} == set(get_args(Event))
    for event in EXAMPLES:
        count(metrics, 0, event)
    count(
        metrics, 0, ShardStarted(shard="s", job=None, files=1, queue_wait_s=None, redelivered=False)
    )
    page = _page(run_dir)
    assert (page["asr_queue_wait_seconds_count"], page["asr_queue_wait_seconds_sum"]) == (1, 7)
    assert page["asr_redeliveries_total"] == 2  # one redelivered shard, and one that was split
    assert page["asr_files_total cancelled"] == 3
    assert page["asr_shard_seconds_sum"] == 2
    assert page["asr_dead_lettered_total"] == 1
    assert page["asr_shards_postponed_total disk_full"] == 1
    assert page["asr_decoder_restarts_total"] == 1
    assert page["asr_model_load_seconds 0"] == 1.5
    assert page["asr_torch_threads 0"] == 2


def test_the_thread_count_is_that_after_the_last_file(metrics: Metrics, run_dir: Path) -> None:
    count(metrics, 0, a_finished_file(threads=2))
    count(metrics, 0, a_finished_file(threads=72, outcome="failed"))
    assert _page(run_dir)["asr_torch_threads 0"] == 72


def test_every_labelled_counter_starts_at_zero(metrics: Metrics, run_dir: Path) -> None:
    """`rate` misses the first increment of a series that does not start at zero."""
    page = _page(run_dir)
    assert [page[f"asr_files_total {one}"] for one in get_args(Outcome)] == [0] * 5
    assert [page[f"asr_failures_total {one}"] for one in get_args(ErrorKind)] == [0] * 9
    assert [page[f"asr_stage_seconds_count {one}"] for one in STAGES] == [0] * 6


def test_dead_letters_of_the_parent_are_counted(metrics: Metrics, run_dir: Path) -> None:
    count(metrics, 0, ShardDeadLettered(message_id="m", reason="poison"))
    observers(run_dir)(ShardDeadLettered(message_id="n", reason="the message has no task name"))
    assert _page(run_dir)["asr_dead_lettered_total"] == 2


def test_slots_add_up_and_a_replaced_child_keeps_counting(run_dir: Path) -> None:
    for slot in (0, 1, 0):
        count(Metrics(run_dir, f"slot{slot}"), slot, a_finished_file())
    assert _page(run_dir)["asr_files_total ok"] == 3
    counters = {path.name for path in (run_dir / "metrics").glob("counter_*.db")}
    assert counters == {"counter_slot0.db", "counter_slot1.db"}


def test_a_new_worker_begins_at_zero(run_dir: Path) -> None:
    count(Metrics(run_dir, "slot0"), 0, a_finished_file())
    forget_counts(run_dir)
    Metrics(run_dir, "slot0")
    assert _page(run_dir)["asr_files_total ok"] == 0


def test_an_undeclared_name_is_an_error(metrics: Metrics) -> None:
    with pytest.raises(KeyError):
        metrics.counters["asr_surprise_total"]


def test_a_failing_observer_does_not_affect_the_others(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(room, "log_event", fail)
    with caplog.at_level(logging.ERROR):
        observers(run_dir, 0)(a_finished_file())
    assert "an observer failed on FileFinished" in caplog.text
    assert _page(run_dir)["asr_files_total ok"] == 1
