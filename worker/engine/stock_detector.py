"""FunASR's own speech detectors, as audio comes in."""

from typing import Any

import numpy as np

from worker.engine.interface import BLOCK_SAMPLES, Clip, Listener, RanOut, Samples, unheeded
from worker.engine.stock import generate
from worker.planning.spans import SAMPLES_PER_MS, Span, clamp


class StockDetector:
    """A speech detector of FunASR."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def listen(self, ran_out: RanOut = unheeded) -> Listener:
        """See Detector; FunASR's state is half changed by a failure, so none is tried again."""
        return BlockListener(self._model) if is_fsmn(self._model) else WholeListener(self._model)


def is_fsmn(model: Any) -> bool:
    """Whether this is FunASR's FSMN-VAD."""
    return type(model.model).__name__ == "FsmnVADStreaming"


class BlockListener:
    """FSMN-VAD by the minute, in the chunks that it would cut a whole audio into.

    An audio that ends with a chunk is closed by an empty one inside FunASR: the last block is
    therefore held back until it is known to be the last.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache: dict[str, Any] = {}
        self._held: Samples = np.empty(0, np.float32)
        self._recent: Samples = np.empty(0, np.float32)
        self._first = 0
        longest_ms = int(model.model.vad_opts.max_single_segment_time)
        self._kept = longest_ms * SAMPLES_PER_MS + BLOCK_SAMPLES
        """Samples in which any speech that ends in a block has begun, and a block to spare."""

    def hear(self, block: Samples) -> list[Clip]:
        """See Listener."""
        before, self._held = self._held, block
        return self._listen(before, last=False) if len(before) else []

    def finish(self) -> list[Clip]:
        """See Listener."""
        return self._listen(self._held, last=True)

    def _listen(self, block: Samples, *, last: bool) -> list[Clip]:
        kept = self._recent[-self._kept :]
        self._first += len(self._recent) - len(kept)
        self._recent = np.concatenate([kept, block])
        (result,) = generate(self._model, [block], cache=self._cache, is_final=last)
        return cut(self._recent, result["value"], self._first)


class WholeListener:
    """Any other detector, which takes the audio in one piece."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._blocks: list[Samples] = []

    def hear(self, block: Samples) -> list[Clip]:
        """See Listener."""
        self._blocks.append(block)
        return []

    def finish(self) -> list[Clip]:
        """See Listener."""
        samples = np.concatenate(self._blocks)
        self._blocks.clear()
        (result,) = generate(self._model, [samples])
        return cut(samples, result["value"], 0)


def cut(samples: Samples, found: list[list[int]], first: int) -> list[Clip]:
    """Copies of what was found, in ms, within samples of which the first has this number."""
    offset_ms = first // SAMPLES_PER_MS
    length_ms = offset_ms + len(samples) // SAMPLES_PER_MS
    spans = (clamp(Span(int(start), int(end)), length_ms) for start, end in found)
    return [
        Clip(span, samples[span.samples.start - first : span.samples.stop - first].copy())
        for span in sorted(filter(None, spans))
    ]
