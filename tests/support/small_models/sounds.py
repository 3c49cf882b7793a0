"""Audio to try a recogniser with, 16 kHz."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def noise(seconds: float = 2.0, seed: int = 0) -> Samples:
    """Noise whose loudness goes up and down four times a second, as that of speech does."""
    count = int(16000 * seconds)
    swell = np.sin(2 * np.pi * 4 * np.arange(count) / 16000) ** 2
    hiss = np.random.default_rng(seed).normal(size=count)
    return np.asarray(0.1 * swell * hiss, dtype=np.float32)


def silence(seconds: float = 1.0) -> Samples:
    """Nothing at all."""
    return np.zeros(int(16000 * seconds), dtype=np.float32)


def blip() -> Samples:
    """50 ms of noise."""
    return noise(0.05)
