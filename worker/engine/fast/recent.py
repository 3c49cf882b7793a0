"""The latest stretch of an audio: its samples and features, for as long as they are needed."""

import numpy as np
import torch

from worker.engine.fast.filterbank import (
    FRAME_MS,
    FRAME_SAMPLES,
    MEL_BINS,
    SHIFT_SAMPLES,
    FilterBank,
    frame_count,
)
from worker.engine.interface import Clip, Samples
from worker.engine.stock import MIN_CLIP_SAMPLES
from worker.planning.spans import SAMPLES_PER_MS, Span


class Recent:
    """Samples and features from some frame on; frames are counted from the audio's beginning."""

    def __init__(self, filterbank: FilterBank) -> None:
        self._filterbank = filterbank
        self._first = 0
        self._samples: Samples = np.empty(0, np.float32)
        self._features = torch.empty(0, MEL_BINS)

    @property
    def frames(self) -> int:
        """Frames heard since the audio's beginning."""
        return self._first + len(self._features)

    def add(self, block: Samples) -> None:
        """What follows the samples so far; changes nothing when it fails."""
        known = len(self._features)
        samples = np.concatenate([self._samples, block])
        fresh = self._filterbank(torch.from_numpy(samples[known * SHIFT_SAMPLES :]))
        self._features = torch.cat([self._features.to(fresh.device), fresh])
        self._samples = samples

    def features(self, start: int, end: int) -> torch.Tensor:
        """Of these frames, shape (end - start, 80); the audio's first and last stand for others."""
        rows = torch.arange(start, end).clamp_(0, self.frames - 1) - self._first
        return self._features[rows.to(self._features.device, non_blocking=True)]

    def samples_of(self, start: int, end: int) -> Samples:
        """That these frames were made of."""
        begin = (start - self._first) * SHIFT_SAMPLES
        return self._samples[begin : begin + (end - start - 1) * SHIFT_SAMPLES + FRAME_SAMPLES]

    def clip(self, span: Span) -> Clip:
        """A copy of a stretch, with its features when it begins at a whole frame."""
        offset = self._first * SHIFT_SAMPLES
        begin, end = span.start_ms * SAMPLES_PER_MS - offset, span.end_ms * SAMPLES_PER_MS - offset
        samples = self._samples[begin:end].copy()
        first, beyond = divmod(span.start_ms, FRAME_MS)
        if beyond or len(samples) < MIN_CLIP_SAMPLES:
            return Clip(span, samples)
        start = first - self._first
        features = self._features[start : start + frame_count(len(samples))]
        return Clip(span, samples, features.clone())

    def forget(self, before: int) -> None:
        """Drop all that lies before this frame."""
        drop = max(0, min(before, self.frames) - self._first)
        self._samples = self._samples[drop * SHIFT_SAMPLES :]
        self._features = self._features[drop:]
        self._first += drop
