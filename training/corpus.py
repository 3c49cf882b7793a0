"""Turns plans into features and labels, in several processes, cached on disk."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.augment import between_silences, change_speaker, distort
from training.speak import Samples, speak
from training.utterances import Utterance, draw_short, draw_utterance
from training.vocabulary import LANGUAGES
from training.voices import training_voices

TRAINING_SEED = 20_260
OTHER_SPEAKERS_FROM = 6_000
"""From this index on, all speakers are modified; the second training round begins here."""

SINGLE_WORDS_FROM = 20_000
"""From this index on utterances have one to three digits, like VAD segments of hesitant speech."""

LFR = {"lfr_m": 7, "lfr_n": 6}
"""The recogniser's input is 7 stacked frames every 60 ms, as in Paraformer-large."""


@dataclass(frozen=True)
class Example:
    """One training utterance, ready for the recogniser."""

    features: npt.NDArray[np.float16]
    """Log mel energies before mean and variance normalisation, shape (frames of 60 ms, 560)."""
    tokens: npt.NDArray[np.int64]
    """Labels, shape (tokens,)."""
    words_ms: npt.NDArray[np.int64]
    """Start and end of each token from the first sample, shape (tokens, 2)."""


@dataclass(frozen=True)
class RecordedUtterance:
    """An utterance as recorded, with its word times."""

    utterance: Utterance
    samples: Samples
    words_ms: tuple[tuple[int, int], ...]
    """Start and end of each word from the first sample."""


def record_utterance(
    utterance: Utterance, seed: int, index: int, *, other_speaker: bool = False
) -> RecordedUtterance:
    """Synthesise an utterance, add silence on both sides, and augment it; deterministic by seed.

    With `other_speaker` the voice is modified to one that espeak-ng does not have.
    """
    random = np.random.default_rng([seed, index, 2])
    speech = speak(utterance)
    samples, stretch = (
        change_speaker(random, speech.samples) if other_speaker else (speech.samples, 1.0)
    )
    framed, lead_ms = between_silences(random, samples)
    words = tuple(
        (round(start * stretch) + lead_ms, round(end * stretch) + lead_ms)
        for start, end in speech.words_ms
    )
    return RecordedUtterance(utterance, distort(random, framed), words)


def training_example(index: int) -> Example:
    """Return the training utterance of this index; languages alternate."""
    language = LANGUAGES[index % len(LANGUAGES)]
    voices = training_voices(language)
    if index >= SINGLE_WORDS_FROM:
        utterance = draw_short(TRAINING_SEED, index, voices, language, most=3)
    else:
        utterance = draw_utterance(TRAINING_SEED, index, voices, language)
    recorded = record_utterance(
        utterance, TRAINING_SEED, index, other_speaker=index >= OTHER_SPEAKERS_FROM
    )
    return Example(
        features(recorded.samples).astype(np.float16),
        np.array(utterance.token_ids),
        np.array(recorded.words_ms),
    )


def features(samples: Samples) -> npt.NDArray[np.float32]:
    """Return FunASR's features without normalisation: shape (frames of 60 ms, 560)."""
    values, _ = _frontend()(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    return np.asarray(values[0].numpy())


@cache
def _frontend() -> Any:
    from funasr.frontends.wav_frontend import WavFrontend

    return WavFrontend(fs=16_000, dither=0.0, **LFR)


def in_processes(make: Callable[[int], Any], indexes: range, processes: int) -> Iterator[Any]:
    """Yield `make(index)` for each index in order, from several single-threaded processes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(make, indexes, chunksize=50)


def training_corpus(work: Path, indexes: range, processes: int) -> list[Example]:
    """Return the training examples of these indexes, from disk if they exist."""
    kept = work / f"asr-corpus-{indexes.start}-{indexes.stop}.pt"
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        torch.save(list(in_processes(training_example, indexes, processes)), kept)
    return list(torch.load(kept, weights_only=False))
