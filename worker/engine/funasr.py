"""The engine on FunASR's models: a path for each step, our batches around them."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from contract.abilities import Abilities
from worker.engine import threads, voices
from worker.engine.checks import is_on_device
from worker.engine.fast.choice import Paths
from worker.engine.interface import Clip, Hints, Identity, Listener, Voice
from worker.engine.memory import first_budget_s
from worker.events import BatchRecognised, MemoryRanOut, Observer, nobody
from worker.failures import ModelError, OutOfDeviceMemory
from worker.planning.assembly import Recognition
from worker.planning.batching import padding_ratio, plan_batches
from worker.planning.budget import Budget


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
        observe: Observer = nobody,
    ) -> None:
        """Models are FunASR's AutoModels by role; punctuation and speaker may be missing."""
        self._models = models
        self._paths = paths
        self._identity = identity
        self._threads = thread_count
        self._observe = observe
        self.budget = Budget(seconds=batch_seconds, most_s=batch_seconds)
        self._adapting = threading.Lock()

    @property
    def identity(self) -> Identity:
        """See Engine."""
        return self._identity

    @property
    def paths(self) -> Paths:
        """What finds speech and what recognises it."""
        return self._paths

    @property
    def fast_paths(self) -> dict[str, bool]:
        """See Engine."""
        return self._paths.fast

    @property
    def abilities(self) -> Abilities:
        """See Engine."""
        can = self._paths.can
        punctuated = can.punctuation or self._paths.punctuator is not None
        return can.model_copy(
            update={"punctuation": punctuated, "speakers": "speaker" in self._models}
        )

    @property
    def longest_s(self) -> float:
        """See Engine."""
        return self._paths.family.longest_s

    def listen(self) -> Listener:
        """See Engine."""
        return self._paths.detector.listen(self._make_room)

    def _make_room(self) -> None:
        """The batches that are recognised beside it took what a listener lacks."""
        self._adapt(Budget.halved)
        self._observe(MemoryRanOut(budget_s=self.budget.seconds))

    def _adapt(self, change: Callable[[Budget], Budget]) -> None:
        """Beside a GPU one thread listens while another recognises: neither's change is lost."""
        with self._adapting:
            self.budget = change(self.budget)

    def size_batches(self, clip: Clip) -> None:
        """Let the device's free memory decide how much goes through at once, by trying a clip."""

        def hear(clips: Sequence[Clip]) -> object:
            with self.precision():
                return self._paths.recogniser.recognise(clips, Hints())

        seconds = first_budget_s(self._identity.device, hear, clip)
        self._adapt(lambda _: Budget(seconds=seconds, most_s=seconds))

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Engine; a batch for which memory is too small is tried again in smaller ones."""
        heard: dict[int, Recognition] = {}
        for batch in self.batches(clips):
            heard.update(zip(batch, self._hear([clips[i] for i in batch], hints), strict=True))
        return [heard[index] for index in range(len(clips))]

    def batches(self, clips: Sequence[Clip]) -> Iterator[list[int]]:
        """Which clips go through the recogniser together, as positions; follows the budget."""
        if not self._paths.can.batch:
            return iter([[position] for position in range(len(clips))])
        return plan_batches([clip.seconds for clip in clips], lambda: self.budget.seconds)

    def _hear(self, batch: list[Clip], hints: Hints) -> list[Recognition]:
        results = self._try(batch, hints)
        if results is None:  # the error is gone by now, and with it what its traceback held
            return self._hear_less_at_once(batch, hints)
        self._adapt(Budget.eased)
        lengths = [clip.seconds for clip in batch]
        ratio, budget_s = padding_ratio(lengths), self.budget.seconds
        self._observe(BatchRecognised(seconds=sum(lengths), padding_ratio=ratio, budget_s=budget_s))
        return results

    def _try(self, batch: list[Clip], hints: Hints) -> list[Recognition] | None:
        """Recognise; None when memory is too small for so many clips."""
        try:
            with self.precision():
                return self._paths.recogniser.recognise(batch, hints)
        except OutOfDeviceMemory:
            if len(batch) == 1:
                raise
            return None

    def _hear_less_at_once(self, batch: list[Clip], hints: Hints) -> list[Recognition]:
        torch.cuda.empty_cache()
        alone = self.budget.exhausted
        padded_s = max(clip.seconds for clip in batch) * len(batch)
        self._adapt(lambda budget: budget.below(padded_s))
        self._observe(MemoryRanOut(budget_s=self.budget.seconds))
        if alone:
            return [self._hear([clip], hints)[0] for clip in batch]
        return self.recognise(batch, hints)

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Engine."""
        punctuator = self._paths.punctuator
        return punctuator.punctuate(texts) if punctuator else list(texts)

    def hear_voices(self, clips: Sequence[Clip]) -> list[Voice]:
        """See Engine."""
        model = self._models.get("speaker")
        if model is None:
            raise ModelError("speakers were asked for, but FLEET_SPK_MODEL names no model")
        return voices.Voices(model).hear(clips)

    def tell_apart(
        self, heard: Sequence[Voice], count: int | None = None, seconds: Sequence[float] = ()
    ) -> list[list[str]]:
        """See Engine."""
        return voices.tell_apart(heard, count, seconds)

    def hold_threads(self) -> int:
        """See Engine."""
        return threads.hold_threads(self._threads)

    def on_device(self) -> bool:
        """See Engine."""
        device = self._identity.device
        return all(is_on_device(model.model, device) for model in self._models.values())

    def precision(self) -> contextlib.AbstractContextManager[Any]:
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
