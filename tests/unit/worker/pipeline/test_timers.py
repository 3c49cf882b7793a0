"""Seconds per stage and busy time, on a simulated clock."""

import pytest

from funasr_fleet.contract.transcript import STAGES
from funasr_fleet.worker.pipeline.timers import RecognitionSpeed, Stopwatch, UtilizationTimer
from tests.support.examples import Clock


@pytest.fixture
def stopwatch() -> Stopwatch:
    """A stopwatch on a clock that advances by 1, 2, 3, ... seconds between readings."""
    looks = iter(n * (n + 1) / 2 for n in range(100))
    return Stopwatch(lambda: next(looks))


def test_the_time_of_a_stage_adds_up(stopwatch: Stopwatch) -> None:
    with stopwatch("vad"):
        pass
    with stopwatch("write"):
        pass
    with stopwatch("vad"):
        pass
    assert stopwatch.seconds == {"vad": 1 + 5, "write": 3}
    assert stopwatch.total_s == 9


def test_a_failing_stage_is_timed(stopwatch: Stopwatch) -> None:
    with pytest.raises(KeyError), stopwatch("decode"):
        raise KeyError
    assert stopwatch.seconds == {"decode": 1}


def test_milliseconds_are_whole_and_rounded() -> None:
    stopwatch = Stopwatch(lambda: 0.0, {"fetch": 0.0124, "vad": 0.0126})
    entered = {stage: ms for stage, ms in stopwatch.milliseconds().items() if ms}
    assert entered == {"fetch": 12, "vad": 13}


def test_every_stage_is_present() -> None:
    assert tuple(Stopwatch(lambda: 0.0).milliseconds()) == STAGES


def test_time_inside_counts_and_time_outside_does_not() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    clock.now_s += 5
    with busy():
        clock.now_s += 2
    clock.now_s += 5
    with busy():
        clock.now_s += 1
    assert busy.take() == 3
    assert busy.take() == 0
    assert busy.total_s == 3


def test_work_at_the_same_time_counts_once() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    first, second = busy(), busy()
    first.__enter__()
    clock.now_s += 1
    second.__enter__()
    clock.now_s += 1
    first.__exit__(None, None, None)
    clock.now_s += 1
    second.__exit__(None, None, None)
    assert busy.take() == 3


def test_work_in_progress_counts_up_to_now() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    with busy():
        clock.now_s += 4
        assert busy.take() == 4
        clock.now_s += 2
    assert (busy.take(), busy.total_s) == (2, 6)


def test_the_speed_follows_large_groups_and_not_a_small_last_one() -> None:
    speed = RecognitionSpeed()
    assert speed.value is None
    speed.add(speech_s=1800, work_s=2)
    speed.add(speech_s=1, work_s=0.2)
    assert speed.value == pytest.approx(901 / 1.2)
    for _ in range(10):
        speed.add(speech_s=30, work_s=60)
    assert speed.value == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(("speech_s", "work_s"), [(0.0, 1.0), (0.0, 0.0), (5.0, 0.0)])
def test_a_group_without_speech_or_time_has_no_speed(speech_s: float, work_s: float) -> None:
    speed = RecognitionSpeed()
    speed.add(speech_s, work_s)
    assert speed.value is None
