"""A stream of speech -> groups that are recognised together, whichever files they come from."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

FIRST_S = 30.0
"""Speech in the first group: the device has something to do soon."""
MOST_S = 1800.0
"""Speech in every group after some: enough clips of each length, and memory that is bounded."""


def in_groups(
    things: Iterable[T],
    seconds: Callable[[T], float],
    first_s: float = FIRST_S,
    most_s: float = MOST_S,
) -> Generator[list[T], None, None]:
    """Cut a stream where enough has come, each group twice as large as the one before.

    The groups depend on the stream alone and not on time, so that a shard that is run again goes
    through the same batches.

    Args:
        things: in order.
        seconds: what each adds to its group.
        first_s: a group ends as soon as it has this much; the first one.
        most_s: the same for the largest.
    """
    group: list[T] = []
    gathered, enough = 0.0, first_s
    for thing in things:
        group.append(thing)
        gathered += seconds(thing)
        if gathered >= enough:
            yield group
            group, gathered, enough = [], 0.0, min(2 * enough, most_s)
    if group:
        yield group
