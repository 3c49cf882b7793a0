"""Damaged files: no less is decoded than by the `ffmpeg` command, and reported losses are right.

Each file is damaged once: 1 to 1024 bytes at a random offset, headers and index included, are
overwritten with random bytes, zeroed or removed, or random bytes are inserted. The original is 20 s
of noise that is never silent, so silence in a result is what the decoder inserted. `heard` is the
audio of a result without silence. All of this is right, within 1.5 s:

1. A file of which ffmpeg decodes at least half a second is not rejected.
2. No less is heard than ffmpeg decodes.
3. What is heard is what ffmpeg decodes or, with what is reported as lost, the whole original.
4. If less is heard than the original, or than ffmpeg decodes, the file has the warning
   `audio_damaged` or `audio_truncated`.
5. If a loss is reported, it is right: heard and lost audio make up the original. Nothing is
   reported as a pause, as the original has none.
6. Audio keeps its time: with its silence, a file is as long as the original, or shorter by at most
   the reported loss, since no silence replaces audio that is lost at the end.
"""

import functools
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import imageio_ffmpeg
import numpy as np
import pytest

from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.selection import AudioFacts
from funasr_fleet.worker.errors import FileFailure
from tests.support.audio import Samples, encode
from tests.support.decoding import decode

SECONDS = 20.0
TOLERANCE_S = 1.5
USEFUL_S = 0.5
DAMAGES = 63
"""Damaged files per container: 630 in total."""
QUICK = 5
"""Number of these that are in the quick suite."""
LIMITS = Limits(audio_s=12 * 3600.0, channels=32, decoded_mb=20_000)
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}
CONTAINERS: dict[str, tuple[str, str, int, dict[str, str]]] = {
    "adts": ("adts", "aac", 44_100, {}),
    "asf": ("asf", "mp2", 44_100, {}),
    "flac": ("flac", "flac", 16_000, {}),
    "fmp4": ("mp4", "aac", 44_100, FRAGMENTED),
    "m4a": ("ipod", "aac", 44_100, {}),
    "mp3 without Xing": ("mp3", "libmp3lame", 44_100, {"write_xing": "0"}),
    "ogg": ("ogg", "libopus", 48_000, {}),
    "ts": ("mpegts", "aac", 44_100, {}),
    "wav": ("wav", "pcm_s16le", 16_000, {}),
    "webm": ("webm", "libopus", 48_000, {}),
}


@functools.cache
def original(name: str) -> bytes:
    """Noise that is alternately loud and quiet, like speech."""
    container, codec, rate, options = CONTAINERS[name]
    times = np.arange(round(SECONDS * rate)) / rate
    swell = 0.02 + np.sin(2 * np.pi * 1.7 * times) ** 2 * np.sin(2 * np.pi * 0.21 * times) ** 2
    hiss = np.random.default_rng(7).normal(0, 0.08, len(times))
    planes = (swell * hiss).astype(np.float32)[None]
    return encode(planes, container, codec, rate, at_once=rate, **options)


def damage(name: str, seed: int) -> tuple[bytes, str]:
    """A damaged file, and what was done to it."""
    body, dice = original(name), random.Random(f"{name} {seed}")
    size, at = round(2 ** dice.uniform(0, 10)), dice.randrange(len(body))
    how = dice.choice(("overwritten", "zeroed", "removed", "inserted"))
    new = {"zeroed": bytes(size), "removed": b""}.get(how, dice.randbytes(size))
    rest = body[at:] if how == "inserted" else body[at + size :]
    return body[:at] + new + rest, f"{name} {seed}: {size} bytes at {at} of {len(body)} {how}"


def heard_s(samples: Samples) -> float:
    """Duration without silence, in s."""
    pieces = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return float(pieces.any(axis=1).sum()) / 100


def ffmpeg_s(path: str) -> float:
    """Duration of the audio that the ffmpeg command decodes, in s."""
    options = ["-map", "0:a:0", "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin", "-i", path, *options]
    body = subprocess.run(command, check=False, stdout=subprocess.PIPE).stdout
    return heard_s(np.frombuffer(body[: len(body) // 4 * 4], np.float32))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Durations in s."""

    whole: float
    """Duration of the original, as ffmpeg decodes it."""
    ffmpeg: float
    heard: float
    facts: AudioFacts

    def faults(self) -> Iterator[str]:
        """Violations of the rules in the docstring of this module."""
        lost, total = self.facts.lost_ms / 1000, self.facts.duration_ms / 1000
        is_accounted = abs(self.heard + lost - self.whole) <= TOLERANCE_S
        is_warned = {"audio_damaged", "audio_truncated"} & set(self.facts.warnings)
        if self.heard < self.ffmpeg - TOLERANCE_S:
            yield "less than ffmpeg decodes"
        if abs(self.heard - self.ffmpeg) > TOLERANCE_S and not is_accounted:
            yield "neither what ffmpeg decodes nor the whole original"
        if self.heard < max(self.ffmpeg, self.whole) - TOLERANCE_S and not is_warned:
            yield "a loss without a warning"
        if self.facts.filled_ms:
            yield "a pause that is damage"
        if lost and not is_accounted:
            yield "a wrong loss"
        if not self.whole - lost - TOLERANCE_S <= total <= self.whole + TOLERANCE_S:
            yield "a wrong duration"


def faults(pool: DecoderPool, file: BinaryIO, whole_s: float) -> list[str]:
    """Violations of the rules in the result of a file."""
    expected_s = ffmpeg_s(file.name)
    try:
        planes, facts = decode(pool, file, limits=LIMITS)
    except FileFailure as refusal:
        return [f"refused: {refusal}"] if expected_s >= USEFUL_S else []
    assert facts
    compared = Compared(whole=whole_s, ffmpeg=expected_s, heard=heard_s(planes[0]), facts=facts)
    return [f"{fault}: {compared}" for fault in compared.faults()]


def _check(pool: DecoderPool, upload: Callable[[bytes], BinaryIO], name: str, seeds: range) -> None:
    whole_s = ffmpeg_s(upload(original(name)).name)
    assert whole_s == pytest.approx(SECONDS, abs=0.1)
    found = []
    for seed in seeds:
        body, what = damage(name, seed)
        found += [f"{what}: {fault}" for fault in faults(pool, upload(body), whole_s)]
    assert found == []


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_some_damaged_files(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], name: str
) -> None:
    _check(pool, upload, name, range(QUICK))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_all_damaged_files(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], name: str
) -> None:
    _check(pool, upload, name, range(QUICK, DAMAGES))
