"""The stock paths: FunASR's own inference, for every family and as reference for fast paths."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from funasr_fleet.worker.engine.device_errors import translate_errors
from funasr_fleet.worker.engine.families import family_of
from funasr_fleet.worker.engine.interface import (
    BLOCK_SAMPLES,
    Clip,
    Hints,
    OnOom,
    Samples,
    StreamingVad,
)
from funasr_fleet.worker.errors import ModelError
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS, Span, clamp

MIN_CLIP_SAMPLES = SAMPLE_RATE // 10
"""Shorter clips are padded with silence: LFR and the encoder's kernel need several frames."""


def generate(model: Any, inputs: Sequence[object], **options: Any) -> list[dict[str, Any]]:
    """Call AutoModel.generate with a list, so that FunASR does not treat items as file names.

    Raises the errors of translate_errors.
    """
    with translate_errors():
        results: list[dict[str, Any]] = model.generate(
            input=list(inputs), **{"batch_size": len(inputs), **options}
        )
    return results


def padded(samples: Samples) -> Samples:
    """The samples, padded with silence to at least 100 ms."""
    missing = MIN_CLIP_SAMPLES - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


class StockPunctuator:
    """A FunASR punctuation model, called with one text at a time."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Add punctuation to each text; an empty text stays empty."""
        return [self._punctuate_one(text) if text.strip() else text for text in texts]

    def _punctuate_one(self, text: str) -> str:
        (result,) = generate(self._model, [text])
        return str(result["text"])


class StockRecogniser:
    """A FunASR recogniser; returns one result per clip even when FunASR omits some."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._family = family_of(model)
        self._can_batch = self._family.narrow_abilities(self._family.can, model).batch

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """Recognise one batch; one result per clip, in the same order."""
        one_by_one = not self._can_batch or self._family.needs_single_clips(hints)
        if len(clips) > 1 and one_by_one:
            return [self.recognise([clip], hints)[0] for clip in clips]
        try:
            results, confidences = self._generate(clips, hints)
        except ModelError:
            if len(clips) > 1:  # a batch may fail because of one clip, or of the order of clips
                return [self.recognise([clip], hints)[0] for clip in clips]
            if not hints.word_times:
                raise
            # FunASR aligns words to frames, and fails when there are too few frames
            return self.recognise(clips, replace(hints, word_times=False))
        if len(results) == len(clips):
            return list(map(self._family.read, results, confidences))
        if len(clips) == 1:
            return [Recognition(text="")]
        # FunASR omitted results and does not tell which; recognise the clips one by one
        return [self.recognise([clip], hints)[0] for clip in clips]

    def _generate(
        self, clips: Sequence[Clip], hints: Hints
    ) -> tuple[list[dict[str, Any]], list[float | None]]:
        """FunASR's results, and the captured confidences (None per clip if there are none)."""
        family = self._family
        inputs = [family.to_input(padded(clip.samples)) for clip in clips]
        size = max(len(inputs), family.min_batch_size(self._model.model))
        with family.capture_confidences(self._model.model) as confidences:
            options = family.generate_options(hints)
            results = generate(self._model, inputs, batch_size=size, **options)
        complete = len(confidences) == len(results)
        return results, list(confidences) if complete else [None] * len(results)


class StockDetector:
    """A FunASR VAD model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def start_vad(self, on_oom: OnOom = ignore) -> StreamingVad:
        """Start VAD of one audio. Never retries: a failure leaves FunASR's state partly updated."""
        return FsmnStreamingVad(self._model) if is_fsmn(self._model) else BufferedVad(self._model)


def is_fsmn(model: Any) -> bool:
    """Whether this is FunASR's FSMN-VAD."""
    return type(model.model).__name__ == "FsmnVADStreaming"


class FsmnStreamingVad:
    """FSMN-VAD in blocks of one minute, the chunks into which FunASR cuts a whole audio.

    FunASR ignores an input without samples, even a final one, so an empty block cannot end the
    audio. Each block is therefore held back until the next one arrives; the last is passed as
    final.
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
        """Process the next block and return the speech that has ended."""
        previous, self._last_block = self._last_block, block
        return self._detect(previous, last=False) if len(previous) else []

    def flush(self) -> list[Clip]:
        """End the audio and return the remaining speech."""
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
        """Process the next block and return the speech that has ended."""
        self._blocks.append(block)
        return []

    def flush(self) -> list[Clip]:
        """End the audio and return the remaining speech."""
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
