"""Both sides of the comparison: FunASR's own generate, our engine as the pipeline drives it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.busy import BusyClock
from worker.engine.fast.detector import FastDetector
from worker.engine.fast.recent import Recent
from worker.engine.fast.recogniser import FastRecogniser, fast_firing
from worker.engine.funasr import FunasrEngine
from worker.engine.interface import BLOCK_SAMPLES, Clip, Hints, find_speech
from worker.handover import made_ahead
from worker.planning.grouping import FIRST_S, MOST_S, in_groups
from worker.planning.words import join_texts, split_words

Recordings = Sequence[NDArray[np.float32]]


@dataclass
class Heard:
    """What one side says of every recording, and what it took."""

    texts: list[str]
    spans_ms: list[list[list[int]]] = field(default_factory=list)
    seconds: float = 0.0
    busy_s: float = 0.0
    """Time in which the models were at work."""
    stages_s: dict[str, float] = field(default_factory=dict)


def hear_stock(model: Any, recordings: Recordings, batch_size_s: int) -> Heard:
    """FunASR's own way over a list."""
    begin = time.perf_counter()
    results = model.generate(input=list(recordings), batch_size_s=batch_size_s)
    seconds = time.perf_counter() - begin
    return Heard([join_texts(split_words(one["text"])) for one in results], seconds=seconds)


def fastest_batch(model: Any, recordings: Recordings) -> int:
    """FunASR at its best: the batch size that hears these soonest."""
    return min((60, 300, 1200), key=lambda size: hear_stock(model, recordings, size).seconds)


class _Ours:
    """One pass of our engine over the recordings, the shortest first."""

    def __init__(self, engine: FunasrEngine, recordings: Recordings) -> None:
        self._engine = engine
        self._recordings = recordings
        self._busy = BusyClock(time.perf_counter)
        self._stages = {"vad": 0.0, "recognise": 0.0}
        self._said: list[list[tuple[Clip, str]]] = [[] for _ in recordings]

    def hear(self) -> Heard:
        """In groups, the next one listened to while one is recognised when there is a GPU."""
        begin = time.perf_counter()
        ahead = self._engine.identity.device != "cpu"
        groups = in_groups(self._listen(), lambda one: one[1].seconds, _first_s(self._engine))
        with ThreadPoolExecutor(1) as ears:
            for group in made_ahead(groups, 1, ears) if ahead else groups:
                self._recognise(group)
        seconds = time.perf_counter() - begin
        said = [sorted(clips, key=lambda one: one[0].span) for clips in self._said]
        self._busy.take()
        return Heard(
            texts=[join_texts([text for _, text in clips]) for clips in said],
            spans_ms=[[[c.span.start_ms, c.span.end_ms] for c, _ in clips] for clips in said],
            seconds=seconds,
            busy_s=self._busy.total_s,
            stages_s={stage: round(took, 2) for stage, took in self._stages.items()},
        )

    def _listen(self) -> Iterator[tuple[int, Clip]]:
        for number in sorted(range(len(self._recordings)), key=lambda n: len(self._recordings[n])):
            listener, samples = self._engine.listen(), self._recordings[number]
            for at in range(0, len(samples), BLOCK_SAMPLES):
                with self._timed("vad"):
                    clips = listener.hear(samples[at : at + BLOCK_SAMPLES])
                yield from ((number, clip) for clip in clips)
            with self._timed("vad"):
                clips = listener.finish()
            yield from ((number, clip) for clip in clips)

    def _recognise(self, group: list[tuple[int, Clip]]) -> None:
        with self._timed("recognise"):
            heard = self._engine.recognise([clip for _, clip in group], Hints())
        for (number, clip), one in zip(group, heard, strict=True):
            self._said[number].append((clip, one.text))

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        with self._busy():
            yield
        self._stages[stage] += time.perf_counter() - begin


def hear_ours(engine: FunasrEngine, recordings: Recordings) -> Heard:
    """Our way: listen by the minute, recognise the clips of all recordings together."""
    return _Ours(engine, recordings).hear()


def _first_s(engine: FunasrEngine) -> float:
    return MOST_S if engine.identity.device == "cpu" else FIRST_S


def _clips(engine: FunasrEngine, samples: NDArray[np.float32]) -> list[Clip]:
    return find_speech(engine.listen(), samples)


@torch.inference_mode()
def forward_alone(engine: FunasrEngine, recordings: Recordings) -> float:
    """Seconds of both models' forward in our batches, with all that comes before done before."""
    detector, recogniser = engine.paths.detector, engine.paths.recogniser
    assert isinstance(detector, FastDetector)  # noqa: S101 - the bench is of the fast paths
    assert isinstance(recogniser, FastRecogniser)  # noqa: S101
    features = [block for one in recordings for block in _blocks(detector, one)]
    clips = (clip for one in sorted(recordings, key=len) for clip in _clips(engine, one))
    groups = in_groups(clips, lambda clip: clip.seconds, _first_s(engine))
    stacked = [
        recogniser.stack([group[i] for i in batch])
        for group in groups
        for batch in engine.batches(group)
    ]
    _wait_for(engine)
    begin = time.perf_counter()
    for block in features:
        detector.silence(block, {})
    with fast_firing(), engine.precision():
        for batch, lengths in stacked:
            recogniser.forward(batch, lengths)
    _wait_for(engine)
    return time.perf_counter() - begin


def _wait_for(engine: FunasrEngine) -> None:
    """Until the device has done all that it was given."""
    if engine.identity.device != "cpu":
        torch.cuda.synchronize()


def _blocks(detector: FastDetector, samples: NDArray[np.float32]) -> Iterator[torch.Tensor]:
    """The features of each minute as the detector takes them."""
    for at in range(0, len(samples), BLOCK_SAMPLES):
        recent = Recent(detector.filterbank)
        recent.add(samples[at : at + BLOCK_SAMPLES])
        if recent.frames:
            yield recent.features(-2, recent.frames + 2)
