"""Durations from headers: correct, cheap to read, and unknown where the header is wrong."""

import pytest

from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.estimate.durations import read_duration_ms
from funasr_fleet.producer.estimate.headers import HeaderTooLong, RangeFile
from tests.support.audio import MP3_FRAME, id3, mp3, mp3_of_varying_rate, opus, silent_wav
from tests.support.stores import CountingStore

MB = 1_000_000
FRAME_MS = 1000 * 1152 / 44_100


def opened(body: bytes) -> tuple[CountingStore, RangeFile]:
    store = CountingStore("in")
    store.write("s3://in/name-without-suffix", body, "audio/any")
    return store, RangeFile(store, "s3://in/name-without-suffix", len(body))


def duration_ms(body: bytes) -> int | None:
    return read_duration_ms(opened(body)[1])


@pytest.mark.parametrize(
    ("body", "expected_ms"),
    [
        (silent_wav(100 * MB), 3_125_000),
        (mp3(240_000), 240_000 * FRAME_MS),
        (id3(6 * MB) + mp3(240_000), 240_000 * FRAME_MS),  # a podcast with its cover
        (opus(25_000), 25_000_000),
    ],
    ids=["wav", "mp3", "mp3 with cover", "opus"],
)
def test_a_large_file_costs_less_than_a_megabyte(body: bytes, expected_ms: float) -> None:
    store, file = opened(body)
    assert read_duration_ms(file) == pytest.approx(expected_ms, rel=1e-3)
    assert len(body) >= 100 * MB
    assert 0 < store.fetched_bytes < MB
    assert store.requests <= 5


def test_the_duration_of_a_variable_rate_mp3_is_extrapolated() -> None:
    store, file = opened(mp3_of_varying_rate(100_000))
    assert read_duration_ms(file) == pytest.approx(100_000 * FRAME_MS, rel=0.03)
    assert store.fetched_bytes < MB


@pytest.mark.parametrize(
    ("name", "expected_ms"),
    [
        ("calls/hotline.mp3", 9_880),
        ("calls/voicemail.wav", 4_580),
        ("counting.opus", 9_880),
        ("order-numbers.flac", 4_960),
        ("silence.flac", 5_000),
        ("reading.ogg", 13_980),
        ("screen-recording.mp4", 8_090),
        ("电话号码.m4a", 5_490),
        ("inventory-two-minutes.mp3", 121_100),
    ],
)
def test_every_sample_format_has_the_right_duration(name: str, expected_ms: int) -> None:
    assert duration_ms((SAMPLES / name).read_bytes()) == pytest.approx(expected_ms, abs=100)


@pytest.mark.parametrize(
    ("body", "expected_ms"),
    [
        (silent_wav(320_000, claimed_bytes=0xFFFFFFFF), 10_000),  # written to a pipe by ffmpeg
        (silent_wav(320_000, claimed_bytes=0x7FFFFFFF), 10_000),  # written to a pipe by sox
        (silent_wav(32_000, claimed_bytes=0), None),  # killed before its header was updated
        (
            silent_wav(80_000, codec=7, rate=8_000, bits=8),
            10_000,
        ),  # G.711 without a count of samples
        (silent_wav(80_000, codec=6, rate=8_000, bits=8, samples=80_000), 10_000),
        (silent_wav(80_000, codec=7, rate=8_000, bits=8, claimed_bytes=0xFFFFFFFF), 10_000),
        (silent_wav(40_000, codec=17, rate=8_000, bits=4, samples=80_000), 10_000),  # ADPCM
        (silent_wav(40_000, codec=17, rate=8_000, bits=4), None),
        (silent_wav(16_250, codec=49, rate=8_000, bits=0, samples=80_000), 10_000),  # GSM 6.10
        (
            silent_wav(16_250, codec=49, rate=8_000, bits=0, samples=80_000, claimed_bytes=1 << 31),
            None,
        ),
    ],
)
def test_wrong_header_sizes_are_not_used(body: bytes, expected_ms: int | None) -> None:
    found = duration_ms(body)
    assert found == (None if expected_ms is None else pytest.approx(expected_ms, rel=1e-3))


def xing(frames: int, size_bytes: int) -> bytes:
    """A Xing frame: the number of frames that follow, and the bytes of all including itself."""
    told = b"Xing" + bytes([0, 0, 0, 3]) + frames.to_bytes(4) + size_bytes.to_bytes(4)
    return (MP3_FRAME[:36] + told).ljust(len(MP3_FRAME), b"\0")


def test_the_xing_header_of_a_truncated_or_joined_file_is_not_used() -> None:
    whole = xing(1000, 1001 * len(MP3_FRAME)) + mp3(1000)
    assert duration_ms(whole) == pytest.approx(1000 * FRAME_MS, rel=1e-3)
    assert duration_ms(whole[: len(whole) // 4]) == pytest.approx(250 * FRAME_MS, rel=0.01)
    assert duration_ms(whole * 3) is None


def test_a_truncated_ogg_file_is_as_long_as_its_last_page() -> None:
    cut = opus(100)[: 60 * 4_043 + 100]
    assert duration_ms(cut) == pytest.approx(60_000, abs=2_000)


@pytest.mark.parametrize("last", [10, 100])
def test_an_ogg_file_of_several_streams_is_unknown(last: int) -> None:
    assert duration_ms(opus(100) + opus(last, stream=2)) is None


def test_raw_aac_is_not_mistaken_for_mp3() -> None:
    frame = b"\xff\xf1\x60\x40\x30\x7f\xfc"
    assert duration_ms(frame + mp3(100)) is None
    assert duration_ms(id3(20) + frame + mp3(100)) is None


def test_a_placeholder_duration_is_unknown() -> None:
    mvhd = bytes(12) + (1000).to_bytes(4) + bytes([255] * 4) + bytes(80)
    atoms = (8 + len(mvhd)).to_bytes(4) + b"mvhd" + mvhd
    movie = b"\0\0\0\x10ftypM4A \0\0\0\0" + (8 + len(atoms)).to_bytes(4) + b"moov" + atoms
    assert duration_ms(movie + bytes(MB)) is None
    told = movie.replace(bytes([255] * 4), (60_000).to_bytes(4))
    assert duration_ms(told + bytes(MB)) == 60_000


def test_a_file_without_audio_frames_costs_less_than_a_megabyte() -> None:
    store, file = opened(id3(1000) + bytes(9 * MB))
    with pytest.raises(HeaderTooLong):
        read_duration_ms(file)
    assert store.fetched_bytes < MB
