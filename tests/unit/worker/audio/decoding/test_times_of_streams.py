"""Times of audio in MPEG streams, whose recordings may be cut out of a broadcast."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.support.bad_audio import decoded
from tests.support.odd_audio import ffmpeg

VIDEO = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=8")
SOUND = ("-itsoffset", "5", "-f", "lavfi", "-i", "sine=440:r=48000:d=3")


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("mpegts", "mpeg2video", "aac"),
        ("mpegts", "mpeg2video", "mp2"),
        ("mpeg", "mpeg1video", "mp2"),
        ("vob", "mpeg2video", "ac3"),
    ],
)
def test_audio_that_begins_later_than_the_video_keeps_its_times(
    container: str, video: str, audio: str
) -> None:
    codecs = ("-c:v", video, "-c:a", audio, "-f", container)
    found = decoded(ffmpeg(b"", *VIDEO, *SOUND, "-map", "0:v", "-map", "1:a", *codecs, "pipe:1"))
    assert found.lost_ms == 0
    assert found.filled_ms == pytest.approx(5000, abs=150)
    assert found.seconds == pytest.approx(8, abs=0.2)
    assert not found.samples[: round(4.8 * 16_000)].any()
    assert np.abs(found.samples[round(5.3 * 16_000) :]).max() > 0.05


HISS = ("-f", "lavfi", "-i", "anoisesrc=r=44100:d=20:a=0.1:seed=7")


@pytest.mark.parametrize("shift", range(0, 420, 61))
@pytest.mark.parametrize("codec", ["aac", "mp2"])
def test_a_hole_in_a_transport_stream_keeps_its_length(codec: str, shift: int) -> None:
    """The first good frame after it may be in the middle of a unit, without an offset."""
    body = ffmpeg(b"", *HISS, "-c:a", codec, "-f", "mpegts", "pipe:1")
    size, at = round(0.35 * len(body)), round(0.4 * len(body)) + shift
    found = decoded(body[:at] + bytes(size) + body[at + size :])
    assert found.seconds == pytest.approx(20, abs=0.2)
    assert found.lost_ms == pytest.approx(7000, abs=250)
    assert found.filled_ms == 0


@pytest.mark.parametrize("share", [0.003, 0.12, 0.2])
def test_damage_in_a_real_media_file_is_a_loss_by_its_declared_duration(
    tmp_path: Path, share: float
) -> None:
    """FFmpeg reads timestamps of hours after the damage, and skips seconds of audio."""
    path = tmp_path / "a.rm"
    ffmpeg(b"", *HISS, "-c:a", "ac3", "-ac", "2", str(path))
    body = path.read_bytes()
    size, at = round(len(body) * share), round(len(body) * 0.3)
    found = decoded(body[:at] + random.Random(size).randbytes(size) + body[at + size :])
    assert found.decoded_ms + found.lost_ms == pytest.approx(20_000, abs=500)
    assert found.lost_ms > 20_000 * share - 100


def test_a_real_media_file_that_was_written_to_a_pipe_is_whole() -> None:
    found = decoded(ffmpeg(b"", *HISS, "-c:a", "ac3", "-ac", "2", "-f", "rm", "pipe:1"))
    assert found.seconds == pytest.approx(20, abs=0.1)
    assert found.lost_ms == 0


STREAMS: dict[str, tuple[str, ...]] = {
    "ts with aac": ("-c:a", "aac", "-f", "mpegts"),
    "m2ts with ac3": ("-c:a", "ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "mpg with mp2": ("-c:a", "mp2", "-f", "mpeg"),
    "vob with ac3": ("-c:a", "ac3", "-f", "vob"),
    "vob with pcm": ("-c:a", "pcm_s16be", "-ar", "48000", "-ac", "2", "-f", "vob"),
}


@pytest.mark.parametrize("how", ["overwritten", "zeroed", "removed"])
@pytest.mark.parametrize("share", [0.12, 0.2])
@pytest.mark.parametrize("kind", sorted(STREAMS))
def test_long_damage_in_a_stream_is_lost_audio_and_no_pause(
    kind: str, share: float, how: str
) -> None:
    body = ffmpeg(b"", *HISS, *STREAMS[kind], "pipe:1")
    size, at = round(len(body) * share), round(len(body) * 0.3)
    new = {"zeroed": bytes(size), "removed": b""}.get(how, random.Random(size).randbytes(size))
    found = decoded(body[:at] + new + body[at + size :])
    assert found.seconds == pytest.approx(20, abs=0.2)
    assert found.lost_ms == pytest.approx(20_000 * share, abs=500)
    assert found.filled_ms == 0


@pytest.mark.parametrize("kind", sorted(STREAMS))
def test_a_pause_in_a_stream_is_no_damage(kind: str) -> None:
    sound = ("-f", "lavfi", "-i", "aevalsrc=0.1*sin(3000*t):d=6,aselect=lt(t\\,2)+gt(t\\,5)")
    found = decoded(ffmpeg(b"", *sound, *STREAMS[kind], "pipe:1"))
    assert found.lost_ms == 0
    assert found.filled_ms == pytest.approx(3000, abs=200)
    assert found.seconds == pytest.approx(6, abs=0.2)
