"""The latest range of an audio: its samples and features, kept as long as they are needed."""

import numpy as np
import torch

from funasr_fleet.worker.engine.fast.filterbank import (
    FRAME_MS,
    FRAME_SAMPLES,
    MEL_BINS,
    SHIFT_SAMPLES,
    FilterBank,
    frame_count,
)
from funasr_fleet.worker.engine.interface import Clip, Samples
from funasr_fleet.worker.engine.stock import MIN_CLIP_SAMPLES
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span


class FeatureWindow:
    """Samples and features of the latest frames. Frames are numbered from the audio's beginning."""

    def __init__(self, filterbank: FilterBank) -> None:
        self._filterbank = filterbank
        self._first = 0
        self._samples: Samples = np.empty(0, np.float32)
        self._features = torch.empty(0, MEL_BINS)

    @property
    def frames(self) -> int:
        """Number of frames since the audio's beginning."""
        return self._first + len(self._features)

    def add(self, block: Samples) -> None:
        """Append samples and compute their features; changes nothing when it fails."""
        known_frames = len(self._features)
        samples = np.concatenate([self._samples, block])
        new_features = self._filterbank(torch.from_numpy(samples[known_frames * SHIFT_SAMPLES :]))
        self._features = torch.cat([self._features.to(new_features.device), new_features])
        self._samples = samples

    def features(self, start: int, end: int) -> torch.Tensor:
        """Features of these frames, shape (end - start, 80); edge frames repeat beyond the ends."""
        rows = torch.arange(start, end).clamp_(0, self.frames - 1) - self._first
        return self._features[rows.to(self._features.device, non_blocking=True)]

    def samples_of(self, start: int, end: int) -> Samples:
        """The samples from which these frames were computed."""
        begin = (start - self._first) * SHIFT_SAMPLES
        return self._samples[begin : begin + (end - start - 1) * SHIFT_SAMPLES + FRAME_SAMPLES]

    def clip(self, span: Span) -> Clip:
        """A copy of a span, with its features when it begins at a whole frame."""
        offset = self._first * SHIFT_SAMPLES
        begin, end = span.start_ms * SAMPLES_PER_MS - offset, span.end_ms * SAMPLES_PER_MS - offset
        samples = self._samples[begin:end].copy()
        first, remainder = divmod(span.start_ms, FRAME_MS)
        if remainder or len(samples) < MIN_CLIP_SAMPLES:
            return Clip(span, samples)
        start = first - self._first
        features = self._features[start : start + frame_count(len(samples))]
        return Clip(span, samples, features.clone())

    def forget(self, before: int) -> None:
        """Drop samples and features before this frame."""
        drop = max(0, min(before, self.frames) - self._first)
        self._samples = self._samples[drop * SHIFT_SAMPLES :]
        self._features = self._features[drop:]
        self._first += drop
