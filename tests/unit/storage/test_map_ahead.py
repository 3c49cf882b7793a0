"""Results come in order, and threads are only so far ahead of who takes them."""

import time
from collections.abc import Iterator

import pytest

from funasr_fleet.storage.map_ahead import map_ahead


class Numbers:
    """Counts how many were asked for."""

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
