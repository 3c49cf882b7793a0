"""Damage in headers, clusters, pages and tags: the rest is decoded, and losses are reported."""

import tempfile
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, AudioRange, Selection
from tests.support.audio import as_file, encode, tone
from tests.support.bad_audio import SECONDS, sound_file

CLUSTER = bytes.fromhex("1f43b675")


def facts_of(body: bytes) -> AudioFacts:
    audio = AudioRange(Selection())
    for _ in audio.select(decode_pieces(as_file(body), Limits(audio_s=12 * 3600))):
        pass
    assert audio.facts
    return audio.facts


def overwritten(body: bytes, at: int, new: bytes) -> bytes:
    return body[:at] + new + body[at + len(new) :]


@dataclass(frozen=True)
class Cluster:
    """Offset of a cluster in the file, and its time in ms."""

    at: int
    time_at: int
    time_ms: int


def clusters(body: bytes) -> list[Cluster]:
    found, at = [], body.find(CLUSTER)
    while at >= 0:
        time_at = body.index(b"\xe7", at) + 2
        size = body[time_at - 1] & 0x7F
        time_ms = int.from_bytes(body[time_at : time_at + size], "big")
        found.append(Cluster(at, time_at, time_ms))
        at = body.find(CLUSTER, at + 4)
    return found


def test_a_title_that_is_not_unicode_is_ignored() -> None:
    text = b"\x03title \xff\x91"  # 3: UTF-8
    frame = b"TIT2" + len(text).to_bytes(4, "big") + bytes(2) + text
    tag = b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame
    facts = facts_of(tag + sound_file("mp3 without Xing"))
    assert facts.duration_ms == pytest.approx(1000 * SECONDS, abs=100)


def test_a_seek_beyond_any_file_fails_as_in_a_file() -> None:
    source = DecoderInput(as_file(b"12345"), lambda: None)
    assert source.seek(3) == 3
    assert source.seek(1 << 44) == -1
    assert source.tell() == 3
    assert source.seek(1 << 40) == 1 << 40


@pytest.mark.parametrize("kind", ["webm", "mka with aac"])
@pytest.mark.parametrize("shift", [0, 4, 20], ids=["its ID", "its size", "its first packet"])
def test_the_first_cluster_is_lost_and_no_pause(kind: str, shift: int) -> None:
    body = sound_file(kind)
    first, second, *_ = clusters(body)
    facts = facts_of(overwritten(body, first.at + shift, bytes(second.at - first.at - 200)))
    assert facts.duration_ms == pytest.approx(1000 * SECONDS, abs=100)
    assert facts.lost_ms == pytest.approx(second.time_ms, abs=200)
    assert facts.filled_ms == 0
    assert "audio_damaged" in facts.warnings


@pytest.mark.parametrize("kind", ["webm", "mka with aac"])
def test_the_damaged_time_of_the_last_cluster_is_no_pause(kind: str) -> None:
    body = sound_file(kind)
    last = clusters(body)[-1]
    facts = facts_of(overwritten(body, last.time_at, (last.time_ms + 20_000).to_bytes(2, "big")))
    assert facts.filled_ms == 0
    assert facts.duration_ms == pytest.approx(1000 * SECONDS, abs=100)


def _video(seconds: int, codec: str, late_s: int = 0) -> bytes:
    """A video whose audio starts `late_s` after its start and ends `late_s` before its end."""
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 8_000 * seconds)).astype(np.float32)
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format="matroska") as output:
            video: Any = output.add_stream(codec, rate=5)
            video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
            audio: Any = output.add_stream("pcm_s16le", rate=8_000, layout="mono")
            picture: Any = av.VideoFrame(32, 32, "yuv420p")
            for number in range(5 * seconds):
                picture.pts = number
                output.mux(video.encode(picture))
                if not 5 * late_s <= number < 5 * (seconds - late_s):
                    continue
                part = np.ascontiguousarray(noise[:, 1600 * number : 1600 * (number + 1)])
                frame: Any = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 8_000, 1600 * number
                output.mux(audio.encode(frame))
            for stream in (video, audio):
                output.mux(stream.encode(None))
        return file.read()


def test_a_video_that_was_cut_off_lacks_its_end() -> None:
    """Matroska declares only the duration of the whole recording, not that of its audio."""
    body = _video(20, "mpeg4")
    assert facts_of(body).warnings == ()
    facts = facts_of(body[: len(body) // 2])
    assert facts.duration_ms == pytest.approx(10_000, abs=600)
    assert facts.lost_ms == pytest.approx(10_000, abs=600)
    assert facts.warnings == ("audio_truncated",)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_audio_that_is_shorter_than_its_video_is_not_cut_off(codec: str) -> None:
    """FFmpeg may report the duration of the whole recording as that of its audio."""
    facts = facts_of(_video(20, codec, late_s=5))
    assert facts.warnings == ("audio_gaps_filled",)
    assert facts.lost_ms == 0
    assert facts.duration_ms == pytest.approx(15_000, abs=100)


@pytest.mark.parametrize("from_end", [1, 2])
@pytest.mark.parametrize("page_s", [1.0, 3.0])
def test_a_lost_page_at_the_end_of_an_ogg_file_is_reported(from_end: int, page_s: float) -> None:
    """No timestamp shows that the last page is missing."""
    hiss = np.random.default_rng(7).normal(0, 0.1, (1, 48_000 * 21 // 2)).astype(np.float32)
    page = str(round(1_000_000 * page_s))
    body = encode(hiss, "ogg", "libopus", 48_000, at_once=48_000, page_duration=page)
    at = len(body)
    for _ in range(from_end):
        at = body.rfind(b"OggS", 0, at)
    facts = facts_of(overwritten(body, at + 40, bytes(50)))
    if from_end == 1:
        assert facts.duration_ms < 10_500 - 200
        assert facts.lost_ms == pytest.approx(10_500 - facts.duration_ms, rel=0.2, abs=100)
    else:
        assert facts.duration_ms == pytest.approx(10_500, abs=50)
        assert facts.lost_ms == pytest.approx(1000 * page_s, abs=50)
    assert facts.warnings == ("audio_damaged",)


@pytest.mark.parametrize("tag", [bytes(3000), b"TAG".ljust(128, b"x"), b"some text" * 99])
def test_what_follows_the_last_page_of_an_ogg_file_is_no_damage(tag: bytes) -> None:
    assert facts_of(sound_file("ogg with opus") + tag).lost_ms == 0


@pytest.mark.parametrize("frames", [60, 10**5, 10**9])
def test_a_damaged_frame_count_of_an_mp3_is_no_loss(frames: int) -> None:
    """The byte count in the same header shows that nothing is missing."""
    body = encode(tone(6, rate=44_100), "mp3", "libmp3lame", 44_100)
    at = body.index(b"Info") if b"Info" in body[:500] else body.index(b"Xing")
    facts = facts_of(overwritten(body, at + 8, frames.to_bytes(4, "big")))
    assert facts.duration_ms == pytest.approx(6000, abs=100)
    assert facts.warnings == ()
