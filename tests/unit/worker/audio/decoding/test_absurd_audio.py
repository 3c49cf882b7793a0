"""Headers with absurd values fail only their file, at once, and not as a storage error."""

import io
import struct
import tempfile
from dataclasses import asdict
from typing import Any

import av
import pytest

from funasr_fleet.contract.job import MAX_TIME_MS
from funasr_fleet.worker.audio.checked_messages import facts_from
from funasr_fleet.worker.audio.decoding.decode import decode_file, decode_pieces
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.selection import AudioRange, Selection
from funasr_fleet.worker.errors import DecoderOutOfMemory, UndecodableAudio
from tests.support.audio import as_file, encode, tone, wav
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.odd_audio import ffmpeg, joined
from tests.support.rare_formats import dsf

ABSURD_HZ = 249_999_991
"""A prime: FFmpeg's resampler would need a filter for each of 16,000 phases."""


def _wav(rate: int, samples: int = 16) -> bytes:
    """A WAV file of silence with any sample rate in its header."""
    size = 2 * samples
    described = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate & 0xFFFFFFFF, 2, 16)
    return (
        (b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + described + b"data")
        + struct.pack("<I", size)
        + bytes(size)
    )


def _au(rate: int, samples: int = 26) -> bytes:
    """An AU file of silence with any sample rate in its header."""
    return b".snd" + struct.pack(">IIIII", 24, 2 * samples, 3, rate, 1) + bytes(2 * samples)


def _caf(rate: float, data_bytes: int, samples: int = 4000) -> bytes:
    """A CAF file with this size of the sample chunk in its header."""
    described = struct.pack(">d4sIIIII", rate, b"lpcm", 0, 2, 1, 1, 16)
    chunks = b"desc" + struct.pack(">q", 32) + described + b"data" + struct.pack(">q", data_bytes)
    return b"caff" + struct.pack(">HH", 1, 0) + chunks + bytes(4 + 2 * samples)


@pytest.fixture
def no_resampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a resampler is built: for such rates this takes much time and memory."""

    def build(*_: Any) -> None:
        pytest.fail("a resampler was built")

    monkeypatch.setattr(av, "AudioResampler", build)


@pytest.mark.usefixtures("no_resampler")
@pytest.mark.parametrize(
    ("body", "rate"),
    [
        (_wav(ABSURD_HZ), ABSURD_HZ),
        (_au(ABSURD_HZ), ABSURD_HZ),
        (_wav(384_001), 384_001),
        (_wav(999), 999),
        (_wav(1, 16_000), 1),
        (_caf(0.5, 8004), 0),
    ],
    ids=["wav", "au", "above 384 kHz", "below 1 kHz", "1 Hz", "half a Hz"],
)
def test_an_absurd_sample_rate_is_named_and_rejected_before_a_resampler_is_built(
    body: bytes, rate: int
) -> None:
    reason = rf"{rate} Hz.*1000 to 384000 Hz \(FLEET_MAX_SAMPLE_RATE\)" if rate else "."
    with pytest.raises(UndecodableAudio, match=reason):
        decode_file(as_file(body))


@pytest.mark.parametrize("rate", [1_000, 1_234, 384_000])
def test_sample_rates_up_to_the_bounds_are_accepted(rate: int) -> None:
    assert decode_file(as_file(wav(tone(1, rate=rate), rate))).duration_ms == 1000


@pytest.mark.parametrize("most", [8_000, 2_822_400])
def test_the_highest_sample_rate_can_be_chosen(most: int) -> None:
    limits = Limits(rate_hz=most)
    assert decode_file(as_file(wav(tone(1, rate=most), most)), limits).duration_ms == 1000
    with pytest.raises(UndecodableAudio, match=f"{most + 1} Hz.* 1000 to {most} Hz"):
        decode_file(as_file(_wav(most + 1)), limits)


@pytest.mark.parametrize("data_bytes", [1 << 46, 1 << 61])
def test_a_declared_length_of_any_size_is_reported_as_at_most_the_longest_time(
    data_bytes: int,
) -> None:
    selected = AudioRange(Selection())
    pieces = selected.select(decode_pieces(as_file(_caf(16_000.0, data_bytes))))
    assert sum(piece.shape[1] for piece in pieces) == 4000
    facts = selected.facts
    assert facts
    assert facts_from(asdict(facts)) == facts
    expected = min(data_bytes // 32, MAX_TIME_MS)
    assert facts.truncated_ms == facts.lost_ms == pytest.approx(expected, rel=0.03)
    assert facts.lost_ms <= MAX_TIME_MS


def test_dsd_may_have_eight_times_the_rate_of_dsd64() -> None:
    assert decode_file(as_file(dsf(8)), Limits(rate_hz=8_000)).source_rate == 2_822_400
    with pytest.raises(UndecodableAudio, match=r"5644800 Hz; .* 1000 to 2822400 Hz$"):
        decode_file(as_file(dsf(16)))


def test_the_rest_of_a_stream_whose_rate_becomes_absurd_is_lost() -> None:
    """Every FLAC frame contains the rate."""
    begin = bytearray(encode(tone(2), "flac", "flac", 16_000))
    begin[10:12] = (1 << 15).to_bytes(2, "big")  # the maximum frame length, as in `rest`
    rest = encode(tone(40, rate=500), "flac", "flac", 500)
    body = bytes(begin) + rest[rest.index(b"\xff\xf8", 42) :]
    assert decode_file(as_file(bytes(begin))).duration_ms == 2000
    found = decode_file(as_file(body))
    assert found.duration_ms == 2000
    assert found.lost_ms == pytest.approx(40_000, abs=100)


def test_the_rest_of_a_stream_with_too_many_channels_is_lost() -> None:
    body = joined("adts", ((48_000, 1), (48_000, 2), (48_000, 1)))
    found = decode_file(as_file(body), Limits(channels=1))
    assert found.duration_ms == pytest.approx(9000, abs=250)
    assert found.lost_ms == pytest.approx(3000, abs=250)


def test_a_seek_that_the_disk_refuses_is_an_error_of_the_file_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The size in the header exceeds the limit of any file system."""
    with tempfile.TemporaryFile() as file:
        file.write(_caf(250_000_007.0, 1 << 62))
        with pytest.raises(UndecodableAudio):
            decode_file(file)
    assert capfd.readouterr() == ("", "")


def test_an_impossible_chunk_size_is_ignored() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(_caf(16_000.0, 1 << 62))
        assert decode_file(file).duration_ms == 250


def test_an_absurd_file_fails_and_its_neighbours_do_not(bench: Workbench) -> None:
    absurd = bench.upload_bytes("a.caf", _caf(250_000_007.0, 1 << 62))
    bench.run(a_shard(absurd, bench.upload("b.wav")))
    assert bench.document("a.caf.error.json")["error"]["kind"] == "undecodable_audio"
    assert bench.outcomes == ["failed", "ok"]


@pytest.mark.parametrize(
    "error",
    [OSError(22, "odd"), OverflowError("large"), KeyError("x"), TypeError()],
)
def test_any_exception_of_ffmpeg_is_an_error_of_the_file(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    body = wav(tone(1))
    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(UndecodableAudio, match=r"FFmpeg cannot read it: \S"):
        decode_file(as_file(body))


class _FailingDisk(io.BytesIO):
    """A file on a disk that fails to read from 64 KiB on."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 1 << 16:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_an_allocation_that_fails_is_an_error_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("huge")

    body = wav(tone(1))
    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(DecoderOutOfMemory):
        decode_file(as_file(body))


@pytest.mark.parametrize("container", ["wav", "au", "mov", "ogg"])
def test_a_disk_error_is_not_an_error_of_the_file(container: str) -> None:
    codec = "libopus" if container == "ogg" else "pcm_s16be"
    codec = "pcm_s16le" if container == "wav" else codec
    body = encode(tone(60, rate=48_000), container, codec, 48_000)
    assert len(body) > 1 << 17
    with pytest.raises(OSError, match="Input/output error") as caught:
        decode_file(_FailingDisk(body))
    assert not isinstance(caught.value, av.FFmpegError)
    assert isinstance(caught.value, OSError)


class _FailsOnce(io.BytesIO):
    """A file of which one read fails, counted from 0."""

    def __init__(self, body: bytes, failing: int) -> None:
        super().__init__(body)
        self.reads, self._failing = 0, failing

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads - 1 == self._failing:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disk_error_while_tracks_are_compared_is_not_an_error_of_the_file() -> None:
    """FFmpeg opens the file again for that."""
    streams = ("-map", "0:a", "-map", "0:a", "-c:a", "pcm_s16le", "-f", "matroska", "-")
    body = ffmpeg(wav(tone(3)), "-i", "-", *streams)
    whole = _FailsOnce(body, -1)
    assert decode_file(whole).duration_ms == 3000
    for failing in range(whole.reads):
        with pytest.raises(OSError, match="Input/output error"):
            decode_file(_FailsOnce(body, failing))
