"""The stock paths: FunASR's own inference, for every model family, and as the fast paths' twins."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from worker.engine.families import paraformer
from worker.engine.faults import guarded
from worker.engine.interface import Clip, Hints, Samples
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
            input=list(inputs), batch_size=len(inputs), **options
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

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Recogniser."""
        options = dict(paraformer.GENERATE_OPTIONS)
        if hints.hotwords:
            options["hotword"] = " ".join(hints.hotwords)
        if hints.language:
            options["language"] = hints.language
        results = generate(self._model, [padded(clip.samples) for clip in clips], **options)
        if len(results) == len(clips):
            return [paraformer.read_result(result) for result in results]
        if len(clips) == 1:
            return [Recognition(text="")]
        # FunASR left items out and does not say which: one by one it cannot
        return [self.recognise([clip], hints)[0] for clip in clips]
