"""Damaged data packets of ASF and WMA files are lost audio; pauses of the recorder are not."""

import functools
import struct

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.damage.asf import is_damaged_between
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from tests.support.audio import as_file, encode, wav
from tests.support.bad_audio import damaged, decoded
from tests.support.odd_audio import ffmpeg, with_other_times, with_pause

SECONDS, PACKET_BYTES = 12, 3200
NOISE = np.random.default_rng(7).uniform(-0.3, 0.3, (1, 44_100 * SECONDS)).astype(np.float32)


@functools.cache
def recording(codec: str) -> bytes:
    if codec == "mp2":
        return encode(NOISE, "asf", "mp2", 44_100, at_once=44_100)
    command = ("-i", "pipe:0", "-c:a", codec, "-f", "asf", "pipe:1")
    return ffmpeg(wav(NOISE, 44_100), *command)


def packets_at(body: bytes) -> int:
    """File offset of the first data packet."""
    return body.index(b"\x82\0\0", int.from_bytes(body[16:24], "little"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [3000, 10_000])
@pytest.mark.parametrize("codec", ["mp2", "wmav1", "wmav2"])
def test_damaged_packets_are_lost_and_no_pause(codec: str, size: int, seed: int) -> None:
    body = recording(codec)
    whole, found = decoded(body), decoded(damaged(body, size, seed))
    assert (whole.lost_ms, whole.filled_ms, found.filled_ms) == (0, 0, 0)
    assert found.seconds == pytest.approx(whole.seconds, abs=0.03)
    share = size / len(body) * SECONDS
    assert 1000 * share * 0.3 < found.lost_ms < 1000 * (share + 0.4)


@pytest.mark.parametrize("codec", ["mp2", "ac3"])
def test_a_pause_is_no_damage(codec: str) -> None:
    found = decoded(with_pause("asf", codec, 48_000, 10))
    assert found.lost_ms == 0
    assert found.filled_ms == pytest.approx(10_000, abs=50)


def test_a_pause_in_wma_is_no_damage() -> None:
    body = with_other_times(recording("wmav2"), "asf", lambda _, time_s: 7.0 if time_s > 6 else 0.0)
    found = decoded(body)
    assert found.lost_ms == 0
    assert found.filled_ms == pytest.approx(7000, abs=50)


def changed(at: int, new: bytes) -> bytes:
    """Overwrite bytes of the data packet 20."""
    body = recording("wmav2")
    at += packets_at(body) + 20 * PACKET_BYTES
    return body[:at] + new + body[at + len(new) :]


@pytest.mark.parametrize(
    "body",
    [
        changed(0, b"\x81"),
        changed(3, b"\xff"),
        changed(5, b"\xff"),
        changed(12, b"\x3f"),
        changed(14, b"\7"),
        changed(15, b"\7"),
        changed(28, struct.pack("<H", 3100)),
        changed(0, bytes(PACKET_BYTES)),
        changed(-PACKET_BYTES, recording("wmav2")[packets_at(recording("wmav2")) :][:PACKET_BYTES]),
    ],
    ids=[
        "start",
        "flags",
        "padding",
        "count",
        "number",
        "offset",
        "size",
        "zeros",
        "another packet",
    ],
)
def test_a_damaged_packet_is_recognised(body: bytes) -> None:
    begin = packets_at(body)
    source = DecoderInput(as_file(body), lambda: None)
    before, after = (begin + n * PACKET_BYTES for n in (19, 21))
    assert is_damaged_between(source, 1, before, after)
    assert not is_damaged_between(source, 1, after + PACKET_BYTES, after + 20 * PACKET_BYTES)
    assert not is_damaged_between(source, 1, begin, begin + 10 * PACKET_BYTES)


@pytest.mark.parametrize("codec", ["mp2", "wmav1", "wmav2"])
def test_an_intact_file_is_not_damaged(codec: str) -> None:
    body = recording(codec)
    assert not is_damaged_between(DecoderInput(as_file(body), lambda: None), 1, 0, len(body))


@pytest.mark.parametrize("at", [0, 16, 23])
def test_nothing_is_known_about_packets_behind_a_damaged_header(at: int) -> None:
    body = bytearray(recording("mp2"))
    body[at] ^= 0xFF
    assert not is_damaged_between(DecoderInput(as_file(bytes(body)), lambda: None), 1, 0, len(body))


def test_the_declared_duration_shows_that_the_end_is_missing() -> None:
    """Even if the header declares the size of the truncated file."""
    body = recording("mp2")[: len(recording("mp2")) // 2]
    at = body.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")) + 40
    found = decoded(body[:at] + struct.pack("<Q", len(body)) + body[at + 8 :])
    assert found.lost_ms > 5000
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(SECONDS, abs=0.1)
