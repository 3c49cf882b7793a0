"""Access to the internals of Celery's process pool (AsynPool, as of Celery 5.7).

The pool has one pipe to each child for messages and one back for results, and looks up the child
of a pipe by the number of its file descriptor.
"""

import array
import contextlib
import fcntl
import termios
from typing import Any


def forget_replaced_pipes(pool: Any) -> None:
    """Drop the result pipes of killed children from the pool's index.

    Call it before the pool registers its pipes with the event loop.

    When a child is killed with a message, Celery closes its pipes, but leaves the number of its
    result pipe in the index. After a reconnection to the broker it reads every number in the index,
    also one that is by then the message pipe of another child: the parent would read the message
    of that child, which then never starts.
    """
    index = pool._fileno_to_outq
    for number in [number for number, child in index.items() if child not in pool._pool]:
        del index[number]


def describe_pool(consumer: Any) -> str:
    """Describe the pool's state for the log: which child gets a message, and what was read."""
    pool, semaphore = consumer.pool._pool, consumer.controller.semaphore
    jobs = pool._cache.values()
    sent = [(one.correlation_id, one._accepted, bool(one._write_to)) for one in jobs]
    results = {
        number: (child.pid, number in consumer.hub.readers)
        for number, child in pool._fileno_to_outq.items()
    }
    unread = {child.pid: _pipes_of(child) for child in pool._pool}
    return (
        f"semaphore {semaphore!r}, to be sent {len(pool.outbound_buffer)}, "
        f"pipes {pool._all_inqueues}, busy {pool._busy_workers}, being written "
        f"{pool._active_writes}, read {results}, (pipe, unread bytes) {unread}, "
        f"(id, accepted, written) {sent}"
    )


def _pipes_of(child: Any) -> list[tuple[int, int]]:
    """Return (descriptor, unread bytes) of a child's pipes: messages, results."""
    pipes = []
    for queue in (child.inq, child.outq):
        with contextlib.suppress(OSError):  # closed
            unread = array.array("i", [0])
            fcntl.ioctl(queue._reader.fileno(), termios.FIONREAD, unread)
            pipes.append((queue._reader.fileno(), unread[0]))
    return pipes
