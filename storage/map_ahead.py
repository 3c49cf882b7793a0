"""Calls a function in threads, a limited number of items ahead of the consumer."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    threads: int,
    ahead: int,
    size_of: Callable[[T], int] = lambda item: 0,
    ahead_bytes: int = 0,
) -> Generator[R, None, None]:
    """The results of the function in the order of the items, as `map` returns them.

    An error of the function is raised when the iteration reaches its item. Then, and when the
    generator is closed, calls that have not started are cancelled, those in progress are awaited,
    and the items are closed. A consumer that may fail uses `contextlib.closing`, because its
    traceback keeps the generator open.

    Args:
        function: called in a thread with each item.
        items: iterated over in the consumer's thread; closed at the end if it is a generator.
        threads: number of threads.
        ahead: maximum number of results ahead of the consumer.
        size_of: size of the item's result in bytes.
        ahead_bytes: maximum total size of the results ahead; a single larger result is allowed.
    """
    coming: deque[tuple[int, Future[R]]] = deque()
    coming_bytes = 0
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                coming.append((size_of(item), pool.submit(function, item)))
                coming_bytes += size_of(item)
                while len(coming) > ahead or (coming_bytes > ahead_bytes and len(coming) > 1):
                    coming_bytes -= coming[0][0]
                    yield coming.popleft()[1].result()
            while coming:
                yield coming.popleft()[1].result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(items, Generator):
                items.close()
