"""The stock paths: FunASR's own inference, for every model family, and as the fast paths' twins."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from worker.engine.families import family_of
from worker.engine.faults import guarded
from worker.engine.interface import Clip, Hints, Samples
from worker.failures import ModelError
from worker.planning.assembly import Recognition
from worker.planning.spans import SAMPLE_RATE

MIN_CLIP_SAMPLES = SAMPLE_RATE // 10
"""Shorter clips are padded with silence: LFR and the encoder's kernel need some frames."""


def generate(model: Any, inputs: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
    """Call AutoModel.generate with a list, so that its items never reach FunASR's loaders.

    Raises as guarded does.
    """
    with guarded():
        results: list[dict[str, Any]] = model.generate(
            input=list(inputs), **{"batch_size": len(inputs), **options}
        )
    return results


def padded(samples: Samples) -> Samples:
    """At least 100 ms of samples."""
    missing = MIN_CLIP_SAMPLES - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


class StockPunctuator:
    """A punctuation model of FunASR, which takes one text at a time."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Punctuator."""
        return [self._one(text) if text.strip() else text for text in texts]

    def _one(self, text: str) -> str:
        (result,) = generate(self._model, [text])
        return str(result["text"])


class StockRecogniser:
    """A recogniser of FunASR; one clip is never lost, whatever it leaves out of its lists."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._family = family_of(model)
        self._batches = self._family.narrowed(self._family.can, model).batch

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Recogniser."""
        alone = not self._batches or self._family.alone(hints)
        if len(clips) > 1 and alone:
            return [self.recognise([clip], hints)[0] for clip in clips]
        try:
            results, overheard = self._generate(clips, hints)
        except ModelError:
            if len(clips) > 1:  # FunASR's batches may fail of one clip, or of their order
                return [self.recognise([clip], hints)[0] for clip in clips]
            if not hints.word_times:
                raise
            # FunASR aligns words to frames, and fails where there are too few of these
            return self.recognise(clips, replace(hints, word_times=False))
        if len(results) == len(clips):
            return list(map(self._family.read, results, overheard))
        if len(clips) == 1:
            return [Recognition(text="")]
        # FunASR left items out and does not say which: one by one it cannot
        return [self.recognise([clip], hints)[0] for clip in clips]

    def _generate(
        self, clips: Sequence[Clip], hints: Hints
    ) -> tuple[list[dict[str, Any]], list[Any]]:
        """What FunASR says of the clips, and what it left out of that."""
        family = self._family
        inputs = [family.take(padded(clip.samples)) for clip in clips]
        size = max(len(inputs), family.told_at_once(self._model.model))
        with family.overhear(self._model.model) as overheard:
            results = generate(self._model, inputs, batch_size=size, **family.ask(hints))
        complete = len(overheard) == len(results)
        return results, list(overheard) if complete else [None] * len(results)
