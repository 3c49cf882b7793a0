"""Clips -> batches: sorted by length, within a budget of padded seconds.

A batch costs its longest clip times its number of clips, because shorter clips are padded.
"""

from collections.abc import Callable, Iterator, Sequence


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
