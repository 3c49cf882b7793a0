"""What a room, a telephone line, a codec and a volume knob do to speech."""

import numpy as np
from scipy.signal import fftconvolve, resample_poly

from models.formats import Packing
from models.noises import draw_noise
from models.sound import through_codec
from models.speak import SAMPLE_RATE_HZ, Samples

REVERB_CHANCE, NOISE_CHANCE, TELEPHONE_CHANCE, CODEC_CHANCE = 0.30, 0.75, 0.25, 0.15

CODECS = (
    Packing(container="mp3", codec="libmp3lame", rate_hz=16_000, bits_per_second=32_000),
    Packing(container="mp3", codec="libmp3lame", rate_hz=16_000, bits_per_second=64_000),
    Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=16_000),
    Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=32_000),
)
"""The lossy codecs that speech meets most, at the low end of their rates."""


def distort(random: np.random.Generator, speech: Samples) -> Samples:
    """Speech after a random path to the recorder: same length, peak below 1."""
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
    """Played slower or faster, so that throat and pitch are those of somebody else.

    Returns the sound and the factor by which every time in it is multiplied, 0.86 to 1.16.
    """
    percent = int(random.integers(86, 117))
    return np.asarray(resample_poly(speech, percent, 100), np.float32), percent / 100


def reverberate(random: np.random.Generator, speech: Samples) -> Samples:
    """A small room: direct sound, then noise that decays by 60 dB within 0.1 to 0.5 s."""
    decay_s = random.uniform(0.1, 0.5)
    tail = random.standard_normal(int(decay_s * SAMPLE_RATE_HZ))
    tail *= 10 ** (-3 * np.arange(len(tail)) / len(tail))
    tail *= random.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    return np.asarray(fftconvolve(speech, response)[: len(speech)], np.float32)


def add_noise(random: np.random.Generator, speech: Samples, *, snr_db: float) -> Samples:
    """Noise over the whole clip, `snr_db` below the loud tenth of the speech."""
    loud = np.quantile(np.abs(speech), 0.9) + 1e-6
    noise = draw_noise(random, len(speech))
    return np.asarray(speech + noise * loud * 10 ** (-snr_db / 20), np.float32)


def telephone(speech: Samples, *, narrow: bool) -> Samples:
    """Through 8 kHz and back; `narrow` also cuts to the 300 to 3400 Hz of a telephone line."""
    at_8k = resample_poly(speech, 1, 2)
    if narrow:
        spectrum = np.fft.rfft(at_8k)
        frequencies_hz = np.fft.rfftfreq(len(at_8k), 1 / 8000)
        low = 1 / (1 + (300 / (frequencies_hz + 1)) ** 6)
        at_8k = np.fft.irfft(spectrum * low / (1 + (frequencies_hz / 3500) ** 12), len(at_8k))
    return np.asarray(resample_poly(at_8k, 2, 1)[: len(speech)], np.float32)


def set_peak(speech: Samples, *, peak_db: float) -> Samples:
    """Scaled so that the loudest sample is `peak_db` below full scale."""
    gain = 10 ** (peak_db / 20) / (np.max(np.abs(speech)) + 1e-9)
    return np.asarray(speech * gain, np.float32)


def between_silences(random: np.random.Generator, speech: Samples) -> tuple[Samples, int]:
    """Up to 0.6 s of silence on both sides, as a speech detector leaves it; and the lead in ms."""
    before, after = random.integers(0, 600, 2) * (SAMPLE_RATE_HZ // 1000)
    return np.pad(speech, (int(before), int(after))), int(before) * 1000 // SAMPLE_RATE_HZ
