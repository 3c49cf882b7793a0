"""Every change to Celery, kombu and billiard that a worker makes, and its use of their internals.

TARGETS lists what is replaced or relied on beyond their public interfaces, with the reason and the
upstream source. `check` compares each target's source code with the code that the changes were
tested against: a release that changes one of them is rejected at start instead of losing messages
later. After an update of constraints.txt, read what changed, run `make test-all` and `make chaos`,
and set the new digests (`python -m funasr_fleet.worker.consumer.celery_patches`).
"""

import array
import contextlib
import fcntl
import hashlib
import importlib
import inspect
import termios
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import billiard.pool
from kombu.transport import redis

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.consumer.kombu_patches import (
    RequeueAtHeadQoS,
    decode_plain_json,
    deliverable,
    read_envelope,
)
from funasr_fleet.worker.process.os_process import resident_bytes

_KOMBU = "https://github.com/celery/kombu/blob/v5.7.0/kombu/transport/redis.py"
_BILLIARD = "https://github.com/celery/billiard/blob/v4.3.2/billiard/pool.py"
_CELERY = "https://github.com/celery/celery/blob/v5.7.0/celery/concurrency/asynpool.py"


@dataclass(frozen=True)
class Target:
    """A piece of upstream code that the worker replaces, or whose private names it uses."""

    name: str
    """"module:qualified.name"."""
    digest: str
    """First 16 hexadecimal digits of the SHA-256 of its source code."""
    reason: str
    upstream: str


TARGETS = (
    Target(
        "kombu.transport.redis:QoS",
        "2a3e5c43dc039ae8",
        "replaced: rejected messages go to the head of their queue, and no message is taken for a "
        "child that is not ready",
        _KOMBU,
    ),
    Target(
        "kombu.transport.redis:Channel._brpop_read",
        "c42518699709f2df",
        "its json decoder is replaced: an element that is not a message must not end the worker",
        _KOMBU,
    ),
    Target(
        "kombu.transport.virtual.base:Transport._deliver",
        "799e242f3ec53863",
        "wrapped for the Redis transport, for the same reason",
        _KOMBU,
    ),
    Target(
        "billiard.pool:Worker.workloop",
        "ce4a856cce2b9e10",
        "its mem_rss is replaced: billiard compares the peak memory of a child with the limit",
        _BILLIARD,
    ),
    Target(
        "celery.concurrency.asynpool:AsynPool.on_partial_read",
        "99d11508d733afff",
        "leaves the result pipe of a killed child in the index; see forget_replaced_pipes",
        _CELERY,
    ),
    Target(
        "celery.concurrency.asynpool:AsynPool.register_with_event_loop",
        "d4b2530818da7355",
        "reads every pipe in that index after a reconnection; see forget_replaced_pipes",
        _CELERY,
    ),
)


def install(unready: Callable[[], int]) -> None:
    """Apply the changes to this process.

    Args:
        unready: returns how many children are not ready.
    """
    RequeueAtHeadQoS.unready = unready
    redis.Channel.QoS = RequeueAtHeadQoS
    redis.loads = read_envelope
    decode_plain_json()
    redis.Transport._deliver = _deliver_anything
    billiard.pool.mem_rss = _resident_kib


_deliver: Callable[..., Any] = redis.Transport._deliver


def _deliver_anything(transport: Any, message: Any, queue: str) -> Any:
    return _deliver(transport, deliverable(message, queue), queue)


def _resident_kib() -> int:
    return resident_bytes() // 1024


def check() -> None:
    """Compare the installed upstream code with the code that the changes were tested against.

    Raises:
        BadConfiguration: some of it differs.
    """
    changed = [target.name for target in TARGETS if digest(target) != target.digest]
    if changed:
        raise BadConfiguration(
            f"the installed code of {', '.join(changed)} differs from the tested release; install "
            "the versions of celery, kombu and billiard that pyproject.toml allows"
        )


def digest(target: Target) -> str:
    """Digest of the installed source code of a target; empty when it no longer exists."""
    module, _, name = target.name.partition(":")
    try:
        code = inspect.getsource(attrgetter(name)(importlib.import_module(module)))
    except (ImportError, AttributeError):
        return ""
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def forget_replaced_pipes(pool: Any) -> None:
    """Drop the result pipes of killed children from the pool's index.

    Call it before the pool registers its pipes with the event loop.

    The pool has one pipe to each child for messages and one back for results, and looks up the
    child of a pipe by the number of its file descriptor. When a child is killed with a message,
    Celery closes its pipes, but leaves the number of its result pipe in the index. After a
    reconnection to the broker it reads every number in the index, even one that by then is the
    message pipe of another child: the parent would read the message of that child, which then never
    starts.
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


if __name__ == "__main__":
    for each in TARGETS:
        print(each.name, digest(each))
