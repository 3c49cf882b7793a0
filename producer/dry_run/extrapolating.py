"""PURE: from a random sample of files to the audio of all of them, and how far that may be off."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from contract.job import AudioRef
from producer.planning.estimating import (
    DEFAULT_MS,
    OTHER_BYTES_PER_SECOND,
    TYPICAL_BYTES_PER_SECOND,
    suffix_of,
)

LEAST_PER_FORMAT = 4
"""Files looked at of a format however rare it is; two are needed to tell how far they differ."""

Key = tuple[str, bool]
"""Suffix, "" for all that the table of rates does not know; and whether sizes are known."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Audio of many files."""

    audio_ms: float
    variance: float
    """Of audio_ms, in ms squared."""


@dataclass(kw_only=True)
class Stratum:
    """Files of one format whose duration nobody told: how many, and some drawn at random."""

    suffix: str
    files: int = 0
    weight: float = 0.0
    """Their bytes; where no size is known, their number."""
    typical_ms: float = 0.0
    """Their audio by typical rates."""
    drawn: list[AudioRef] = field(default_factory=list)


class Strata:
    """Every file of a backlog is counted by format, and some of each format are kept.

    Drawn by reservoir (Vitter, Random Sampling with a Reservoir, ACM TOMS 11, 1985, algorithm R):
    each file is as likely to be kept as every other, in bounded memory.
    """

    def __init__(self, sample_files: int, seed: int) -> None:
        self.by_key: dict[Key, Stratum] = {}
        self._sample_files = sample_files
        self._random = random.Random(seed)

    def add(self, ref: AudioRef) -> None:
        """Count a file, and keep it perhaps."""
        suffix = suffix_of(ref.audio)
        if suffix not in TYPICAL_BYTES_PER_SECOND:
            suffix = ""
        size_bytes = ref.size_bytes
        key = (suffix, size_bytes is not None)
        stratum = self.by_key.get(key)
        if stratum is None:
            stratum = self.by_key[key] = Stratum(suffix=suffix)
        stratum.files += 1
        stratum.weight += 1 if size_bytes is None else size_bytes
        if len(stratum.drawn) < self._sample_files:
            stratum.drawn.append(ref)
        elif (place := int(self._random.random() * stratum.files)) < self._sample_files:
            stratum.drawn[place] = ref

    def sample(self) -> dict[Key, list[AudioRef]]:
        """Files to look at: of each format by its share of the audio, but some of each."""
        for (suffix, sized), stratum in self.by_key.items():
            rate = TYPICAL_BYTES_PER_SECOND.get(suffix, OTHER_BYTES_PER_SECOND)
            stratum.typical_ms = stratum.weight * (1000 / rate if sized else DEFAULT_MS)
        total_ms = sum(one.typical_ms for one in self.by_key.values()) or 1.0
        return {key: self._some_of(one, total_ms) for key, one in self.by_key.items()}

    def _some_of(self, stratum: Stratum, total_ms: float) -> list[AudioRef]:
        share = round(self._sample_files * stratum.typical_ms / total_ms)
        wanted = min(max(share, LEAST_PER_FORMAT), len(stratum.drawn))
        # the first to come keep their places in a reservoir: its beginning is no random sample
        return self._random.sample(stratum.drawn, wanted)


def ratio_estimate(
    sample: Sequence[tuple[float, float]], files: int, weight: float
) -> Estimate | None:
    """Audio of a stratum from a simple random sample of it, by the ratio estimator.

    The audio per byte of the sample, times the bytes of all; its variance with correction for a
    finite population: Cochran, Sampling Techniques, 3rd edition, 1977, chapter 6; added up over
    formats it is his separate ratio estimate. The sample is small: the variance is a rough one.

    Args:
        sample: (weight, audio in ms) of each file drawn.
        files: how many there are in all.
        weight: theirs together.

    Returns:
        None when the sample is too small to tell how far files differ.
    """
    count = len(sample)
    mean_weight = sum(one for one, _ in sample) / count if count else 0.0
    if count < min(2, files) or mean_weight <= 0:
        return None
    ratio = sum(audio_ms for _, audio_ms in sample) / (count * mean_weight)
    residuals = math.fsum((audio_ms - ratio * one) ** 2 for one, audio_ms in sample)
    spread = residuals / (count - 1) if count > 1 else 0.0
    variance_of_mean = max(0.0, 1 - count / files) * spread / count
    scale = weight / mean_weight
    return Estimate(audio_ms=ratio * weight, variance=scale**2 * variance_of_mean)
