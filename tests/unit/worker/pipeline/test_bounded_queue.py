"""From one thread to another: in order, not too far ahead, and nobody waits for ever."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from funasr_fleet.worker.pipeline.bounded_queue import BoundedQueue, ConsumerGone, prefetch


def test_everything_comes_in_order() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert list(prefetch((n for n in range(1000)), 3, threads)) == list(range(1000))


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def things() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 3, threads)
        assert next(coming) == 1
        with pytest.raises(ValueError, match="broken"):
            next(coming)


def test_no_more_is_made_than_there_is_room_for() -> None:
    made: list[int] = []
    third = threading.Event()

    def things() -> Generator[int, None, None]:
        for n in range(100):
            made.append(n)
            if n == 3:
                third.set()
            yield n

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 2, threads)
        assert next(coming) == 0
        assert third.wait(5)  # two wait, the one after them is made and cannot be put
        coming.close()
    assert made == [0, 1, 2, 3]


def test_who_makes_things_for_nobody_is_told() -> None:
    handover: BoundedQueue[int] = BoundedQueue(1)
    handover.put(1)
    handover.abandon()
    with pytest.raises(ConsumerGone):
        handover.put(2)


def test_what_makes_them_is_closed_with_its_reader() -> None:
    closed = threading.Event()

    def things() -> Generator[int, None, None]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 1, threads)
        next(coming)
        coming.close()
        assert closed.is_set()
