"""The engine on FunASR's AutoModel: its classes as they are, our batches around them."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from worker.engine import threads
from worker.engine.checks import is_on_device
from worker.engine.families import paraformer
from worker.engine.interface import Hints, Identity, Samples
from worker.failures import DeviceLost, ModelError, OutOfDeviceMemory
from worker.planning.assembly import Recognition
from worker.planning.batching import plan_batches
from worker.planning.spans import SAMPLE_RATE, SAMPLES_PER_MS, Span, clamp

MIN_CLIP_SAMPLES = SAMPLE_RATE // 10
"""Shorter clips are padded with silence: LFR and the encoder's kernel need some frames."""


@dataclass(frozen=True, kw_only=True)
class Models:
    """FunASR's AutoModels of one child; None where none is configured."""

    recogniser: Any
    vad: Any
    punctuation: Any | None
    speaker: Any | None


class FunasrEngine:
    """See Engine; one clip is never lost, whatever FunASR leaves out of its lists."""

    def __init__(
        self, models: Models, identity: Identity, *, thread_count: int, batch_seconds: float
    ) -> None:
        self._models = models
        self._identity = identity
        self._threads = thread_count
        self._budget_samples = int(batch_seconds * SAMPLE_RATE)

    @property
    def identity(self) -> Identity:
        """See Engine."""
        return self._identity

    def find_speech(self, samples: Samples) -> list[Span]:
        """See Engine."""
        (result,) = self._generate(self._models.vad, [samples])
        length_ms = len(samples) // SAMPLES_PER_MS
        spans = (clamp(Span(int(start), int(end)), length_ms) for start, end in result["value"])
        return sorted(span for span in spans if span)

    def recognise(self, clips: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """See Engine."""
        heard: dict[int, Recognition] = {}
        for batch in plan_batches([len(clip) for clip in clips], self._budget_samples):
            results = self._recognise_batch([_padded(clips[i]) for i in batch], hints)
            heard.update(zip(batch, results, strict=True))
        return [heard[index] for index in range(len(clips))]

    def _recognise_batch(self, clips: list[Samples], hints: Hints) -> list[Recognition]:
        options = dict(paraformer.GENERATE_OPTIONS)
        if hints.hotwords:
            options["hotword"] = " ".join(hints.hotwords)
        if hints.language:
            options["language"] = hints.language
        with self._precision():
            results = self._generate(self._models.recogniser, clips, **options)
        if len(results) == len(clips):
            return [paraformer.read_result(result) for result in results]
        if len(clips) == 1:
            return [Recognition(text="")]
        # FunASR left items out and does not say which: one by one it cannot
        return [heard for clip in clips for heard in self._recognise_batch([clip], hints)]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Engine."""
        if self._models.punctuation is None:
            return list(texts)
        return [self._punctuated(text) for text in texts]

    def _punctuated(self, text: str) -> str:
        if not text:
            return text
        (result,) = self._generate(self._models.punctuation, [text])
        return str(result["text"])

    def tell_speakers(self, clips: Sequence[Samples]) -> list[str]:
        """See Engine; clusters one embedding per clip."""
        if self._models.speaker is None:
            raise ModelError("speakers were asked for, but FLEET_SPK_MODEL names no model")
        from funasr.models.campplus.cluster_backend import ClusterBackend

        if len(clips) <= 1:
            return ["0"] * len(clips)
        embeddings = [self._generate(self._models.speaker, [_padded(c)])[0] for c in clips]
        stacked = torch.cat([one["spk_embedding"] for one in embeddings]).float().cpu()
        return [str(int(label)) for label in ClusterBackend()(stacked, oracle_num=None)]

    def hold_threads(self) -> int:
        """See Engine."""
        return threads.hold_threads(self._threads)

    def on_device(self) -> bool:
        """See Engine."""
        used = (self._models.recogniser, self._models.vad, self._models.punctuation)
        models = [one.model for one in (*used, self._models.speaker) if one is not None]
        return all(is_on_device(model, self._identity.device) for model in models)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        """Matrix products in fewer bits; FunASR's own flags break on its 32-bit features."""
        bits = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._identity.precision)
        if bits is None:
            return contextlib.nullcontext()
        return torch.autocast(self._identity.device.partition(":")[0], dtype=bits)

    def memory_bytes(self) -> dict[str, int]:
        """See Engine."""
        if not self._identity.device.startswith("cuda"):
            return {}
        return {
            "allocated": torch.cuda.memory_allocated(),
            "reserved": torch.cuda.memory_reserved(),
        }

    def _generate(self, model: Any, inputs: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
        """Call AutoModel.generate with a list, so that its items never reach FunASR's loaders."""
        try:
            results: list[dict[str, Any]] = model.generate(
                input=list(inputs), batch_size=len(inputs), **options
            )
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfDeviceMemory(str(error)) from error
        except RuntimeError as error:
            raise _explain(error) from error
        return results


def _padded(clip: Samples) -> Samples:
    missing = MIN_CLIP_SAMPLES - len(clip)
    return np.pad(clip, (0, missing)) if missing > 0 else clip


def _explain(error: RuntimeError) -> Exception:
    """After a CUDA error every later call fails too; other errors belong to this input."""
    lost = "CUDA error" in str(error) or "device-side assert" in str(error)
    return DeviceLost(str(error)) if lost else ModelError(f"{type(error).__name__}: {error}")
