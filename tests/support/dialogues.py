"""Voices of a talk: who speaks when, and what a speaker model would hear of it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from funasr_fleet.worker.engine.diarization import cluster_speakers
from funasr_fleet.worker.engine.interface import SpeakerEmbeddings


def speaking(
    who: Sequence[int], windows: int = 1, noise: float = 1.0, seed: int = 1
) -> list[SpeakerEmbeddings]:
    """Voices of speakers that are far from each other, each window with noise as large as they."""
    lots = np.random.default_rng(seed)
    speakers = np.linalg.qr(lots.normal(size=(192, max(who) + 1)))[0].T
    shape = (len(who), windows, 192)
    heard = speakers[list(who)][:, None] + noise * lots.normal(size=shape) / 192**0.5
    return list(heard.astype(np.float32))


def by_lot(speakers: int, turns: int, seed: int = 0) -> list[int]:
    return [int(one) for one in np.random.default_rng(seed).integers(speakers, size=turns)]


def one_to_one(labels: Sequence[str], who: Sequence[int]) -> bool:
    pairs = set(zip(labels, who, strict=True))
    return len(pairs) == len({label for label, _ in pairs}) == len({one for _, one in pairs})


def whose_clips(
    voices: Sequence[SpeakerEmbeddings], count: int | None = None, seconds: Sequence[float] = ()
) -> list[str]:
    """The label that most windows of each voice have."""
    by_window = cluster_speakers(voices, count, seconds)
    return [Counter(labels).most_common(1)[0][0] for labels in by_window]
