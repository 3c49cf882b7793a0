"""The engine on FunASR's models: one path for each step, and batches under a memory budget."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.language import code_among
from funasr_fleet.worker.engine import diarization
from funasr_fleet.worker.engine.checks import is_on_device
from funasr_fleet.worker.engine.fast.selection import EnginePaths
from funasr_fleet.worker.engine.interface import (
    Clip,
    Hints,
    Identity,
    SpeakerEmbeddings,
    StreamingVad,
)
from funasr_fleet.worker.errors import ModelError, OutOfDeviceMemory
from funasr_fleet.worker.events import BatchRecognised, Observer, OutOfMemoryBackoff, ignore
from funasr_fleet.worker.text.batching import (
    ON_CPU_S,
    Budget,
    affordable_seconds,
    padding_ratio,
    plan_batches,
)
from funasr_fleet.worker.text.segments import Recognition

_SAMPLE_S = 30.0
"""Length of the batch that is measured."""


class FunasrEngine:
    """Implements Engine with FunASR's AutoModels."""

    def __init__(
        self,
        models: Mapping[str, Any],
        paths: EnginePaths,
        identity: Identity,
        *,
        thread_count: int,
        batch_seconds: float,
        observe: Observer = ignore,
    ) -> None:
        """Wrap loaded models; loader.build_engine loads them.

        Args:
            models: AutoModels by role: recogniser, vad, and optionally punctuation and speaker.
            paths: the fast or stock path of each step.
            identity: what receipts record about this engine.
            thread_count: torch's threads within an operator.
            batch_seconds: maximum size of a batch, in seconds of audio including padding.
            observe: receives events about batches and memory.
        """
        self._models = models
        self.paths = paths
        self.identity = identity
        self._threads = thread_count
        self._observe = observe
        self.budget = Budget(seconds=batch_seconds, most_s=batch_seconds)
        self._budget_lock = threading.Lock()
        self.canary_speed: float | None = None
        """Seconds of the canary transcribed per second of work; None if it was not transcribed."""

    @property
    def fast_paths(self) -> dict[str, bool]:
        """Fast path name -> whether it is used."""
        return self.paths.fast

    @property
    def abilities(self) -> Abilities:
        """The combined capabilities of the loaded models."""
        can = self.paths.can
        punctuated = can.punctuation or self.paths.punctuator is not None
        return can.model_copy(
            update={"punctuation": punctuated, "speakers": "speaker" in self._models}
        )

    @property
    def longest_s(self) -> float:
        """The longest clip that the recogniser accepts, in s."""
        return self.paths.family.longest_s

    def start_vad(self) -> StreamingVad:
        """Start VAD of one audio; when memory is full, the batch budget is halved."""
        return self.paths.detector.start_vad(self._halve_budget_on_oom)

    def _halve_budget_on_oom(self) -> None:
        """Halve the batch budget: VAD ran out of memory beside concurrent recognition."""
        self._update_budget(Budget.halved)
        self._observe(OutOfMemoryBackoff(budget_s=self.budget.seconds))

    def _update_budget(self, change: Callable[[Budget], Budget]) -> None:
        """Apply a change under a lock: on a GPU, VAD and recognition run in two threads."""
        with self._budget_lock:
            self.budget = change(self.budget)

    def size_batches(self, clip: Clip) -> None:
        """Set the batch budget; on a GPU, from free memory and a sample batch's peak memory."""
        seconds = ON_CPU_S
        if self.identity.device.startswith("cuda"):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            clips = [clip] * max(1, round(_SAMPLE_S / clip.seconds))
            with self.precision():
                self.paths.recogniser.recognise(clips, Hints())
            needed = torch.cuda.max_memory_allocated() - before
            unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            free, _ = torch.cuda.mem_get_info()
            seconds = affordable_seconds(free + unused, needed / (clip.seconds * len(clips)))
        self._update_budget(lambda _: Budget(seconds=seconds, most_s=seconds))

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """Recognise clips; a batch that does not fit into memory is retried in smaller batches."""
        hints = self._in_codes_of_model(hints)
        results: dict[int, Recognition] = {}
        for batch in self.batches(clips):
            of_batch = self._recognise_batch([clips[i] for i in batch], hints)
            results.update(zip(batch, of_batch, strict=True))
        return [results[index] for index in range(len(clips))]

    def _in_codes_of_model(self, hints: Hints) -> Hints:
        """The hints with the model's own language code; without one if none can be selected."""
        languages, asked = self.paths.can.languages, hints.language
        if asked is None or languages is None:
            return replace(hints, language=None)
        return replace(hints, language=code_among(asked, languages))

    def batches(self, clips: Sequence[Clip]) -> Iterator[list[int]]:
        """Group clips into batches under the current budget; yields indices into `clips`."""
        if not self.paths.can.batch:
            return iter([[position] for position in range(len(clips))])
        return plan_batches([clip.seconds for clip in clips], lambda: self.budget.seconds)

    def _recognise_batch(self, batch: list[Clip], hints: Hints) -> list[Recognition]:
        results = self._try_recognise(batch, hints)
        if results is None:  # the exception, whose traceback held tensors, is released by now
            return self._retry_smaller(batch, hints)
        self._update_budget(Budget.eased)
        lengths = [clip.seconds for clip in batch]
        ratio, budget_s = padding_ratio(lengths), self.budget.seconds
        self._observe(BatchRecognised(seconds=sum(lengths), padding_ratio=ratio, budget_s=budget_s))
        return results

    def _try_recognise(self, batch: list[Clip], hints: Hints) -> list[Recognition] | None:
        """Recognise; None when the batch does not fit into memory. Raises for a single clip."""
        try:
            with self.precision():
                return self.paths.recogniser.recognise(batch, hints)
        except OutOfDeviceMemory:
            if len(batch) == 1:
                raise
            return None

    def _retry_smaller(self, batch: list[Clip], hints: Hints) -> list[Recognition]:
        """Reduce the budget below this batch's size and recognise it again.

        If the budget is at its minimum already, recognise the clips one by one.
        """
        torch.cuda.empty_cache()
        alone = self.budget.exhausted
        padded_s = max(clip.seconds for clip in batch) * len(batch)
        self._update_budget(lambda budget: budget.below(padded_s))
        self._observe(OutOfMemoryBackoff(budget_s=self.budget.seconds))
        if alone:
            return [self._recognise_batch([clip], hints)[0] for clip in batch]
        return self.recognise(batch, hints)

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Add punctuation to each text; texts are unchanged without a punctuation model."""
        punctuator = self.paths.punctuator
        return punctuator.punctuate(texts) if punctuator else list(texts)

    def embed_speakers(self, clips: Sequence[Clip]) -> list[SpeakerEmbeddings]:
        """Compute the speaker embeddings of each clip, one row per window of 1.5 s."""
        model = self._models.get("speaker")
        if model is None:
            raise ModelError("speakers were requested, but FLEET_SPK_MODEL is not set")
        return diarization.SpeakerEmbedder(model).embed(clips)

    def cluster_speakers(
        self,
        embeddings: Sequence[SpeakerEmbeddings],
        count: int | None = None,
        seconds: Sequence[float] = (),
    ) -> list[list[str]]:
        """Label each window of each clip of one recording with its speaker."""
        return diarization.cluster_speakers(embeddings, count, seconds)

    def hold_threads(self) -> int:
        """Return torch's current thread count and reset it to the planned one."""
        current = torch.get_num_threads()
        if current != self._threads:
            torch.set_num_threads(self._threads)
        return current

    def on_device(self) -> bool:
        """Whether every model parameter is still on the planned device."""
        device = self.identity.device
        return all(is_on_device(model.model, device) for model in self._models.values())

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """Autocast matrix products to FLEET_PRECISION; FunASR's flags fail on fp32 features."""
        bits = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.identity.precision)
        if bits is None:
            return contextlib.nullcontext()
        return torch.autocast(self.identity.device.partition(":")[0], dtype=bits)

    def memory_bytes(self) -> dict[str, int]:
        """Device memory of this process: allocated and reserved; empty on a CPU."""
        if not self.identity.device.startswith("cuda"):
            return {}
        return {
            "allocated": torch.cuda.memory_allocated(),
            "reserved": torch.cuda.memory_reserved(),
        }
