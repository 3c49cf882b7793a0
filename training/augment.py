"""Augmentation: rooms, telephone lines, codecs and gain."""

import numpy as np
from scipy.signal import fftconvolve, resample_poly

from training.formats import Packing
from training.noises import draw_noise
from training.sound import through_codec
from training.speak import SAMPLE_RATE_HZ, Samples

REVERB_CHANCE, NOISE_CHANCE, TELEPHONE_CHANCE, CODEC_CHANCE = 0.30, 0.75, 0.25, 0.15

CODECS = (
    Packing(container="mp3", codec="libmp3lame", rate_hz=16_000, bits_per_second=32_000),
    Packing(container="mp3", codec="libmp3lame", rate_hz=16_000, bits_per_second=64_000),
    Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=16_000),
    Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=32_000),
)
"""The most common lossy codecs for speech, at the low end of their bit rates."""


def distort(random: np.random.Generator, speech: Samples) -> Samples:
    """Apply a random recording channel to speech: same length, peak below 1."""
    if random.random() < REVERB_CHANCE:
        speech = reverberate(random, speech)
    if random.random() < NOISE_CHANCE:
        speech = add_noise(random, speech, snr_db=float(random.triangular(6, 22, 45)))
    if random.random() < TELEPHONE_CHANCE:
        speech = telephone(speech, narrow=bool(random.random() < 0.6))
    speech = set_peak(speech, peak_db=float(random.uniform(-28, -0.5)))
    if random.random() < CODEC_CHANCE:
        speech = through_codec(speech, CODECS[int(random.integers(len(CODECS)))])
    return speech


def change_speaker(random: np.random.Generator, speech: Samples) -> tuple[Samples, float]:
    """Change the playback speed, which moves formants and pitch to those of another speaker.

    Returns the samples and the factor by which every time in them is multiplied, 0.86 to 1.16.
    """
    percent = int(random.integers(86, 117))
    return np.asarray(resample_poly(speech, percent, 100), np.float32), percent / 100


def reverberate(random: np.random.Generator, speech: Samples) -> Samples:
    """Add a small room: direct sound, then noise that decays by 60 dB within 0.1 to 0.5 s."""
    decay_s = random.uniform(0.1, 0.5)
    tail = random.standard_normal(int(decay_s * SAMPLE_RATE_HZ))
    tail *= 10 ** (-3 * np.arange(len(tail)) / len(tail))
    tail *= random.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    return np.asarray(fftconvolve(speech, response)[: len(speech)], np.float32)


def add_noise(random: np.random.Generator, speech: Samples, *, snr_db: float) -> Samples:
    """Add noise to the whole clip, `snr_db` below the loudest tenth of the speech."""
    loud = np.quantile(np.abs(speech), 0.9) + 1e-6
    noise = draw_noise(random, len(speech))
    return np.asarray(speech + noise * loud * 10 ** (-snr_db / 20), np.float32)


def telephone(speech: Samples, *, narrow: bool) -> Samples:
    """Resample to 8 kHz and back; `narrow` also limits to 300 to 3400 Hz, as telephone lines."""
    at_8k = resample_poly(speech, 1, 2)
    if narrow:
        spectrum = np.fft.rfft(at_8k)
        frequencies_hz = np.fft.rfftfreq(len(at_8k), 1 / 8000)
        low = 1 / (1 + (300 / (frequencies_hz + 1)) ** 6)
        at_8k = np.fft.irfft(spectrum * low / (1 + (frequencies_hz / 3500) ** 12), len(at_8k))
    return np.asarray(resample_poly(at_8k, 2, 1)[: len(speech)], np.float32)


def set_peak(speech: Samples, *, peak_db: float) -> Samples:
    """Scale so that the loudest sample is `peak_db` below full scale."""
    gain = 10 ** (peak_db / 20) / (np.max(np.abs(speech)) + 1e-9)
    return np.asarray(speech * gain, np.float32)


def between_silences(random: np.random.Generator, speech: Samples) -> tuple[Samples, int]:
    """Add up to 0.6 s of silence on both sides, as left by VAD; return it with the leading ms."""
    before, after = random.integers(0, 600, 2) * (SAMPLE_RATE_HZ // 1000)
    return np.pad(speech, (int(before), int(after))), int(before) * 1000 // SAMPLE_RATE_HZ
