"""Speech as it was found -> clips as they are recognised: merged, and cut, as a job asks."""

from dataclasses import dataclass

import numpy as np

from contract.job import MAX_SEGMENT_S, Options
from worker.engine.interface import BLOCK_SAMPLES, Clip, Listener, Samples
from worker.planning.cutting import cut_quietest, may_merge
from worker.planning.spans import SAMPLES_PER_MS, Span

_REMEMBERED = 3 * BLOCK_SAMPLES
"""Detectors that tell as they go tell of speech within a minute of its end, and of its length."""


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How long clips are to be, in ms."""

    merge_ms: int | None
    """None leaves neighbours apart."""
    longest_ms: int

    @classmethod
    def of(cls, options: Options, longest_s: float) -> "Lengths":
        """What a file asks for, within what the model takes."""
        longest_ms = round(1000 * min(options.max_segment_seconds or MAX_SEGMENT_S, longest_s))
        merge = options.merge_seconds
        merge_ms = None if merge is None else min(round(merge * 1000), longest_ms)
        return cls(merge_ms=merge_ms, longest_ms=longest_ms)


class SegmentingListener:
    """A listener whose clips have the lengths asked for."""

    def __init__(self, listener: Listener, lengths: Lengths) -> None:
        self._listener, self._lengths = listener, lengths
        self._waiting: Clip | None = None
        """May be merged with what comes next."""
        self._recent: Samples = np.empty(0, np.float32)
        self._heard = 0
        """Samples in all."""

    def hear(self, block: Samples) -> list[Clip]:
        """See Listener."""
        if self._lengths.merge_ms is not None:
            self._recent = np.concatenate([self._recent[-_REMEMBERED:], block])
            self._heard += len(block)
        return self._arrange(self._listener.hear(block))

    def finish(self) -> list[Clip]:
        """See Listener."""
        clips = self._arrange(self._listener.finish())
        last, self._waiting = self._waiting, None
        return clips + (self._cut(last) if last else [])

    def _arrange(self, found: list[Clip]) -> list[Clip]:
        if self._lengths.merge_ms is None:
            return [piece for clip in found for piece in self._cut(clip)]
        done: list[Clip] = []
        for clip in found:
            before = self._waiting
            if before and may_merge(before.span, clip.span, self._lengths.merge_ms):
                self._waiting = self._merged(before, clip)
            else:
                done += self._cut(before) if before else []
                self._waiting = clip
        return done

    def _merged(self, one: Clip, other: Clip) -> Clip:
        between = self._between(one.span.end_ms, other.span.start_ms)
        samples = np.concatenate([one.samples, between, other.samples])
        return Clip(Span(one.span.start_ms, other.span.end_ms), samples)

    def _between(self, start_ms: int, end_ms: int) -> Samples:
        """What was heard there; silence where that is forgotten, for it was no speech."""
        first = self._heard - len(self._recent)
        start, end = (ms * SAMPLES_PER_MS - first for ms in (start_ms, end_ms))
        known = self._recent[max(0, start) : max(0, end)]
        return np.pad(known, (end - start - len(known), 0))

    def _cut(self, clip: Clip) -> list[Clip]:
        longest_ms = self._lengths.longest_ms
        return [clip] if clip.span.length_ms <= longest_ms else cut_clip(clip, longest_ms)


def cut_clip(clip: Clip, longest_ms: int) -> list[Clip]:
    """The same speech in pieces of at most so many ms, cut where it is quietest."""
    begin = clip.span.start_ms
    return [
        Clip(
            Span(begin + start_ms, begin + end_ms),
            clip.samples[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS],
        )
        for start_ms, end_ms in cut_quietest(clip.samples, longest_ms)
    ]
