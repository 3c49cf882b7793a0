"""Progress is reported while a shard is processed: outcomes, and audio of unfinished files."""

import contextlib
import threading
from types import SimpleNamespace

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.file_finalizer import FileFinalizer
from funasr_fleet.worker.pipeline.periodic_call import called_every
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import tone
from tests.support.examples import a_shard
from tests.support.fake_child import FakeChild
from tests.support.fake_pipeline import Workbench, wait_for
from tests.support.groups import single_items


@pytest.fixture(params=[False, True], ids=["on the CPU", "beside a device"])
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    module = "funasr_fleet.worker.pipeline.pipeline"
    monkeypatch.setattr(f"{module}._REPORT_EVERY_S", 0.01)
    monkeypatch.setattr(f"{module}.in_groups", single_items)
    return Workbench(ahead=request.param)


def test_a_written_file_is_reported_while_the_model_is_busy_with_the_next(bench: Workbench) -> None:
    seen_midway: list[bool] = []

    def wait_in_last_call() -> None:
        if len(bench.engine.hints) == 8:  # two clips in each of four files
            seen_midway.append(wait_for(lambda: len(bench.recorded) == 3 == len(bench.finished)))

    bench.engine.on_recognise = wait_in_last_call
    bench.run(a_shard(*(bench.upload(f"{name}.wav") for name in "abcd")))
    assert seen_midway == [True]
    assert sorted(index or 0 for index, *_ in bench.recorded) == [0, 1, 2, 3], "once each"


def test_the_recognised_part_of_a_long_file_is_reported(bench: Workbench) -> None:
    bench.engine.script = {Span(1000, 4000): "three", Span(6000, 9000): "nine"}
    seen_midway: list[bool] = []

    def wait_in_second_call() -> None:
        if len(bench.engine.hints) == 2:
            seen_midway.append(wait_for(lambda: 4000 in bench.in_progress_ms))

    bench.engine.on_recognise = wait_in_second_call
    bench.run(a_shard(bench.upload("a.wav", tone(10))))
    assert seen_midway == [True]
    assert max(bench.in_progress_ms) <= 9000


def test_audio_of_a_file_with_an_outcome_is_no_longer_in_progress(bench: Workbench) -> None:
    seen_midway: list[bool] = []

    def wait_in_last_call() -> None:
        if len(bench.engine.hints) == 3:  # the first clip of the second file
            wait_for(lambda: bench.recorded)
            reports = len(bench.in_progress_ms)
            seen_midway.append(wait_for(lambda: 0 in bench.in_progress_ms[reports:]))

    bench.engine.on_recognise = wait_in_last_call
    bench.run(a_shard(bench.upload("a.wav"), bench.upload("b.wav")))
    assert seen_midway == [True]


def test_an_error_while_reporting_progress_does_not_end_the_shard(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail(in_progress_ms: int) -> None:
        calls.append(in_progress_ms)
        raise BrokerUnavailable("Redis refused a command")

    monkeypatch.setattr(bench, "in_progress_ms", SimpleNamespace(append=fail))
    bench.engine.on_recognise = lambda: wait_for(lambda: len(calls) >= 3)
    bench.run(a_shard(bench.upload("a.wav")))
    assert bench.recorded == [(0, "ok", 1000)]
    logged = [one.getMessage() for one in caplog.records]
    assert logged == ["cannot report progress, retrying: Redis refused a command"]


@pytest.mark.parametrize("lasts", [False, True])
def test_an_outcome_that_the_progress_thread_cannot_record_is_recorded_at_the_end(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, lasts: bool
) -> None:
    threads: list[str] = []
    record = bench._record

    def fail_in_thread(ref: AudioRef, file: FileFinished) -> None:
        threads.append(threading.current_thread().name)
        if lasts or threads[-1] == "progress":
            raise BrokerUnavailable("Redis refused a command")
        record(ref, file)

    def wait_in_second_file() -> None:
        if len(bench.engine.hints) == 4:
            wait_for(lambda: "progress" in threads)

    monkeypatch.setattr(bench, "_record", fail_in_thread)
    bench.engine.on_recognise = wait_in_second_file
    shard = a_shard(bench.upload("a.wav"), bench.upload("b.wav"))
    with pytest.raises(BrokerUnavailable) if lasts else contextlib.nullcontext():
        bench.run(shard)
    outcomes = [] if lasts else [(0, "ok", 1000), (1, "ok", 1000)]
    assert (sorted(bench.recorded), len(bench.finished)) == (outcomes, len(outcomes))
    assert "progress" in threads


def test_an_outcome_is_recorded_when_the_last_call_of_the_progress_thread_fails(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    collected = threading.Event()
    record, collect = bench._record, FileFinalizer.collect

    def fail_after_collect(ref: AudioRef, file: FileFinished) -> None:
        threads.append(threading.current_thread().name)
        if threads[-1] == "progress":
            collected.wait(60)
            raise BrokerUnavailable("Redis refused a command")
        record(ref, file)

    def collect_beside_thread(self: FileFinalizer, max_pending: int = 0) -> None:
        if max_pending == 0:
            wait_for(lambda: threads)
        collect(self, max_pending)
        if max_pending == 0:
            collected.set()

    monkeypatch.setattr(bench, "_record", fail_after_collect)
    monkeypatch.setattr(FileFinalizer, "collect", collect_beside_thread)
    bench.run(a_shard(bench.upload("a.wav")))
    assert bench.recorded == [(0, "ok", 1000)]
    assert threads == ["progress", "MainThread"]


def test_a_function_is_called_until_the_block_ends() -> None:
    calls: list[str] = []
    with called_every(0.001, lambda: calls.append(threading.current_thread().name)):
        assert wait_for(lambda: len(calls) >= 3)
    assert {*calls} == {"progress"}
    assert "progress" not in {one.name for one in threading.enumerate()}


def test_a_function_is_called_again_after_an_error() -> None:
    calls: list[int] = []

    def fail_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("once")

    with called_every(0.001, fail_once):
        assert wait_for(lambda: len(calls) >= 3)


def test_work_is_counted_once_in_reports_and_at_the_end() -> None:
    child, now = FakeChild(), [100.0]
    counters = ChildCounters(worker="fleet@host", slot=0)
    shard = a_shard("s3://in/a.wav")
    reporter = ShardReporter(
        shard, child.recorder, child.bench.store, counters, clock=lambda: now[0]
    )
    reporter.begin()
    for in_progress_ms in (500, 900):
        now[0] += 1.5
        reporter.report(in_progress_ms)
    now[0] += 0.25
    reporter.end()
    assert (child.work, child.ended_work) == ([1500, 1500], 250)
    assert [seen.in_progress_ms for seen in child.seen] == [0, 500, 900, 0]
    assert [seen.work_ms for seen in child.seen] == [0, 1500, 3000, 3250]
    assert [seen.shard for seen in child.seen] == [*[shard.shard] * 3, None]


def test_a_report_of_a_shard_that_is_split_counts_its_own_time_only() -> None:
    child, now = FakeChild(), [100.0]
    counters = ChildCounters(worker="fleet@host", slot=0)
    shard = a_shard("s3://in/a.wav")
    reporter = ShardReporter(
        shard, child.recorder, child.bench.store, counters, clock=lambda: now[0]
    )
    now[0] += 1.5
    reporter.report(0)
    assert child.work == [1500]
