"""A file behind the audio of another one that FFmpeg does not read is lost, by its own duration."""

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.input_checks import LEAST_BYTES_PER_S
from tests.support.audio import encode, id3, wav
from tests.support.bad_audio import decoded
from tests.support.odd_audio import ffmpeg

FIRST_S, SECOND_S = 4.0, 6.0
KINDS = {
    "aac in mka": ("matroska", "aac", 44_100),
    "aiff": ("aiff", "pcm_s16be", 16_000),
    "caf": ("caf", "pcm_s16be", 16_000),
    "flac": ("flac", "flac", 44_100),
    "flac in mka": ("matroska", "flac", 44_100),
    "flac in ogg": ("ogg", "flac", 16_000),
    "m4a": ("ipod", "aac", 44_100),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "opus": ("ogg", "libopus", 48_000),
    "wav": ("wav", "pcm_s16le", 16_000),
}
JOINED = [
    *(("flac", "wav"), ("flac", "opus"), ("aac in mka", "flac in mka"), ("m4a", "mp3")),
    *(("opus", "mp3"), ("opus", "flac in ogg"), ("mp3", "flac"), ("wav", "flac")),
    *(("m4a", "aiff"), ("flac", "caf")),
]


def sound(kind: str, seconds: float) -> bytes:
    container, codec, rate = KINDS[kind]
    planes = np.random.default_rng(5).uniform(-0.3, 0.3, (1, round(seconds * rate)))
    return encode(planes.astype(np.float32), container, codec, rate, at_once=rate)


def of_24_bits(seconds: float) -> bytes:
    samples = np.random.default_rng(6).uniform(-0.3, 0.3, (1, round(seconds * 44_100)))
    options = ("-c:a", "flac", "-sample_fmt", "s32", "-f", "flac", "-")
    return ffmpeg(wav(samples.astype(np.float32), 44_100), "-i", "-", *options)


@pytest.mark.parametrize(("first", "second"), sorted(JOINED))
def test_a_file_of_another_kind_is_lost(first: str, second: str) -> None:
    found = decoded(sound(first, FIRST_S) + sound(second, SECOND_S))
    assert found.seconds == pytest.approx(FIRST_S, abs=0.1)
    assert found.lost_ms == pytest.approx(SECOND_S * 1000, abs=100)


def test_flac_of_another_sample_size_is_lost() -> None:
    """FFmpeg writes no duration into FLAC on standard output."""
    body = of_24_bits(SECOND_S)
    samples = round(SECOND_S * 44_100)
    body = body[:22] + samples.to_bytes(4, "big") + body[26:]
    found = decoded(sound("flac", FIRST_S) + body)
    assert found.seconds == pytest.approx(FIRST_S, abs=0.1)
    assert found.lost_ms == pytest.approx(SECOND_S * 1000, abs=100)


def test_a_file_behind_a_truncated_one_does_not_hide_the_truncation() -> None:
    first = sound("flac", FIRST_S)
    found = decoded(first[: len(first) // 2] + sound("wav", SECOND_S))
    assert found.decoded_ms + found.lost_ms == pytest.approx((FIRST_S + SECOND_S) * 1000, abs=200)


def test_a_damaged_number_of_samples_behind_a_file_does_not_become_years() -> None:
    body = bytearray(sound("flac", SECOND_S))
    body[21:26] = b"\xff" * 5
    found = decoded(sound("m4a", FIRST_S) + bytes(body))
    assert found.lost_ms <= len(body) / LEAST_BYTES_PER_S * 1000


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("rest", [id3(5000), b"fLaC", b"OggS\0\2" + bytes(50), b"RIFF....WAVE"])
def test_a_tag_or_the_first_bytes_of_a_file_are_no_audio(kind: str, rest: bytes) -> None:
    found = decoded(sound(kind, FIRST_S) + rest)
    assert found.seconds == pytest.approx(FIRST_S, abs=0.1)
    assert found.lost_ms < 100


def test_fragments_that_ffmpeg_reads_from_the_first_of_two_files_are_lost() -> None:
    """They have offsets from the start of their own file, and FFmpeg reads the first file twice."""
    options = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}
    planes = np.random.default_rng(5).uniform(-0.3, 0.3, (1, 20 * 44_100)).astype(np.float32)
    body = encode(planes, "mp4", "aac", 44_100, at_once=44_100, **options)
    assert decoded(body + body).lost_ms == pytest.approx(20_000, abs=1000)
