"""VAD by FunASR's own inference, on audio that arrives in blocks."""

from typing import Any

import numpy as np

from funasr_fleet.worker.engine.interface import (
    BLOCK_SAMPLES,
    Clip,
    OnOom,
    Samples,
    StreamingVad,
    ignore,
)
from funasr_fleet.worker.engine.stock import generate
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span, clamp


class StockDetector:
    """A FunASR VAD model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def start_vad(self, on_oom: OnOom = ignore) -> StreamingVad:
        """See Detector. Never retries: a failure leaves FunASR's state partly updated."""
        return FsmnStreamingVad(self._model) if is_fsmn(self._model) else BufferedVad(self._model)


def is_fsmn(model: Any) -> bool:
    """Whether this is FunASR's FSMN-VAD."""
    return type(model.model).__name__ == "FsmnVADStreaming"


class FsmnStreamingVad:
    """FSMN-VAD in blocks of one minute, the chunks into which FunASR cuts a whole audio.

    When an audio ends at a chunk boundary, FunASR itself closes it with an empty chunk. The last
    block must therefore be passed as the final one: each block waits until the next one arrives.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache: dict[str, Any] = {}
        self._last_block: Samples = np.empty(0, np.float32)
        self._recent: Samples = np.empty(0, np.float32)
        self._first = 0
        longest_ms = int(model.model.vad_opts.max_single_segment_time)
        self._kept = longest_ms * SAMPLES_PER_MS + BLOCK_SAMPLES
        """Samples to keep: the longest segment that may end in a block, and one block more."""

    def push(self, block: Samples) -> list[Clip]:
        """See StreamingVad."""
        previous, self._last_block = self._last_block, block
        return self._detect(previous, last=False) if len(previous) else []

    def flush(self) -> list[Clip]:
        """See StreamingVad."""
        return self._detect(self._last_block, last=True)

    def _detect(self, block: Samples, *, last: bool) -> list[Clip]:
        kept = self._recent[-self._kept :]
        self._first += len(self._recent) - len(kept)
        self._recent = np.concatenate([kept, block])
        (result,) = generate(self._model, [block], cache=self._cache, is_final=last)
        return cut_clips(self._recent, result["value"], self._first)


class BufferedVad:
    """Any other VAD model; it processes the whole audio at the end."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._blocks: list[Samples] = []

    def push(self, block: Samples) -> list[Clip]:
        """See StreamingVad."""
        self._blocks.append(block)
        return []

    def flush(self) -> list[Clip]:
        """See StreamingVad."""
        samples = np.concatenate(self._blocks)
        self._blocks.clear()
        (result,) = generate(self._model, [samples])
        return cut_clips(samples, result["value"], 0)


def cut_clips(samples: Samples, segments: list[list[int]], first: int) -> list[Clip]:
    """Copy the detected segments out of the samples.

    Args:
        samples: the end of the audio so far.
        segments: [start, end] of each segment, in ms from the audio's beginning.
        first: index of the first of the samples in the audio.
    """
    offset_ms = first // SAMPLES_PER_MS
    length_ms = offset_ms + len(samples) // SAMPLES_PER_MS
    spans = (clamp(Span(int(start), int(end)), length_ms) for start, end in segments)
    return [
        Clip(span, samples[span.samples.start - first : span.samples.stop - first].copy())
        for span in sorted(filter(None, spans))
    ]
