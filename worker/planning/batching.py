"""Clips -> batches: length-sorted, and never over the budget of padded seconds.

A batch costs its longest clip times its count, because the shorter ones are padded.
"""

from collections.abc import Callable, Iterator, Sequence


def plan_batches(lengths: Sequence[float], budget: Callable[[], float]) -> Iterator[list[int]]:
    """Group clips of similar length.

    Args:
        lengths: length of each clip, in any unit.
        budget: the most that longest x count may be, in the same unit; asked again for every
            batch, because it changes. A single clip that is longer goes alone.

    Yields:
        Indices into lengths, the shortest clips first; every index exactly once.
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
    """Share of a batch that is padding: 0 when all clips are equally long."""
    padded = max(lengths, default=0) * len(lengths)
    return 1 - sum(lengths) / padded if padded else 0.0
