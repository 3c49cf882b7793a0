"""Progress is reported while a shard is processed: outcomes, and audio of unfinished files."""

import threading
import time
from collections.abc import Callable

import pytest

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.periodic_call import called_every
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import tone
from tests.support.examples import a_shard
from tests.support.fake_child import FakeChild
from tests.support.fake_pipeline import Workbench
from tests.support.groups import single_items

DEADLINE_S = 60.0


@pytest.fixture(params=[False, True], ids=["on the CPU", "beside a device"])
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    module = "funasr_fleet.worker.pipeline.pipeline"
    monkeypatch.setattr(f"{module}._REPORT_EVERY_S", 0.01)
    monkeypatch.setattr(f"{module}.in_groups", single_items)
    return Workbench(ahead=request.param)


def wait_for(is_true: Callable[[], object]) -> bool:
    end = time.monotonic() + DEADLINE_S
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


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


def test_an_error_while_reporting_ends_the_shard(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = threading.Event()

    def fail(_: int) -> None:
        reported.set()
        raise BrokerUnavailable("Redis refused a command")

    monkeypatch.setattr(
        bench, "in_progress_ms", type("Failing", (), {"append": staticmethod(fail)})
    )
    bench.engine.on_recognise = lambda: reported.wait(DEADLINE_S)
    with pytest.raises(BrokerUnavailable):
        bench.run(a_shard(bench.upload("a.wav")))


def test_a_function_is_called_until_the_block_ends() -> None:
    calls: list[str] = []
    with called_every(0.001, lambda: calls.append(threading.current_thread().name)):
        assert wait_for(lambda: len(calls) >= 3)
    at_end = len(calls)
    assert {*calls} == {"progress"}
    assert "progress" not in {one.name for one in threading.enumerate()}
    assert len(calls) == at_end


def test_the_error_of_the_block_comes_before_that_of_the_function() -> None:
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise ValueError("of the function")

    def fail_later() -> None:
        with called_every(0.001, fail):
            failed.wait(DEADLINE_S)
            raise KeyError("of the block")

    with pytest.raises(KeyError):
        fail_later()


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
