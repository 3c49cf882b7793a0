"""The declared duration of a file is read from its headers, not from FFmpeg's estimates."""

import numpy as np
import pytest

from tests.support.audio import encode, tone, wav
from tests.support.bad_audio import decoded
from tests.support.odd_audio import with_pause

CODECS = [
    ("aac", 44_100),
    ("ac3", 48_000),
    ("flac", 16_000),
    ("libmp3lame", 44_100),
    ("libopus", 48_000),
    ("pcm_f32le", 16_000),
    ("pcm_s16le", 16_000),
]


@pytest.mark.parametrize(("codec", "rate"), CODECS)
def test_nothing_is_missing_in_a_live_recording_without_a_declared_duration(
    codec: str, rate: int
) -> None:
    """FFmpeg estimates the duration from the bit rate; the estimate is mostly too long."""
    body = encode(tone(30, rate=rate), "matroska", codec, rate, at_once=rate, live="1")
    found = decoded(body)
    assert found.seconds == pytest.approx(30, abs=0.1)
    assert (found.lost_ms, found.filled_ms) == (0, 0)


def test_a_pause_in_a_live_recording_is_filled() -> None:
    body = with_pause("matroska", "libmp3lame", 48_000, 20.0, live="1")
    found = decoded(body)
    assert found.seconds == pytest.approx(24, abs=0.2)
    assert found.lost_ms == 0


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_truncated_wav_that_declares_only_the_size_of_its_samples(size: bytes) -> None:
    body = wav(tone(4))
    body = body[:4] + size + body[8:]
    assert decoded(body).lost_ms == 0
    assert decoded(body[: len(body) // 2]).lost_ms == pytest.approx(2000, abs=10)


@pytest.mark.parametrize("late_s", [0.0, 5.0])
def test_the_end_of_a_truncated_file_is_missing_however_late_it_begins(late_s: float) -> None:
    options = {"movflags": "faststart"}
    body = with_pause("mp4", "aac", 48_000, late_s, from_s=-1, **options)
    assert decoded(body).lost_ms == 0
    found = decoded(body[: len(body) * 7 // 10])
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(4 + late_s, abs=0.1)
    assert found.lost_ms > 1000
    assert not np.any(found.samples[: round(0.9 * late_s * 16_000)])


@pytest.mark.parametrize("codec", ["libmp3lame", "pcm_s16le"])
def test_the_index_of_a_truncated_avi_is_no_audio(codec: str) -> None:
    planes = np.random.default_rng(7).uniform(-0.3, 0.3, (1, 4 * 16_000)).astype(np.float32)
    body = encode(planes, "avi", codec, 16_000, at_once=1600)
    whole = decoded(body)
    found = decoded(body[: len(body) * 6 // 10])
    assert whole.lost_ms == 0
    assert found.lost_ms > 1000
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(whole.seconds, abs=0.1)
    assert decoded(body[:-100]).lost_ms == 0  # only a part of the index is missing
