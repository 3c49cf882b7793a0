"""PURE: stratified sampling: extrapolate a random sample to all files, with its variance."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.planning.estimating import (
    DEFAULT_MS,
    OTHER_BYTES_PER_SECOND,
    TYPICAL_BYTES_PER_SECOND,
    suffix_of,
)

LEAST_PER_FORMAT = 4
"""Minimum sample size of a format, even a rare one. At least two are needed for a variance."""

Key = tuple[str, bool]
"""(suffix, whether sizes are known); the suffix is "" if the table of rates does not contain it."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimated total audio of many files."""

    audio_ms: float
    variance: float
    """Variance of audio_ms, in ms squared."""


@dataclass(kw_only=True)
class Stratum:
    """Files of one format and unknown duration: their number, and a random sample of them."""

    suffix: str
    files: int = 0
    weight: float = 0.0
    """Their total size in bytes; if sizes are unknown, their number."""
    typical_ms: float = 0.0
    """Their audio according to typical rates."""
    drawn: list[AudioRef] = field(default_factory=list)


class Strata:
    """Counts the files of a backlog by format, and keeps a random sample of each format.

    Reservoir sampling (Vitter, Random Sampling with a Reservoir, ACM TOMS 11, 1985, algorithm R):
    each file has the same probability of being kept, in bounded memory.
    """

    def __init__(self, sample_files: int, seed: int) -> None:
        self.by_key: dict[Key, Stratum] = {}
        self._sample_files = sample_files
        self._random = random.Random(seed)

    def add(self, ref: AudioRef) -> None:
        """Count a file, and add it to the sample by chance."""
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
        """The files to measure, in proportion to each format's share of the audio.

        At least LEAST_PER_FORMAT of each format, if it has as many.
        """
        for (suffix, sized), stratum in self.by_key.items():
            rate = TYPICAL_BYTES_PER_SECOND.get(suffix, OTHER_BYTES_PER_SECOND)
            stratum.typical_ms = stratum.weight * (1000 / rate if sized else DEFAULT_MS)
        total_ms = sum(one.typical_ms for one in self.by_key.values()) or 1.0
        return {key: self._some_of(one, total_ms) for key, one in self.by_key.items()}

    def _some_of(self, stratum: Stratum, total_ms: float) -> list[AudioRef]:
        share = round(self._sample_files * stratum.typical_ms / total_ms)
        wanted = min(max(share, LEAST_PER_FORMAT), len(stratum.drawn))
        # early files keep their places in a reservoir, so its first items are not a random sample
        return self._random.sample(stratum.drawn, wanted)


def ratio_estimate(
    sample: Sequence[tuple[float, float]], files: int, weight: float
) -> Estimate | None:
    """Estimate the audio of a stratum from a simple random sample, by the ratio estimator.

    The estimate is the audio per byte of the sample times the bytes of all files. Its variance has
    the finite population correction. Source: Cochran, Sampling Techniques, 3rd edition, 1977,
    chapter 6; the sum over formats is the separate ratio estimate there. The sample is small, so
    the variance is approximate.

    Args:
        sample: (weight, audio in ms) of each sampled file.
        files: number of files in the stratum.
        weight: total weight of the stratum.

    Returns:
        None if the sample is too small for a variance.
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
