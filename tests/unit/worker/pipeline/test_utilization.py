"""Busy time: overlapping work counts once, and nothing is lost between two looks."""

from funasr_fleet.worker.pipeline.utilization import UtilizationTimer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_inside_counts_and_time_outside_does_not() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    clock.now += 5
    with busy():
        clock.now += 2
    clock.now += 5
    with busy():
        clock.now += 1
    assert busy.take() == 3
    assert busy.take() == 0
    assert busy.total_s == 3


def test_work_at_the_same_time_counts_once() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    first, second = busy(), busy()
    first.__enter__()
    clock.now += 1
    second.__enter__()
    clock.now += 1
    first.__exit__(None, None, None)
    clock.now += 1
    second.__exit__(None, None, None)
    assert busy.take() == 3


def test_work_that_goes_on_is_counted_up_to_now_and_goes_on_counting() -> None:
    clock = Clock()
    busy = UtilizationTimer(clock)
    with busy():
        clock.now += 4
        assert busy.take() == 4
        clock.now += 2
    assert (busy.take(), busy.total_s) == (2, 6)
