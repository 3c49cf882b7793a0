"""Things handed from one thread to another, at most so many at once."""

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """Nobody takes what is handed over any more: stop making it."""


class Handover(Generic[T]):
    """One thread puts, another iterates; each waits for the other.

    What the putting thread raises, the iterating one gets after the last thing put.
    """

    def __init__(self, depth: int) -> None:
        """Hold at most this many things."""
        self._depth = depth
        self._things: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None

    def put(self, thing: T) -> None:
        """Hand over one thing as soon as there is room.

        Raises:
            Abandoned: when nobody takes it any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._things) < self._depth)
            if self._abandoned:
                raise Abandoned
            self._things.append(thing)
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing follows but, perhaps, an error."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say that nobody takes anything any more."""
        with self._changed:
            self._abandoned = True
            self._things.clear()
            self._changed.notify_all()

    def fill(self, things: Iterable[T]) -> None:
        """Put everything, and whatever goes wrong while it is made."""
        try:
            for thing in things:
                self.put(thing)
        except Abandoned:
            self.end()
        except BaseException as error:
            self.end(error)
        else:
            self.end()

    def __iter__(self) -> Iterator[T]:
        """Everything put, as it comes."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._things or self._ended)
                if not self._things:
                    if self._error:
                        raise self._error
                    return
                thing = self._things.popleft()
                self._changed.notify_all()
            yield thing


def made_ahead(
    things: Generator[T, None, None], depth: int, threads: Executor
) -> Generator[T, None, None]:
    """The same things, made by another thread while the caller is busy with earlier ones."""
    handover: Handover[T] = Handover(depth)
    making = threads.submit(handover.fill, things)
    try:
        yield from handover
    finally:
        handover.abandon()
        making.result()
        things.close()
