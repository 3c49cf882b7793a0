"""Runs VAD on files while they are decoded, and merges and cuts its clips to the requested lengths.

A file that fails does not affect the next one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from funasr_fleet.contract.job import MAX_SEGMENT_S, Options
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.engine.interface import BLOCK_SAMPLES, Clip, Engine, Samples, StreamingVad
from funasr_fleet.worker.error_handling import RestartChild, decide
from funasr_fleet.worker.pipeline.fetch import FetchedFile
from funasr_fleet.worker.pipeline.file_state import ClipOfFile, EndOfFile, FileInProgress
from funasr_fleet.worker.pipeline.timers import UtilizationTimer
from funasr_fleet.worker.text.silence_split import cut_quietest, may_merge
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span

_WAIT_S = 1.0
"""While a file's next block is not decoded, None is yielded at this interval."""


def detect_speech(
    engine: Engine, files: Iterable[FetchedFile], busy: UtilizationTimer
) -> Iterator[ClipOfFile | EndOfFile | None]:
    """Yield every clip of every file, and an EndOfFile after the clips of each file.

    While it waits for audio, it yields None once a second, so that the caller can process the
    clips it has.

    An error is stored in its file, whose earlier clips are no longer needed. Errors that would
    affect every file (RestartChild) are raised.
    """
    for fetched in files:
        file = FileInProgress(fetched)
        try:
            yield from _detect_in_file(engine, file, busy)
        except Exception as error:
            if isinstance(decide(error, 0), RestartChild):
                raise
            file.fail(error)
        finally:
            fetched.close()
        yield EndOfFile(file)


def _detect_in_file(
    engine: Engine, file: FileInProgress, busy: UtilizationTimer
) -> Iterator[ClipOfFile | None]:
    vads: dict[int | None, StreamingVad] = {}
    stopwatch = file.fetched.file_job.stopwatch
    for planes in file.fetched.blocks.with_waits(_WAIT_S):
        if planes is None:
            yield None
            continue
        if not vads:
            channels = Selection.of(file.ref, file.options).channels(len(planes))
            limits = SegmentLimits.of(file.options, engine.longest_s)
            vads = {
                channel: SegmentLengthFilter(engine.start_vad(), limits) for channel in channels
            }
            file.channels = {channel: [] for channel in channels}
        for (channel, vad), samples in zip(vads.items(), planes, strict=True):
            with stopwatch("vad"), busy():
                clips = vad.push(samples)
            yield from (ClipOfFile(file, channel, clip) for clip in clips)
    for channel, vad in vads.items():
        with stopwatch("vad"), busy():
            clips = vad.flush()
        yield from (ClipOfFile(file, channel, clip) for clip in clips)


_KEPT_SAMPLES = 3 * BLOCK_SAMPLES
"""A streaming VAD reports a segment within a minute of its end: the buffer must reach back that
far, plus the length of the segment."""


@dataclass(frozen=True, kw_only=True)
class SegmentLimits:
    """Requested lengths of clips, in ms."""

    merge_ms: int | None
    """Longest clip to merge neighbours into; None merges nothing."""
    longest_ms: int

    @classmethod
    def of(cls, options: Options, longest_s: float) -> "SegmentLimits":
        """The limits of a file's options, capped at the model's longest clip in s."""
        longest_ms = round(1000 * min(options.max_segment_seconds or MAX_SEGMENT_S, longest_s))
        merge = options.merge_seconds
        merge_ms = None if merge is None else min(round(merge * 1000), longest_ms)
        return cls(merge_ms=merge_ms, longest_ms=longest_ms)


class SegmentLengthFilter:
    """A StreamingVad that merges and cuts the clips of another one to the requested lengths."""

    def __init__(self, vad: StreamingVad, limits: SegmentLimits) -> None:
        self._vad, self._limits = vad, limits
        self._waiting: Clip | None = None
        """The latest clip, which may still be merged with the next one."""
        self._recent: Samples = np.empty(0, np.float32)
        self._received = 0
        """Samples pushed so far."""

    def push(self, block: Samples) -> list[Clip]:
        """Process the next block and return the speech that has ended."""
        if self._limits.merge_ms is not None:
            self._recent = np.concatenate([self._recent[-_KEPT_SAMPLES:], block])
            self._received += len(block)
        return self._arrange(self._vad.push(block))

    def flush(self) -> list[Clip]:
        """End the audio and return the remaining speech."""
        clips = self._arrange(self._vad.flush())
        last, self._waiting = self._waiting, None
        return clips + (self._cut(last) if last else [])

    def _arrange(self, clips: list[Clip]) -> list[Clip]:
        if self._limits.merge_ms is None:
            return [piece for clip in clips for piece in self._cut(clip)]
        done: list[Clip] = []
        for clip in clips:
            before = self._waiting
            if before and may_merge(before.span, clip.span, self._limits.merge_ms):
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
        """The samples between two clips; zeros for those no longer kept, which are not speech."""
        first = self._received - len(self._recent)
        start, end = (ms * SAMPLES_PER_MS - first for ms in (start_ms, end_ms))
        known = self._recent[max(0, start) : max(0, end)]
        return np.pad(known, (end - start - len(known), 0))

    def _cut(self, clip: Clip) -> list[Clip]:
        longest_ms = self._limits.longest_ms
        return [clip] if clip.span.length_ms <= longest_ms else cut_clip(clip, longest_ms)


def cut_clip(clip: Clip, longest_ms: int) -> list[Clip]:
    """Cut a clip at its quietest points into pieces of at most `longest_ms`."""
    begin = clip.span.start_ms
    return [
        Clip(
            Span(begin + start_ms, begin + end_ms),
            clip.samples[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS],
        )
        for start_ms, end_ms in cut_quietest(clip.samples, longest_ms)
    ]
