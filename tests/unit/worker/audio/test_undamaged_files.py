"""Tags, joined and cut recordings, and pauses are not reported as damage."""

import random
import struct
from collections.abc import Callable

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.selection import AudioRange, Selection
from tests.support.audio import as_file
from tests.support.bad_audio import decoded, sound_file, whole
from tests.support.odd_audio import with_other_times, with_pause

SHORT_S = 5.0


def _id3v1() -> bytes:
    return b"TAG" + b"a title".ljust(125, b"\0")


def _id3v2(size: int = 40_000) -> bytes:
    """A tag with a cover picture that contains bytes like a frame header."""
    picture = random.Random(1).randbytes(size) + b"\xff\xfb\x90\x64" * 20
    length = len(picture) + 10
    syncsafe = bytes(length >> 7 * n & 0x7F for n in (3, 2, 1, 0))
    return b"ID3\x03\0\0" + syncsafe + b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture


def _ape() -> bytes:
    item = struct.pack("<II", 5, 0) + b"Title\0hello"
    begin, end = (
        b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, flags) + bytes(8)
        for flags in (0xA0000000, 0x80000000)
    )
    return begin + item + end


def _ape_without_header() -> bytes:
    """An APE tag with long items, such as lyrics, which contain bytes like a frame header."""
    items = random.Random(1).randbytes(10_000) + b"\xff\xfb\x90\x64" * 20
    return items + b"APETAGEX" + struct.pack("<IIII", 1000, len(items) + 32, 1, 0) + bytes(8)


TAGS: dict[str, Callable[[], bytes]] = {
    "ID3v1": _id3v1,
    "ID3v2": _id3v2,
    "APE": _ape,
    "APE without header": _ape_without_header,
    "APE without header, and ID3v1": lambda: _ape_without_header() + _id3v1(),
    "APE and ID3v1": lambda: _ape() + _id3v1(),
    "zeros": lambda: bytes(3000),
}


@pytest.mark.parametrize("kind", ["mp3 without Xing", "mp3", "adts"])
@pytest.mark.parametrize("tag", TAGS)
def test_what_follows_the_last_frame_is_not_damage(kind: str, tag: str) -> None:
    body = sound_file(kind, SHORT_S) + TAGS[tag]()
    assert decoded(body).lost_ms == 0


JOINABLE = sorted(set(TAGS) - {"APE without header", "APE without header, and ID3v1"})
JOINED = [
    *(
        (kind, tag)
        for tag in ("", *JOINABLE)
        for kind in ("mp3 without Xing", "mp3 of 16 kHz", "adts")
    ),
    *((kind, "") for kind in ("ogg with opus", "ts with aac", "ts with mp3", "ac3", "latm")),
]


@pytest.mark.parametrize(("kind", "tag"), JOINED)
def test_files_that_were_joined_are_not_damage(kind: str, tag: str) -> None:
    body = sound_file(kind, SHORT_S)
    found = decoded(body + (TAGS[tag]() if tag else b"") + body)
    assert found.lost_ms == 0
    assert found.seconds == pytest.approx(2 * SHORT_S, abs=0.3)


STREAMS = ["mp3 without Xing", "mp3 of 16 kHz", "mp2", "latm", "ac3", "ts with aac", "ts with mp3"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_that_was_cut_out_of_a_longer_one_is_not_damage(kind: str, seed: int) -> None:
    """It begins and ends within a packet, and its length is not declared."""
    body, dice = sound_file(kind, SHORT_S), random.Random(seed)
    tenth = len(body) // 10
    begin, end = dice.randrange(4000, 4000 + tenth), dice.randrange(len(body) - tenth, len(body))
    assert decoded(body[begin:end]).lost_ms == 0


def test_a_text_behind_an_mp3_is_not_damage() -> None:
    body = sound_file("mp3 without Xing", SHORT_S) + b"[lyrics] la la la\n" * 60
    assert decoded(body).lost_ms == 0


KINDS = [("webm", "libopus"), ("matroska", "aac"), ("mpegts", "aac"), ("ogg", "libopus")]


@pytest.mark.parametrize(("pause_s", "filled_s"), [(0.03, 0.0), (0.3, 0.3), (10.0, 10.0)])
@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_a_pause_of_the_recorder_is_silence_and_not_damage(
    container: str, codec: str, pause_s: float, filled_s: float
) -> None:
    found = decoded(with_pause(container, codec, 48_000, pause_s))
    assert found.lost_ms == 0
    assert found.seconds == pytest.approx(4 + filled_s, abs=0.1)
    assert found.filled_ms == pytest.approx(1000 * filled_s, abs=50)
    later = found.samples[round((2.1 + filled_s) * 16_000) :]
    assert np.abs(later[:8000]).max() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("name", ["webm", "ts with aac", "mka with aac"])
def test_small_gaps_are_filled_once_they_add_up(name: str) -> None:
    """Every tenth packet is missing."""
    container = {"webm": "webm", "ts with aac": "mpegts"}.get(name, "matroska")
    body = with_other_times(
        sound_file(name), container, lambda number, _: None if number % 10 == 5 else 0.0
    )
    found = decoded(body)
    assert found.seconds == pytest.approx(12, abs=0.25)
    assert found.filled_ms == pytest.approx(1200, abs=250)
    assert found.lost_ms == 0


def test_gaps_of_150_ms_keep_the_times_of_what_follows() -> None:
    body = with_other_times(sound_file("webm"), "webm", lambda _, time_s: 0.15 * int(time_s))
    found = decoded(body)
    assert found.seconds == pytest.approx(12 + 11 * 0.15, abs=0.25)
    assert found.filled_ms == pytest.approx(1650, abs=250)


@pytest.mark.parametrize(
    ("name", "container", "gap_s"), [("webm", "webm", 7200.0), ("ts with aac", "mpegts", 300.0)]
)
@pytest.mark.parametrize("from_s", [-1, 6])
def test_a_gap_that_is_too_long_to_be_filled_is_reported(
    name: str, container: str, gap_s: float, from_s: float
) -> None:
    body = with_other_times(
        sound_file(name), container, lambda _, time_s: gap_s if time_s > from_s else 0.0
    )
    audio = AudioRange(Selection())
    samples = sum(planes.shape[1] for planes in audio.select(decode_pieces(as_file(body))))
    assert samples / 16_000 == pytest.approx(12, abs=0.1)
    is_stream_start = container == "mpegts" and from_s < 0
    assert audio.facts
    assert audio.facts.warnings == (() if is_stream_start else ("audio_gaps_filled",))


JITTER: dict[str, Callable[[int, float], float]] = {
    "up and down": lambda number, _: 0.015 * (number % 2),
    "late, then early by steps": lambda number, _: 0.005 * (-number % 4),
    "random": lambda number, _: random.Random(number).uniform(0, 0.018),
    "a clock that runs fast": lambda _, time_s: 0.002 * time_s,
    "a clock that runs slow": lambda _, time_s: -0.01 * time_s,
}


@pytest.mark.parametrize("kind", JITTER)
@pytest.mark.parametrize("name", ["webm", "flv"])
def test_timestamps_that_jitter_are_not_gaps(name: str, kind: str) -> None:
    found = decoded(with_other_times(sound_file(name), name, JITTER[kind]))
    assert (found.filled_ms, found.lost_ms) == (0, 0)
    assert found.seconds == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize(("container", "codec"), [*KINDS, ("mp4", "aac"), ("mov", "pcm_s16le")])
def test_audio_that_begins_late_keeps_its_times_where_the_clock_begins_at_0(
    container: str, codec: str
) -> None:
    found = decoded(with_pause(container, codec, 48_000, 5.0, from_s=-1))
    late_s = 0.0 if container in ("mpegts", "ogg") else 5.0
    assert found.lost_ms == 0
    assert found.seconds == pytest.approx(4 + late_s, abs=0.1)
    assert not found.samples[: round(0.9 * late_s * 16_000)].any()


def test_frames_with_a_damaged_rate_are_silence_of_their_length() -> None:
    """A flipped bit in an ADTS header declares another rate; the frame still decodes."""
    body = bytearray(sound_file("adts"))
    at = bytes(body).index(body[:2], len(body) // 2)
    body[at + 2] ^= 0x04
    found = decoded(bytes(body))
    assert found.lost_ms == pytest.approx(1024 / 44.1, abs=15)
    assert found.seconds == pytest.approx(whole("adts").seconds, abs=0.02)


@pytest.mark.parametrize("kind", ["adts", "adts of 16 kHz"])
def test_a_flipped_header_bit_is_never_a_silent_loss(kind: str) -> None:
    body = sound_file(kind, SHORT_S)
    at = body.index(body[:2], len(body) // 2)
    decoded_ms = decoded(body).decoded_ms
    for bit in range(7 * 8):
        hurt = bytearray(body)
        hurt[at + bit // 8] ^= 0x80 >> bit % 8
        found = decoded(bytes(hurt))
        assert decoded_ms - found.decoded_ms < 10 or found.lost_ms > 0, f"bit {bit}"
