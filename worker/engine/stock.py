"""The stock paths: FunASR's own inference, for every model family, and as the fast paths' twins."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from worker.engine.families import paraformer
from worker.engine.interface import Clip, Hints, Listener, RanOut, Samples, unheeded
from worker.failures import DeviceLost, ModelError, OutOfDeviceMemory
from worker.planning.assembly import Recognition
from worker.planning.spans import SAMPLE_RATE

MIN_CLIP_SAMPLES = SAMPLE_RATE // 10
"""Shorter clips are padded with silence: LFR and the encoder's kernel need some frames."""


class Detector(Protocol):
    """Finds speech."""

    def listen(self, ran_out: RanOut = unheeded) -> Listener:
        """Begin with one audio; say when the device's memory is too small for a while."""


class Recogniser(Protocol):
    """Recognises one batch at a time."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """One result per clip, in the same order."""


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Turn what a model raises into our errors.

    Raises:
        OutOfDeviceMemory: the device's memory was too small.
        DeviceLost: the device is of no use to this process any more.
        ModelError: the model failed on these inputs.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(str(error)) from error
    except (RuntimeError, ValueError) as error:
        raise explain(error) from error


def generate(model: Any, inputs: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
    """Call AutoModel.generate with a list, so that its items never reach FunASR's loaders.

    Raises as guarded does.
    """
    with guarded():
        results: list[dict[str, Any]] = model.generate(
            input=list(inputs), batch_size=len(inputs), **options
        )
    return results


def explain(error: Exception) -> Exception:
    """After a CUDA error every later call fails too; other errors belong to this input."""
    lost = "CUDA error" in str(error) or "device-side assert" in str(error)
    return DeviceLost(str(error)) if lost else ModelError(f"{type(error).__name__}: {error}")


def padded(samples: Samples) -> Samples:
    """At least 100 ms of samples."""
    missing = MIN_CLIP_SAMPLES - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


class Punctuator(Protocol):
    """Puts punctuation into texts."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with its marks; an empty one stays empty."""


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
