"""Both engines of the comparison: FunASR's own generate, and ours as the pipeline uses it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from funasr_fleet.worker.engine.fast.detector import FastDetector, FeatureWindow
from funasr_fleet.worker.engine.fast.recogniser import FastRecogniser
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import BLOCK_SAMPLES, Clip, Hints, find_speech
from funasr_fleet.worker.pipeline.bounded_queue import prefetch
from funasr_fleet.worker.pipeline.timers import UtilizationTimer
from funasr_fleet.worker.text.batching import FIRST_S, MOST_S, in_groups
from funasr_fleet.worker.text.tokens import join_texts, split_words

Recordings = Sequence[NDArray[np.float32]]


@dataclass
class Transcribed:
    """The texts and times of one engine."""

    texts: list[str]
    spans_ms: list[list[list[int]]] = field(default_factory=list)
    seconds: float = 0.0
    busy_s: float = 0.0
    """Time in which the models ran."""
    stages_s: dict[str, float] = field(default_factory=dict)


def transcribe_stock(model: Any, recordings: Recordings, batch_size_s: int) -> Transcribed:
    """Transcribe a list with FunASR's generate."""
    begin = time.perf_counter()
    results = model.generate(input=list(recordings), batch_size_s=batch_size_s)
    seconds = time.perf_counter() - begin
    return Transcribed([join_texts(split_words(one["text"])) for one in results], seconds=seconds)


def fastest_batch(model: Any, recordings: Recordings) -> int:
    """Return FunASR's fastest batch size for these recordings."""
    return min((60, 300, 1200), key=lambda size: transcribe_stock(model, recordings, size).seconds)


class _Ours:
    """One pass of our engine over the recordings, shortest first."""

    def __init__(self, engine: FunasrEngine, recordings: Recordings) -> None:
        self._engine = engine
        self._recordings = recordings
        self._busy = UtilizationTimer(time.perf_counter)
        self._stages = {"vad": 0.0, "recognise": 0.0}
        self._results: list[list[tuple[Clip, str]]] = [[] for _ in recordings]

    def transcribe(self) -> Transcribed:
        """Process in groups; with a GPU, VAD of the next group runs while one is recognised."""
        begin = time.perf_counter()
        ahead = self._engine.identity.device != "cpu"
        groups = in_groups(self._segments(), lambda one: one[1].seconds, _first_s(self._engine))
        with ThreadPoolExecutor(1) as vad_executor:
            for group in prefetch(groups, 1, vad_executor) if ahead else groups:
                self._recognise(group)
        seconds = time.perf_counter() - begin
        results = [sorted(clips, key=lambda one: one[0].span) for clips in self._results]
        self._busy.take()
        return Transcribed(
            texts=[join_texts([text for _, text in clips]) for clips in results],
            spans_ms=[[[c.span.start_ms, c.span.end_ms] for c, _ in clips] for clips in results],
            seconds=seconds,
            busy_s=self._busy.total_s,
            stages_s={stage: round(took, 2) for stage, took in self._stages.items()},
        )

    def _segments(self) -> Iterator[tuple[int, Clip]]:
        for number in sorted(range(len(self._recordings)), key=lambda n: len(self._recordings[n])):
            listener, samples = self._engine.start_vad(), self._recordings[number]
            for at in range(0, len(samples), BLOCK_SAMPLES):
                with self._timed("vad"):
                    clips = listener.push(samples[at : at + BLOCK_SAMPLES])
                yield from ((number, clip) for clip in clips)
            with self._timed("vad"):
                clips = listener.flush()
            yield from ((number, clip) for clip in clips)

    def _recognise(self, group: list[tuple[int, Clip]]) -> None:
        with self._timed("recognise"):
            recognitions = self._engine.recognise([clip for _, clip in group], Hints())
        for (number, clip), one in zip(group, recognitions, strict=True):
            self._results[number].append((clip, one.text))

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        with self._busy():
            yield
        self._stages[stage] += time.perf_counter() - begin


def transcribe_ours(engine: FunasrEngine, recordings: Recordings) -> Transcribed:
    """Transcribe with our engine: VAD by the minute, clips of all recordings batched together."""
    return _Ours(engine, recordings).transcribe()


def _first_s(engine: FunasrEngine) -> float:
    return MOST_S if engine.identity.device == "cpu" else FIRST_S


def _clips(engine: FunasrEngine, samples: NDArray[np.float32]) -> list[Clip]:
    return find_speech(engine.start_vad(), samples)


@torch.inference_mode()
def forward_alone(engine: FunasrEngine, recordings: Recordings) -> float:
    """Return the seconds of both models' forward passes, with precomputed features."""
    detector, recogniser = engine.paths.detector, engine.paths.recogniser
    assert isinstance(detector, FastDetector)  # noqa: S101 - this benchmark measures the fast paths
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
    with engine.precision():
        for batch, lengths in stacked:
            recogniser.forward(batch, lengths)
    _wait_for(engine)
    return time.perf_counter() - begin


def _wait_for(engine: FunasrEngine) -> None:
    """Wait until the device has finished all work."""
    if engine.identity.device != "cpu":
        torch.cuda.synchronize()


def _blocks(detector: FastDetector, samples: NDArray[np.float32]) -> Iterator[torch.Tensor]:
    """Yield the features of each minute as the detector needs them."""
    for at in range(0, len(samples), BLOCK_SAMPLES):
        recent = FeatureWindow(detector.filterbank)
        recent.add(samples[at : at + BLOCK_SAMPLES])
        if recent.frames:
            yield recent.features(-2, recent.frames + 2)
