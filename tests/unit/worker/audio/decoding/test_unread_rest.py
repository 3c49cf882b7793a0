"""Audio after the declared end, which FFmpeg does not read, is reported; metadata is not."""

import struct
from collections.abc import Callable

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from tests.support.audio import as_file, encode, id3, wav
from tests.support.bad_audio import decoded
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.odd_audio import rifx

FORMATS = {
    "wav": ("wav", "pcm_s16le", 16_000),
    "wav, mu-law": ("wav", "pcm_mulaw", 8_000),
    "wav, adpcm": ("wav", "adpcm_ms", 8_000),
    "wav, g722": ("wav", "g722", 16_000),
    "w64": ("w64", "pcm_s16le", 16_000),
    "aiff": ("aiff", "pcm_s16be", 16_000),
    "caf": ("caf", "pcm_s16le", 16_000),
    "voc": ("voc", "pcm_u8", 16_000),
    "tta": ("tta", "tta", 16_000),
    "wavpack": ("wv", "wavpack", 16_000),
    "flv": ("flv", "aac", 44_100),
    "asf": ("asf", "mp2", 16_000),
    "m4a": ("ipod", "aac", 44_100),
    "mov": ("mov", "pcm_s16le", 16_000),
}


def noise(seconds: float, rate: int) -> np.ndarray:
    planes = np.random.default_rng(5).uniform(-0.3, 0.3, (1, round(seconds * rate)))
    return planes.astype(np.float32)


def sound(name: str, seconds: float) -> bytes:
    container, codec, rate = FORMATS[name]
    return encode(noise(seconds, rate), container, codec, rate, at_once=rate)


WAV = wav(noise(4, 16_000))


@pytest.mark.parametrize("name", FORMATS)
def test_a_second_file_that_ffmpeg_does_not_read_is_lost(name: str) -> None:
    found = decoded(sound(name, 4) + sound(name, 3))
    assert found.seconds == pytest.approx(4, abs=0.1)
    assert found.lost_ms == pytest.approx(3000, abs=200)


def test_a_second_wav_of_another_rate_is_measured_by_its_own_rate() -> None:
    found = decoded(WAV + wav(noise(3, 48_000), 48_000) + wav(noise(2, 48_000), 48_000))
    assert found.lost_ms == pytest.approx(5000, abs=20)


def with_size(body: bytes, chunk: bytes, packing: str, size: int) -> bytes:
    """Replace the size of a chunk."""
    at = body.index(chunk) + len(chunk)
    return body[:at] + struct.pack(packing, size) + body[at + struct.calcsize(packing) :]


W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0O\x8e\xdb\x8a"
SHORT_HEADERS = {
    "wav": (b"data", "<I", 32_000),
    "w64": (W64_DATA, "<Q", 32_000 + 24),
    "aiff": (b"SSND", ">I", 32_000 + 8),
    "caf": (b"data", ">Q", 32_000 + 4),
}


@pytest.mark.parametrize("name", SHORT_HEADERS)
def test_audio_behind_the_declared_size_is_lost(name: str) -> None:
    found = decoded(with_size(sound(name, 4), *SHORT_HEADERS[name]))
    assert found.seconds == pytest.approx(1, abs=0.01)
    assert found.lost_ms == pytest.approx(3000, abs=10)


def chunk(kind: bytes, size: int, order: str = "<") -> bytes:
    return kind + struct.pack(f"{order}I", size) + b"\x55" * (size + size % 2)


METADATA: dict[str, Callable[[], bytes]] = {
    "LIST": lambda: WAV + chunk(b"LIST", 40_000),
    "several chunks": lambda: WAV + chunk(b"bext", 6020) + chunk(b"id3 ", 9001) + chunk(b"iXML", 8),
    "a type with a zero byte": lambda: WAV + chunk(b"PAD\0", 3000) + chunk(b"LIST", 400),
    "the same at the end": lambda: WAV + chunk(b"PAD\0", 3001),
    "ID3v2": lambda: WAV + id3(50_000),
    "ID3v1": lambda: WAV + b"TAG" + b"x" * 125,
    "zeros": lambda: WAV + bytes(50_000),
    "zeros before a chunk": lambda: WAV + bytes(500) + chunk(b"LIST", 40_000),
    "ones": lambda: WAV + b"\xff" * 50_000,
    "a few bytes": lambda: WAV + b"recorded by X\n" * 100,
    "an odd number of samples": lambda: _odd(b"\0") + chunk(b"LIST", 40_000),
    "odd without padding": lambda: _odd(b"") + chunk(b"LIST", 40_000),
    "odd with other padding": lambda: _odd(b"\x80") + chunk(b"LIST", 40_000),
    "aiff": lambda: sound("aiff", 4) + chunk(b"ID3 ", 40_000, ">"),
    "caf": lambda: sound("caf", 4) + b"free" + struct.pack(">Q", 40_000) + b"\x55" * 40_000,
    "w64": lambda: (
        sound("w64", 4) + (b"bext" + W64_DATA[4:] + struct.pack("<Q", 40_024) + b"\x55" * 40_000)
    ),
    "index of m4a": lambda: sound("m4a", 4) + struct.pack(">I", 40_000) + b"free" + bytes(39_992),
    "RIFX": lambda: rifx(noise(4, 16_000)) + chunk(b"LIST", 40_000, ">"),
    "flv": lambda: sound("flv", 4) + b"\x55" * 4000,
}


def _odd(padding: bytes) -> bytes:
    body = encode(noise(4, 8_000), "wav", "pcm_u8", 8_000)
    end = body.index(b"data") + 8 + 31_999
    return with_size(body[:end], b"data", "<I", 31_999) + padding


@pytest.mark.parametrize("name", METADATA)
def test_metadata_and_padding_behind_the_audio_are_not_lost_audio(name: str) -> None:
    found = decoded(METADATA[name]())
    assert (round(found.seconds, 1), found.lost_ms) == (4.0, 0)


def test_a_big_endian_wav_is_read_by_its_own_byte_order() -> None:
    body = rifx(noise(4, 16_000))
    assert decoded(body).lost_ms == 0
    assert decoded(body + body).lost_ms == pytest.approx(4000, abs=10)
    assert decoded(body[: len(body) // 2]).lost_ms == pytest.approx(2000, abs=10)


def test_audio_behind_metadata_is_found() -> None:
    found = decoded(WAV + chunk(b"LIST", 400) + WAV)
    assert found.lost_ms == pytest.approx(4000, abs=10)


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}
IN_FRAGMENTS = encode(noise(20, 44_100), "mp4", "aac", 44_100, at_once=44_100, **FRAGMENTED)


@pytest.mark.parametrize("change", ["inserted", "removed"])
def test_fragments_behind_a_wrong_box_are_lost(change: str) -> None:
    at = len(IN_FRAGMENTS) // 4
    rest = IN_FRAGMENTS[at + 200 :] if change == "removed" else bytes(200) + IN_FRAGMENTS[at:]
    found = decoded(IN_FRAGMENTS[:at] + rest)
    assert found.seconds < 7
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("size", [4096, 8192, 50_000])
def test_fragments_behind_a_hole_are_lost(size: int) -> None:
    at = len(IN_FRAGMENTS) // 2
    found = decoded(IN_FRAGMENTS[:at] + bytes(size) + IN_FRAGMENTS[at + size :])
    assert found.seconds < 11
    assert found.seconds + found.lost_ms / 1000 == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize(
    "rest", [struct.pack(">I", 4000) + b"free" + b"\x55" * 3992, b"TAG" + b"x" * 125, bytes(4000)]
)
def test_nothing_is_lost_behind_the_last_fragment(rest: bytes) -> None:
    found = decoded(IN_FRAGMENTS + rest)
    assert (round(found.seconds, 1), found.lost_ms) == (20.0, 0)


def test_many_chunks_are_no_endless_work() -> None:
    body = WAV + b"junk\0\0\0\0" * 200_000
    assert sum(piece.lost for piece in decode_pieces(as_file(body))) > 0


def test_joined_recordings_are_transcribed_as_far_as_ffmpeg_reads_with_a_warning(
    bench: Workbench,
) -> None:
    bench.run(a_shard(bench.upload_bytes("a.wav", WAV + WAV)))
    document = bench.document("a.wav.json")
    assert document["warnings"] == ["audio_damaged"]
    assert document["audio"]["lost_ms"] == pytest.approx(4000, abs=10)
    assert (document["audio"]["repaired"], document["audio"]["duration_ms"]) == (1, 4000)
    assert bench.outcomes == ["ok"]
