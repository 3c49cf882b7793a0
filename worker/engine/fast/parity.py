"""Compare the results of two paths."""

from collections.abc import Sequence

from funasr_fleet.worker.text.segments import Recognition

NEAR_MS = 40
"""Two steps of Paraformer's word times; rounding on another device may move one by a step."""


def same_words(one: Sequence[Recognition], other: Sequence[Recognition]) -> bool:
    """Whether texts and words are equal and word times differ by at most NEAR_MS."""
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Recognition, other: Recognition) -> bool:
    if one.text != other.text or (one.words is None) != (other.words is None):
        return False
    words, others = one.words or (), other.words or ()
    return len(words) == len(others) and all(
        this.text == that.text
        and abs(this.start_ms - that.start_ms) <= NEAR_MS
        and abs(this.end_ms - that.end_ms) <= NEAR_MS
        for this, that in zip(words, others, strict=True)
    )
