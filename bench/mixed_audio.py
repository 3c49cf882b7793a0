"""Realistic recordings of mixed lengths: the samples with silence and noise between them."""

import numpy as np
from numpy.typing import NDArray

from bench.long_audio import decode_samples
from funasr_fleet.worker.text.spans import SAMPLE_RATE


def make_recordings(
    hours: float, shortest_s: float = 5.0, longest_s: float = 1800.0, seed: int = 20261122
) -> list[NDArray[np.float32]]:
    """Return recordings of log-uniform length with at least this total; deterministic per seed."""
    random = np.random.default_rng(seed)
    spoken = decode_samples()
    recordings: list[NDArray[np.float32]] = []
    while sum(map(len, recordings)) < hours * 3600 * SAMPLE_RATE:
        seconds = np.exp(random.uniform(np.log(shortest_s), np.log(longest_s)))
        recordings.append(_record(spoken, seconds, random))
    return recordings


def _record(
    spoken: list[NDArray[np.float32]], seconds: float, random: np.random.Generator
) -> NDArray[np.float32]:
    parts, missing = [], int(seconds * SAMPLE_RATE)
    while missing > 0:
        gap = np.zeros(int(random.uniform(0.3, 4.0) * SAMPLE_RATE), np.float32)
        parts += [spoken[random.integers(len(spoken))], gap]
        missing -= len(parts[-1]) + len(parts[-2])
    whole = np.concatenate(parts)[: int(seconds * SAMPLE_RATE)]
    hiss = random.standard_normal(len(whole), dtype=np.float32)
    return np.ascontiguousarray(whole + hiss * np.float32(10 ** random.uniform(-5, -3)))
