"""Background noises of unit power, deterministic by seed, shape (samples,)."""

import numpy as np
import numpy.typing as npt

from training.speak import SAMPLE_RATE_HZ, Samples

Power = npt.NDArray[np.float64]


def draw_noise(random: np.random.Generator, count: int) -> Samples:
    """Return `count` samples of a random kind of noise, with a root mean square of 1."""
    kinds = (_coloured, _coloured, _hum, _clicks, _babble, _wind)
    noise = kinds[int(random.integers(len(kinds)))](random, count)
    return np.asarray(noise / (np.sqrt(np.mean(noise**2)) + 1e-9), np.float32)


def shaped(random: np.random.Generator, count: int, gain: npt.NDArray[np.float64]) -> Power:
    """Filter white noise to a magnitude given at evenly spaced frequencies up to 8 kHz."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    positions = np.linspace(0, len(gain) - 1, len(spectrum))
    return np.fft.irfft(spectrum * np.interp(positions, np.arange(len(gain)), gain), count)


def _coloured(random: np.random.Generator, count: int) -> Power:
    """Return coloured noise: white (slope 0) to pink (0.5) to brown (1)."""
    slope = random.choice([0.0, 0.0, 0.5, 0.5, 1.0])
    frequencies = np.linspace(20, SAMPLE_RATE_HZ / 2, 400)
    return shaped(random, count, (frequencies / 1000) ** -slope)


def _hum(random: np.random.Generator, count: int) -> Power:
    """Return mains hum and its harmonics with some hiss."""
    times_s = np.arange(count) / SAMPLE_RATE_HZ
    base_hz = random.choice([50.0, 60.0, 100.0, 120.0])
    tones = [
        np.sin(2 * np.pi * base_hz * harmonic * times_s + random.uniform(0, 6)) / harmonic
        for harmonic in range(1, int(random.integers(3, 12)))
    ]
    hiss = random.uniform(0.02, 0.3) * random.standard_normal(count)
    return np.asarray(np.sum(tones, axis=0) + hiss)


def _clicks(random: np.random.Generator, count: int) -> Power:
    """Return clicks and knocks: short decays at random times, with some hiss."""
    noise = 0.01 * random.standard_normal(count)
    for start in random.integers(0, count, max(1, int(count / SAMPLE_RATE_HZ * 3))):
        length = min(int(random.integers(16, 1600)), count - start)
        decay = np.exp(-np.arange(length) / max(length / 5, 1))
        noise[start : start + length] += random.uniform(0.1, 1) * decay * _burst(random, length)
    return noise


def _burst(random: np.random.Generator, length: int) -> Power:
    if random.random() < 0.5:
        return random.standard_normal(length)
    frequency_hz = random.uniform(100, 3000)
    return np.sin(2 * np.pi * frequency_hz * np.arange(length) / SAMPLE_RATE_HZ)


def _babble(random: np.random.Generator, count: int) -> Power:
    """Return a distant crowd: noise with the spectrum of speech, modulated a few times a second."""
    gain = np.interp(
        np.linspace(0, 8000, 200), [0, 100, 500, 1500, 4000, 8000], [0, 1, 1, 0.3, 0.1, 0]
    )
    points = max(4, int(count / SAMPLE_RATE_HZ * 5))
    swell = np.interp(np.linspace(0, points - 1, count), np.arange(points), random.random(points))
    return shaped(random, count, gain) * (0.5 + swell)


def _wind(random: np.random.Generator, count: int) -> Power:
    """Return a fan or wind: one broad band of drifting strength."""
    centre, width = random.uniform(0, 150), random.uniform(10, 80)
    gain = np.exp(-(((np.arange(200) - centre) / width) ** 2))
    points = max(3, int(count / SAMPLE_RATE_HZ))
    drift = np.interp(np.linspace(0, points - 1, count), np.arange(points), random.random(points))
    return shaped(random, count, gain + 0.01) * (0.4 + drift)
