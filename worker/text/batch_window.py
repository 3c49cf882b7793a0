"""Cut a stream of speech, across files, into groups that are recognised together."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

FIRST_S = 30.0
"""Seconds of speech in the first group: small, so that the device starts early."""
MOST_S = 1800.0
"""Maximum seconds of speech per group: enough clips of each length, and bounded memory."""


def in_groups(
    things: Iterable[T],
    seconds: Callable[[T], float],
    first_s: float = FIRST_S,
    most_s: float = MOST_S,
) -> Generator[list[T], None, None]:
    """Cut a stream into groups, each twice as large as the previous one, up to a maximum.

    The groups depend only on the stream and not on time, so that a retried shard is processed in
    the same batches.

    Args:
        things: the items, in order.
        seconds: the length of an item.
        first_s: target size of the first group; a group ends when it reaches its target.
        most_s: maximum target size.
    """
    group: list[T] = []
    total_s, target_s = 0.0, first_s
    for thing in things:
        group.append(thing)
        total_s += seconds(thing)
        if total_s >= target_s:
            yield group
            group, total_s, target_s = [], 0.0, min(2 * target_s, most_s)
    if group:
        yield group
