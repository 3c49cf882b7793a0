"""Decides which clips are recognised together: groups of a stream, batches, and a batch's budget.

A batch costs its longest clip times its number of clips, because shorter clips are padded. Its
budget, in padded audio seconds, adapts to the device's memory.
"""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar


def plan_batches(lengths: Sequence[float], budget: Callable[[], float]) -> Iterator[list[int]]:
    """Group clips of similar length.

    Args:
        lengths: length of each clip, in any unit.
        budget: maximum of longest x count, in the same unit; called for every clip, because the
            budget changes. A clip that exceeds it forms its own batch.

    Yields:
        Indices into `lengths`, shortest clips first; every index exactly once.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > budget():
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padding_ratio(lengths: Sequence[float]) -> float:
    """Share of a batch that is padding; 0 when all clips have the same length."""
    padded = max(lengths, default=0) * len(lengths)
    return 1 - sum(lengths) / padded if padded else 0.0


T = TypeVar("T")

FIRST_S = 30.0
"""Seconds of speech in the first group: small, so that the device starts early."""
MOST_S = 1800.0
"""Maximum seconds of speech per group: enough clips of each length, and bounded memory."""


GROUP_WORK_S = 10.0
"""Target time in s, both for collecting a group and for recognising it. It is well below the
default of FLEET_DRAIN_S, so that a worker that shuts down can finish its group."""


def group_limit_s(speed: float | None) -> float:
    """Maximum seconds of speech in a group that is recognised within GROUP_WORK_S.

    It is FIRST_S times a power of two, or MOST_S, and about LEAST_S or more. So a retried shard is
    usually processed in the same batches although the speed has changed a little.

    Args:
        speed: measured seconds of speech per second of work; None if not known yet.
    """
    if speed is None:
        return FIRST_S
    affordable_s = min(speed * GROUP_WORK_S, MOST_S)
    if affordable_s == MOST_S:
        return MOST_S
    return FIRST_S * 2.0 ** math.floor(math.log2(max(affordable_s, LEAST_S) / FIRST_S))


def in_groups(
    things: Iterable[T | None],
    seconds: Callable[[T], float],
    first_s: float = FIRST_S,
    most_s: Callable[[], float] = lambda: MOST_S,
    *,
    collect_s: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[list[T], None, None]:
    """Cut a stream into groups, each twice as large as the previous one, up to a maximum.

    Args:
        things: the items, in order; None while the next item is not there yet.
        seconds: the length of an item. An item of length 0 that would begin a group is a group of
            its own.
        first_s: target size of the first group; a group ends when it reaches its target.
        most_s: returns the maximum target size; called for every item.
        collect_s: a group also ends with the first item, or None, that arrives this many seconds
            after its first item.
        clock: returns the time in seconds.
    """
    group: list[T] = []
    total_s, target_s, since_s = 0.0, first_s, 0.0
    for thing in things:
        if thing is not None:
            if not group:
                since_s = clock()
            group.append(thing)
            total_s += seconds(thing)
            if total_s == 0:
                yield [group.pop()]
        is_full = total_s >= min(target_s, most_s())
        if group and (is_full or clock() - since_s >= collect_s):
            yield group
            group, total_s, target_s = [], 0.0, min(2 * target_s, MOST_S)
    if group:
        yield group


LEAST_S = 1.0
ON_CPU_S = 60.0
"""Budget on a CPU: keeps temporaries small; a CPU gains little from larger batches."""
FREE_SHARE = 0.5
"""Share of free memory to use: long clips need more per second than the measured sample clip."""
GROWTH = 1.25
CALM_BATCHES = 50
"""Batches that must fit before the budget grows again."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Maximum padded audio seconds of one batch."""

    seconds: float
    """The current budget."""
    most_s: float
    """The configured or measured budget; never exceeded."""
    calm: int = 0
    """Number of batches that fitted since the last change."""

    @property
    def exhausted(self) -> bool:
        """Whether the budget is at its minimum."""
        return self.seconds <= min(LEAST_S, self.most_s)

    def halved(self) -> "Budget":
        """The budget after the device ran out of memory."""
        return replace(self, seconds=max(min(LEAST_S, self.most_s), self.seconds / 2), calm=0)

    def below(self, padded_s: float) -> "Budget":
        """The budget after a batch of this length ran out of memory: halved until it is smaller."""
        less = self.halved()
        while less.seconds >= padded_s and not less.exhausted:
            less = less.halved()
        return less

    def eased(self) -> "Budget":
        """The budget after a batch that fitted: grows slowly, because a failure costs a batch."""
        if self.seconds >= self.most_s:
            return self
        if self.calm + 1 < CALM_BATCHES:
            return replace(self, calm=self.calm + 1)
        return replace(self, seconds=min(self.most_s, self.seconds * GROWTH), calm=0)


def affordable_seconds(free_bytes: int, bytes_per_second: float) -> float:
    """The budget that a GPU's free memory allows, in padded seconds.

    Args:
        free_bytes: memory that the process may still allocate.
        bytes_per_second: measured peak memory of a batch per padded second.
    """
    return min(MOST_S, max(LEAST_S, FREE_SHARE * free_bytes / max(bytes_per_second, 1.0)))
