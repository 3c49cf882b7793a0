"""The engine on FunASR's models: a path for each step, our batches around them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from worker.engine import threads
from worker.engine.checks import is_on_device
from worker.engine.fast.choice import Paths
from worker.engine.interface import Clip, Hints, Identity, Sound
from worker.engine.stock import generate, padded
from worker.failures import ModelError
from worker.planning.assembly import Recognition
from worker.planning.batching import plan_batches
from worker.planning.spans import SAMPLE_RATE, Span


class FunasrEngine:
    """See Engine."""

    def __init__(
        self,
        models: Mapping[str, Any],
        paths: Paths,
        identity: Identity,
        *,
        thread_count: int,
        batch_seconds: float,
    ) -> None:
        """Models are FunASR's AutoModels by role; punctuation and speaker may be missing."""
        self._models = models
        self._paths = paths
        self._identity = identity
        self._threads = thread_count
        self._budget_samples = int(batch_seconds * SAMPLE_RATE)

    @property
    def identity(self) -> Identity:
        """See Engine."""
        return self._identity

    @property
    def paths(self) -> Paths:
        """What finds speech and what recognises it."""
        return self._paths

    def batches(self, clips: Sequence[Clip]) -> Iterator[list[int]]:
        """Which clips go through the recogniser together, as positions."""
        return plan_batches([len(clip.samples) for clip in clips], self._budget_samples)

    @property
    def fast_paths(self) -> dict[str, bool]:
        """See Engine."""
        return self._paths.fast

    def find_speech(self, sound: Sound) -> list[Span]:
        """See Engine."""
        return self._paths.detector.find(sound)

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Engine."""
        heard: dict[int, Recognition] = {}
        for batch in self.batches(clips):
            with self._precision():
                results = self._paths.recogniser.recognise([clips[i] for i in batch], hints)
            heard.update(zip(batch, results, strict=True))
        return [heard[index] for index in range(len(clips))]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Engine."""
        return [self._punctuated(text) for text in texts]

    def _punctuated(self, text: str) -> str:
        model = self._models.get("punctuation")
        if model is None or not text:
            return text
        (result,) = generate(model, [text])
        return str(result["text"])

    def tell_speakers(self, clips: Sequence[Clip]) -> list[str]:
        """See Engine; clusters one embedding per clip."""
        model = self._models.get("speaker")
        if model is None:
            raise ModelError("speakers were asked for, but FLEET_SPK_MODEL names no model")
        from funasr.models.campplus.cluster_backend import ClusterBackend

        if len(clips) <= 1:
            return ["0"] * len(clips)
        embeddings = [generate(model, [padded(clip.samples)])[0] for clip in clips]
        stacked = torch.cat([one["spk_embedding"] for one in embeddings]).float().cpu()
        return [str(int(label)) for label in ClusterBackend()(stacked, oracle_num=None)]

    def hold_threads(self) -> int:
        """See Engine."""
        return threads.hold_threads(self._threads)

    def on_device(self) -> bool:
        """See Engine."""
        device = self._identity.device
        return all(is_on_device(model.model, device) for model in self._models.values())

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
