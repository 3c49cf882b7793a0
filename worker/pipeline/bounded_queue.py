"""A bounded queue between two threads, and a generator that prefetches through it."""

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor
from typing import Generic, TypeVar

T = TypeVar("T")


class ConsumerGone(Exception):
    """The consumer has abandoned the queue: stop producing."""


class BoundedQueue(Generic[T]):
    """A queue for one producer thread and one consumer thread.

    The producer blocks while the queue is full, the consumer while it is empty.

    An error raised by the producer is raised in the consumer, after the last item.
    """

    def __init__(self, depth: int) -> None:
        """Hold at most `depth` items."""
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Add an item; block while the queue is full.

        Raises:
            ConsumerGone: the consumer has abandoned the queue.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._depth)
            if self._abandoned:
                raise ConsumerGone
            self._items.append(item)
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Mark the queue as complete; the consumer raises `error`, if any, after the last item."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Stop consuming: discard the queued items and make `put` raise ConsumerGone."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def fill(self, items: Iterable[T]) -> None:
        """Put every item and end the queue, with the error if producing the items raises one."""
        try:
            for item in items:
                self.put(item)
        except ConsumerGone:
            self.end()
        except BaseException as error:
            self.end(error)
        else:
            self.end()

    def __iter__(self) -> Iterator[T]:
        """Yield the items in order until the queue ends; raise the producer's error, if any."""
        return (item for item in self.with_waits(None) if item is not None)

    def with_waits(self, seconds: float | None) -> Iterator[T | None]:
        """Yield the items as iterating does, and None after `seconds` without an item or the end.

        Args:
            seconds: None waits as long as necessary, and never yields None.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended, seconds)
                item = self._items.popleft() if self._items else None
                if item is None and self._ended:
                    if self._error:
                        raise self._error
                    return
                self._changed.notify_all()
            yield item


def prefetch(
    items: Generator[T, None, None], depth: int, threads: Executor
) -> Generator[T, None, None]:
    """Yield the items of a generator that runs in another thread, at most `depth` items ahead."""
    queue: BoundedQueue[T] = BoundedQueue(depth)
    producing = threads.submit(queue.fill, items)
    try:
        yield from queue
    finally:
        queue.abandon()
        producing.result()
        items.close()
