"""The stock paths: FunASR's own inference, for every family and as reference for fast paths."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from funasr_fleet.worker.engine.errors import translate_errors
from funasr_fleet.worker.engine.families import family_of
from funasr_fleet.worker.engine.interface import Clip, Hints, Samples
from funasr_fleet.worker.errors import ModelError
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLE_RATE

MIN_CLIP_SAMPLES = SAMPLE_RATE // 10
"""Shorter clips are padded with silence: LFR and the encoder's kernel need several frames."""


def generate(model: Any, inputs: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
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
        """See Punctuator."""
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
        """See Recogniser."""
        one_by_one = not self._can_batch or self._family.needs_single_clips(hints)
        if len(clips) > 1 and one_by_one:
            return [self.recognise([clip], hints)[0] for clip in clips]
        try:
            results, extras = self._generate(clips, hints)
        except ModelError:
            if len(clips) > 1:  # a batch may fail because of one clip, or of the order of clips
                return [self.recognise([clip], hints)[0] for clip in clips]
            if not hints.word_times:
                raise
            # FunASR aligns words to frames, and fails when there are too few frames
            return self.recognise(clips, replace(hints, word_times=False))
        if len(results) == len(clips):
            return list(map(self._family.read, results, extras))
        if len(clips) == 1:
            return [Recognition(text="")]
        # FunASR omitted results and does not tell which; recognise the clips one by one
        return [self.recognise([clip], hints)[0] for clip in clips]

    def _generate(
        self, clips: Sequence[Clip], hints: Hints
    ) -> tuple[list[dict[str, Any]], list[Any]]:
        """FunASR's results, and the extras that its results leave out (None per clip if absent)."""
        family = self._family
        inputs = [family.to_input(padded(clip.samples)) for clip in clips]
        size = max(len(inputs), family.min_batch_size(self._model.model))
        with family.capture_extras(self._model.model) as extras:
            options = family.generate_options(hints)
            results = generate(self._model, inputs, batch_size=size, **options)
        complete = len(extras) == len(results)
        return results, list(extras) if complete else [None] * len(results)
