"""Files that are not audio are rejected with the reason; the rest of truncated ones is decoded."""

import functools
from collections.abc import Callable

import av
import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_file, decode_pieces
from funasr_fleet.worker.audio.decoding.resampling import Resampler
from funasr_fleet.worker.errors import AudioTooShort, FileFailure, UndecodableAudio
from tests.support.audio import as_file, encode, noise, tone, wav
from tests.support.bad_audio import damaged, decoded, sound_file


def _noise(seconds: float, rate: int) -> bytes:
    """Noise, because a tone compresses into a single block."""
    planes = np.random.default_rng(7).uniform(-0.3, 0.3, (1, int(seconds * rate)))
    return encode(planes.astype(np.float32), "flac", "flac", rate)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", UndecodableAudio),
        (b"\0" * 4096, UndecodableAudio),
        (b"these are words and no sounds\n" * 50, UndecodableAudio),
        (b'{"audio": "no"}', UndecodableAudio),
        (wav(tone(1))[:20], UndecodableAudio),
        (wav(tone(1))[:-32_000], UndecodableAudio),  # the header alone
        (wav(tone(0.010)), AudioTooShort),
        (wav(tone(0.0249)), AudioTooShort),
    ],
)
def test_files_without_audio_are_rejected(body: bytes, refusal: type[FileFailure]) -> None:
    with pytest.raises(refusal):
        decode_file(as_file(body))


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(UndecodableAudio, match=r"the file is empty \(0 bytes\)"):
        decode_file(as_file(b""))


def test_25_ms_of_audio_are_accepted() -> None:
    assert decode_file(as_file(wav(tone(0.025)))).duration_ms == 25


def test_a_picture_is_rejected() -> None:
    with av.open(file := as_file(b""), "w", format="image2pipe") as output:
        stream = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    with pytest.raises(UndecodableAudio, match="not a supported audio or video format"):
        decode_file(as_file(file.getvalue()))


FORMATS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: wav(tone(6)),
    "flac": lambda: _noise(6, 16_000),
    "mp3": lambda: encode(tone(6, rate=44_100), "mp3", "libmp3lame", 44_100),
    "m4a": lambda: encode(tone(6, rate=44_100), "ipod", "aac", 44_100),
    "m4a, index first": lambda: encode(
        tone(6, rate=44_100), "ipod", "aac", 44_100, movflags="faststart"
    ),
    "webm": lambda: encode(tone(6, rate=48_000), "webm", "libopus", 48_000),
    "aiff": lambda: encode(tone(6), "aiff", "pcm_s16be", 16_000),
    "au": lambda: encode(tone(6), "au", "pcm_s16be", 16_000),
    "avi": lambda: encode(tone(6), "avi", "pcm_s16le", 16_000),
    "caf": lambda: encode(tone(6), "caf", "pcm_s16le", 16_000),
    "flv": lambda: encode(tone(6, rate=44_100), "flv", "aac", 44_100, at_once=1024),
    "mxf": lambda: encode(tone(6, rate=48_000), "mxf_opatom", "pcm_s16le", 48_000),
    "rf64": lambda: encode(tone(6), "wav", "pcm_s16le", 16_000, rf64="always"),
    "rm": lambda: encode(tone(6, rate=44_100), "rm", "ac3", 44_100),
    "tta": lambda: encode(noise(6)[None], "tta", "tta", 16_000),
    "w64": lambda: encode(tone(6), "w64", "pcm_s16le", 16_000),
    "wma": lambda: encode(noise(6)[None], "asf", "mp2", 16_000),
}


@functools.cache
def _six_seconds(name: str) -> bytes:
    return FORMATS[name]()


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file_is_decoded_without_a_loss(name: str) -> None:
    audio = decode_file(as_file(_six_seconds(name)))
    assert audio.duration_ms == pytest.approx(6000, abs=60)
    assert audio.lost_ms == 0


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"m4a"}))
@pytest.mark.parametrize("share", [1 / 3, 1 / 2, 0.8])
def test_the_rest_of_a_truncated_file_is_decoded_and_the_loss_reported(
    name: str, share: float
) -> None:
    body = _six_seconds(name)
    pieces = list(decode_pieces(as_file(body[: round(share * len(body))])))
    duration_ms = sum(piece.planes.shape[1] for piece in pieces) / 16
    lost_ms = sum(piece.lost for piece in pieces) / 16
    slack_ms = {"tta": 1000, "wma": 600}.get(name, 350)  # a TTA frame lasts 1 s
    assert duration_ms == pytest.approx(6000 * share, abs=slack_ms)
    assert duration_ms + lost_ms == pytest.approx(6000, abs=150)
    assert pieces[-1].is_truncated


def test_noise_before_the_end_of_a_truncated_file_does_not_reduce_the_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The missing audio is lost in addition to the noise that is replaced by silence."""
    monkeypatch.setattr(Resampler, "_silence_noise", lambda _, samples: len(samples))
    body = _six_seconds("m4a, index first")
    pieces = list(decode_pieces(as_file(body[: len(body) // 2])))
    decoded_ms = sum(piece.planes.shape[1] for piece in pieces) / 16
    assert pieces[-1].lost / 16 == pytest.approx(6000 - decoded_ms, abs=50)


def test_a_file_whose_index_was_cut_off_is_rejected() -> None:
    body = _six_seconds("m4a")
    with pytest.raises(UndecodableAudio):
        decode_file(as_file(body[: len(body) // 2]))


@pytest.mark.parametrize("name", FORMATS)
def test_truncation_at_any_place_raises_only_errors_of_the_file(name: str) -> None:
    body = _six_seconds(name)
    for size in np.linspace(0, len(body) - 1, 25).astype(int):
        try:
            decode_file(as_file(body[:size]))
        except (UndecodableAudio, AudioTooShort) as refusal:
            assert str(refusal)  # noqa: PT017 - most cuts are refused, the last may pass


@pytest.mark.parametrize("size", [0, 0x7FFFF024, 0x7FFFFFFF, 0xFFFFFFDB, 0xFFFFFFFF])
def test_a_streamed_wav_without_a_size_is_decoded(size: int) -> None:
    body = wav(tone(2))
    streamed = body[:4] + size.to_bytes(4, "little") + body[8:]
    assert decode_file(as_file(streamed)).duration_ms == 2000


def test_a_tag_is_not_mistaken_for_a_frame_count() -> None:
    frames = encode(tone(4), "mp3", "libmp3lame", 16_000, write_xing="0", id3v2_version="0")
    frame = b"TIT2\x00\x00\x00\x10\x00\x00\x00Info\x00\x00\x00\x01\x00\x00\xff\xff   "
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 0, len(frame)]) + frame
    whole = decode_file(as_file(frames)).duration_ms
    assert decode_file(as_file(tag + frames)).duration_ms == whole


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_samples_that_are_no_audio_are_silence_and_lost(value: float, rate: int) -> None:
    """One such sample would spoil the results of its whole batch."""
    planes = tone(2, rate=rate)
    planes[0, rate : rate + rate // 2] = value
    audio = decode_file(as_file(encode(planes, "wav", "pcm_f32le", rate)))
    assert np.isfinite(audio.planes).all()
    assert np.abs(audio.planes).max() < 0.5
    assert audio.duration_ms == 2000
    assert audio.lost_ms == pytest.approx(500, abs=5)


def test_floats_of_the_range_of_integers_are_accepted() -> None:
    body = encode(32_000 * tone(2), "wav", "pcm_f32le", 16_000)
    assert decode_file(as_file(body)).lost_ms == 0


def test_a_file_of_such_samples_alone_is_rejected() -> None:
    with pytest.raises(
        UndecodableAudio, match="not audio: they are too large or not finite numbers"
    ):
        decode_file(as_file(encode(np.nan * tone(1), "wav", "pcm_f32le", 16_000)))


def test_a_stream_that_seems_to_begin_in_mid_file_is_ignored() -> None:
    """Damage in an FLV file looks like a packet of another stream, which PyAV does not know."""
    found = decoded(damaged(sound_file("flv"), 600, seed=0, share=0.5))
    assert found.seconds == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize("name", ["mp3", "mp3 without byte count"])
def test_damage_at_the_end_of_joined_files_is_reported(name: str) -> None:
    """The header of the first part declares only the duration of this part."""
    part = sound_file("mp3")
    if name == "mp3 without byte count":
        at = max(part.find(b"Info"), part.find(b"Xing"))
        part = part[: at + 7] + bytes([part[at + 7] & ~2]) + part[at + 8 :]
    assert decoded(part + part).lost_ms == 0
    cut = len(part) // 12
    found = decoded(part + part[:-cut] + np.random.default_rng(1).bytes(cut))
    assert found.lost_ms == pytest.approx(24_000 - 1000 * found.seconds, abs=250)
    assert found.lost_ms > 500


@pytest.mark.parametrize("place", ["end", "middle"])
def test_bytes_that_are_no_audio_in_amr_count_by_the_byte_rate(place: str) -> None:
    """FFmpeg takes each of these bytes for a packet of 20 ms."""
    body, junk = sound_file("amr"), b"\x55" * 1300  # 650 bytes per second
    at = len(body) if place == "end" else 6 + 13 * 200
    found = decoded(body[:at] + junk + body[at:])
    assert found.lost_ms == pytest.approx(2000, abs=100)
    assert found.seconds == pytest.approx(12 if place == "end" else 14, abs=0.1)


def test_an_unsupported_codec_is_named() -> None:
    body = bytearray(encode(tone(1), "mov", "pcm_s16le", 16_000))
    at = body.index(b"stsd") + 16
    body[at : at + 4] = b"xyz!"
    with pytest.raises(UndecodableAudio, match="no decoder"):
        decode_file(as_file(bytes(body)))
