"""Audio that a demuxer skips without a gap in the timestamps is lost; later audio keeps its time.

FFmpeg counts the packets of these formats for their timestamps.
"""

import functools
import random
import re

import numpy as np
import pytest

from tests.support.audio import encode, wav
from tests.support.bad_audio import decoded
from tests.support.odd_audio import ffmpeg

SECONDS = 10.0
FORMATS = {
    "avi with ac3": ("avi", "ac3", 48_000),
    "avi with aac": ("avi", "aac", 44_100),
    "avi with dts": ("avi", "dca", 48_000),
    "avi with eac3": ("avi", "eac3", 48_000),
    "avi with mp3": ("avi", "libmp3lame", 44_100),
    "avi with pcm": ("avi", "pcm_s16le", 16_000),
    "dts": ("dts", "dca", 48_000),
    "truehd": ("truehd", "truehd", 48_000),
    "voc": ("voc", "pcm_s16le", 16_000),
    "wav with ac3": ("wav", "ac3", 48_000),
    "wav with mp3": ("wav", "libmp3lame", 44_100),
}
DTS_FRAME_BYTES = 1884


@functools.cache
def noise(rate: int) -> np.ndarray:
    planes = np.random.default_rng(3).uniform(-0.3, 0.3, (2, round(SECONDS * rate)))
    return planes.astype(np.float32)


@functools.cache
def sound(name: str) -> bytes:
    container, codec, rate = FORMATS[name]
    if codec in ("dca", "truehd"):
        options = ("-c:a", codec, "-strict", "-2", "-b:a", "1411k", "-f", container, "-")
        return ffmpeg(wav(noise(rate), rate), "-i", "-", *options)
    return encode(noise(rate), container, codec, rate, at_once=rate)


def with_video(codec: str) -> bytes:
    video = ("-f", "lavfi", "-i", f"testsrc=s=160x120:r=25:d={SECONDS}", "-c:v", "mpeg4")
    streams = ("-map", "0:a", "-map", "1:v", "-c:a", codec, "-strict", "-2", "-f", "avi", "-")
    return ffmpeg(wav(noise(48_000), 48_000), "-i", "-", *video, *streams)


def with_hole(body: bytes, share: float, *, is_zero: bool = False) -> bytes:
    begin, size = round(0.4 * len(body)), round(share * len(body))
    hole = bytes(size) if is_zero else random.Random(1).randbytes(size)
    return body[:begin] + hole + body[begin + size :]


@pytest.mark.parametrize("name", sorted(name for name in FORMATS if name != "voc"))
@pytest.mark.parametrize("is_zero", [False, True])
def test_a_hole_is_lost_audio_and_later_audio_keeps_its_time(name: str, is_zero: bool) -> None:
    found = decoded(with_hole(sound(name), 0.2, is_zero=is_zero))
    if FORMATS[name][1] != "pcm_s16le":  # samples within an intact chunk show no damage
        assert found.lost_ms == pytest.approx(SECONDS * 200, abs=300)
    assert found.seconds == pytest.approx(SECONDS, abs=0.3)
    assert found.filled_ms == 0


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_nothing_is_lost_in_an_intact_file(name: str) -> None:
    found = decoded(sound(name))
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)
    assert (found.lost_ms, found.filled_ms) == (0, 0)


@pytest.mark.parametrize("codec", ["ac3", "dca", "libmp3lame", "pcm_s16le"])
def test_a_hole_in_a_film_is_lost_in_proportion_to_its_audio(codec: str) -> None:
    body = with_video(codec)
    whole = decoded(body)
    assert whole.seconds == pytest.approx(SECONDS, abs=0.1)
    assert (whole.lost_ms, whole.filled_ms) == (0, 0)
    found = decoded(with_hole(body, 0.2))
    assert found.lost_ms == pytest.approx(SECONDS * 200, abs=600)
    assert found.seconds == pytest.approx(SECONDS, abs=0.5)


def test_whole_frames_of_dts_that_were_overwritten_are_lost() -> None:
    body = bytearray(sound("dts"))
    begin, end = 200 * DTS_FRAME_BYTES, 400 * DTS_FRAME_BYTES
    body[begin:end] = random.Random(2).randbytes(end - begin)
    found = decoded(bytes(body))
    assert found.lost_ms == pytest.approx(200 * 512 / 48, abs=50)
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("is_zero", [False, True])
def test_everything_behind_a_damaged_block_of_voc_is_lost(is_zero: bool) -> None:
    """FFmpeg takes the damaged size for that of a block of another kind, and stops there."""
    found = decoded(with_hole(sound("voc"), 0.2, is_zero=is_zero))
    assert found.seconds == pytest.approx(SECONDS * 0.4, abs=0.3)
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("rest", [b"\0", bytes(5000), b"\5\5\0\0hello\0", b"\0TAG" + b"x" * 125])
def test_text_and_padding_behind_the_samples_of_voc_are_no_audio(rest: bytes) -> None:
    found = decoded(sound("voc").rstrip(b"\0") + rest)
    assert found.lost_ms == 0


def test_chunks_of_a_type_that_ffmpeg_does_not_know_are_no_damage() -> None:
    """Dashcams store positions in them."""
    body = sound("avi with mp3")
    marks = [found.start() for found in re.finditer(b"00wb", body[: body.index(b"idx1")])][10:60:10]
    for at in reversed(marks):
        body = body[:at] + b"gps0" + (1000).to_bytes(4, "little") + bytes(1000) + body[at:]
    found = decoded(body)
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)
    assert found.lost_ms == 0


def test_audio_that_begins_late_in_avi_keeps_its_times() -> None:
    """`dwStart` of the stream's header is its delay, in units of `dwScale` / `dwRate` seconds."""
    body = bytearray(sound("avi with pcm"))
    at = body.index(b"strh")
    scale, rate = (int.from_bytes(body[at + n : at + n + 4], "little") for n in (28, 32))
    body[at + 36 : at + 40] = round(3 * rate / scale).to_bytes(4, "little")
    found = decoded(bytes(body))
    assert found.seconds == pytest.approx(SECONDS + 3, abs=0.1)
    assert found.filled_ms == pytest.approx(3000, abs=100)
    assert not found.samples[: round(2.9 * 16_000)].any()
