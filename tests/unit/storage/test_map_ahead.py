"""Results are in order, and threads run only a limited number of items ahead."""

import threading
import time
from collections.abc import Iterator

import pytest

from funasr_fleet.storage.map_ahead import map_ahead


class Numbers:
    """Counts the items that were requested."""

    def __init__(self) -> None:
        self.asked = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(100):
            self.asked = number + 1
            yield number


def test_results_come_in_order() -> None:
    def late_for_even(number: int) -> int:
        time.sleep(0.001 * (number % 2 == 0))
        return number * number

    squares = list(map_ahead(late_for_even, range(50), threads=4, ahead=8))
    assert squares == [number * number for number in range(50)]


def test_only_so_many_are_asked_for_ahead() -> None:
    numbers = Numbers()
    results = map_ahead(str, numbers, threads=2, ahead=5)
    assert numbers.asked == 0
    assert next(results) == "0"
    assert numbers.asked == 6
    assert next(results) == "1"
    assert numbers.asked == 7


def test_large_results_are_asked_for_one_at_a_time() -> None:
    numbers = Numbers()
    results = map_ahead(str, numbers, threads=2, ahead=50, size_of=lambda _: 60, ahead_bytes=100)
    assert [next(results), numbers.asked] == ["0", 2]
    assert [next(results), numbers.asked] == ["1", 3]


def test_an_error_comes_in_its_place() -> None:
    results = map_ahead(lambda number: 6 // (3 - number), range(9), threads=2, ahead=9)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def numbers_then(closed: list[bool]) -> Iterator[int]:
    try:
        yield from range(100)
    finally:
        closed.append(True)


def test_after_an_error_nothing_more_is_called_and_the_items_are_closed() -> None:
    called, closed, before = list[int](), list[bool](), threading.active_count()

    def fails_at_once(number: int) -> int:
        called.append(number)
        time.sleep(0.02)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        next(map_ahead(fails_at_once, numbers_then(closed), threads=2, ahead=50))
    assert closed == [True]
    assert threading.active_count() == before
    assert len(called) < 10


def test_closing_it_cancels_the_calls_that_have_not_started() -> None:
    called, closed, before = list[int](), list[bool](), threading.active_count()

    def slow(number: int) -> int:
        called.append(number)
        time.sleep(0.02)
        return number

    results = map_ahead(slow, numbers_then(closed), threads=2, ahead=50)
    assert next(results) == 0
    results.close()
    assert closed == [True]
    assert threading.active_count() == before
    assert len(called) < 10
