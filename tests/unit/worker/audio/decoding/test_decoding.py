"""All audio is decoded to 16 kHz samples of the right length per channel, within the limits."""

import numpy as np
import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.audio.decoding.decode import Audio, decode_file, decode_pieces
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED, Limits
from funasr_fleet.worker.errors import AudioTooLong, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE
from tests.support.audio import as_file, encode, tone, wav
from tests.support.odd_audio import ffmpeg

SECONDS = 2.0


@pytest.mark.parametrize(
    ("container", "codec", "rate", "channels"),
    [
        ("wav", "pcm_s16le", 16_000, 1),
        ("wav", "pcm_s16le", 8_000, 1),
        ("wav", "pcm_s16le", 44_100, 2),
        ("wav", "pcm_s16le", 48_000, 6),
        ("wav", "pcm_mulaw", 8_000, 1),
        ("flac", "flac", 44_100, 2),
        ("flac", "flac", 48_000, 6),
        ("mp3", "libmp3lame", 44_100, 2),
        ("mp3", "libmp3lame", 8_000, 1),
        ("ogg", "libopus", 48_000, 1),
        ("webm", "libopus", 48_000, 2),
        ("ipod", "aac", 44_100, 2),
        ("ipod", "aac", 8_000, 1),
    ],
)
def test_every_format_keeps_its_length_and_its_channels(
    container: str, codec: str, rate: int, channels: int
) -> None:
    body = encode(tone(SECONDS, rate=rate, channels=channels), container, codec, rate)
    audio = decode_file(as_file(body))
    assert audio.duration_ms == pytest.approx(1000 * SECONDS, abs=60)
    assert (audio.channels, audio.source_rate) == (channels, rate)
    assert audio.planes.shape == (channels, audio.planes.shape[1])
    assert audio.planes.dtype == np.float32


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_tone_keeps_its_pitch_and_its_loudness_at_any_rate(rate: int) -> None:
    samples = decode_file(as_file(wav(tone(SECONDS, rate=rate), rate))).samples(None)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(samples) == pytest.approx(200, abs=1)
    assert np.max(np.abs(samples)) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_resampling_keeps_the_last_samples(rate: int) -> None:
    audio = decode_file(as_file(wav(tone(SECONDS, rate=rate), rate)))
    assert audio.planes.shape[1] == pytest.approx(SECONDS * SAMPLE_RATE, abs=4)


def test_the_mix_is_the_mean_of_all_channels() -> None:
    planes = tone(0.5, channels=2)
    audio = decode_file(as_file(wav(planes)))
    np.testing.assert_allclose(audio.samples(None), planes.mean(axis=0), atol=1e-3)


@pytest.mark.parametrize("channel", [0, 1])
def test_a_channel_is_chosen_by_its_number(channel: int) -> None:
    planes = tone(0.5, channels=2)
    chosen = decode_file(as_file(wav(planes))).samples(channel)
    np.testing.assert_allclose(chosen, planes[channel], atol=1e-3)
    assert chosen.flags.c_contiguous


def test_a_missing_channel_is_named() -> None:
    audio = Audio(planes=tone(0.1), source_rate=16_000)
    with pytest.raises(UndecodableAudio, match="no channel 1: the file has 1"):
        audio.samples(1)


@pytest.mark.parametrize(("samples", "ms"), [(16_000, 1000), (16_015, 1000), (16_016, 1001)])
def test_the_length_is_in_whole_milliseconds(samples: int, ms: int) -> None:
    planes = np.zeros((1, samples), dtype=np.float32)
    assert Audio(planes=planes, source_rate=8_000).duration_ms == ms


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("ogg", "libopus"), ("adts", "aac")]
)
def test_audio_above_the_limit_is_rejected_whatever_its_header_says(
    container: str, codec: str
) -> None:
    body = encode(tone(3, rate=48_000), container, codec, 48_000)
    with pytest.raises(AudioTooLong, match="more than 2 s"):
        decode_file(as_file(body), Limits(audio_s=2))


def test_audio_up_to_the_limit_is_accepted() -> None:
    assert decode_file(as_file(wav(tone(2))), Limits(audio_s=2)).duration_ms == 2000


def test_decoding_the_same_file_twice_gives_the_same_samples() -> None:
    body = encode(tone(1, rate=44_100), "mp3", "libmp3lame", 44_100)
    first, second = (decode_file(as_file(body)) for _ in range(2))
    np.testing.assert_array_equal(first.planes, second.planes)


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "flac")]
)
def test_more_channels_than_allowed_are_rejected(container: str, codec: str) -> None:
    body = encode(tone(1, channels=6), container, codec, 16_000)
    with pytest.raises(UndecodableAudio, match=r"6 channels, more than FLEET_MAX_CHANNELS \(5\)"):
        decode_file(as_file(body), Limits(channels=5))
    assert decode_file(as_file(body), Limits(channels=6)).channels == 6


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("ogg", "libopus"), ("adts", "aac")]
)
def test_a_file_that_is_large_once_decoded_is_rejected(container: str, codec: str) -> None:
    """Three seconds in two channels are 0.384 MB at 16 kHz."""
    body = encode(tone(3, rate=48_000, channels=2), container, codec, 48_000)
    with pytest.raises(AudioTooLong, match=r"exceed FLEET_MAX_DECODED_MB \(0.3\)"):
        decode_file(as_file(body), Limits(decoded_mb=0.3))
    assert decode_file(as_file(body), Limits(decoded_mb=0.4)).channels == 2


def _of_a_hundred_hours() -> bytes:
    """A second of audio, whose header declares 100 hours."""
    body = bytearray(encode(tone(1), "flac", "flac", 16_000))
    samples = 100 * 3600 * 16_000  # 36 bits at the end of STREAMINFO's fixed fields
    at = body.index(b"fLaC") + 8 + 13
    body[at] = (body[at] & 0xF0) | samples >> 32
    body[at + 1 : at + 5] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(body)


def test_a_file_of_a_hundred_hours_is_rejected_before_it_is_decoded() -> None:
    """The header declares the duration; encoded silence takes very few bytes."""
    body = _of_a_hundred_hours() + bytes(4_000_000)
    with pytest.raises(AudioTooLong, match="360000 s of audio"):
        decode_file(as_file(body), Limits(audio_s=12 * 3600))


def test_a_declared_duration_that_is_implausible_for_the_size_rejects_no_file() -> None:
    """The header is damaged, or most of the file is missing: the available audio is decoded."""
    pieces = list(decode_pieces(as_file(_of_a_hundred_hours()), Limits(audio_s=12 * 3600)))
    assert sum(piece.planes.shape[1] for piece in pieces) == 16_000
    assert pieces[-1].is_truncated


def test_decoding_stops_at_the_limit_when_the_header_hides_the_length() -> None:
    """A stream without a declared length is decoded up to the limit."""
    body = encode(tone(60, rate=8_000), "adts", "aac", 8_000)
    taken: list[int] = []
    pieces = decode_pieces(as_file(body), Limits(decoded_mb=0.64))
    with pytest.raises(AudioTooLong):
        taken.extend(piece.planes.shape[1] for piece in pieces)
    assert sum(taken) <= 10 * SAMPLE_RATE


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings.model_construct(
        max_bytes=1, max_audio_s=2.0, max_channels=3, max_sample_rate=5, max_decoded_mb=4.0
    )
    assert Limits.of(settings) == Limits(bytes=1, audio_s=2, channels=3, rate_hz=5, decoded_mb=4)


def test_by_default_twelve_hours_of_stereo_are_accepted() -> None:
    limits, seconds = Limits.of(Settings.model_construct()), 12 * 3600
    assert limits.bytes
    assert seconds * 48_000 * 2 * 2 < limits.bytes
    limits.check_channels(2)
    limits.check_declared(seconds, 2, 1 << 40)
    limits.check_decoded(seconds * 16_000, 2)


@pytest.mark.parametrize(
    ("seconds", "channels"), [(100 * 3600, 1), (12 * 3600, 8), (12 * 3600, 32)]
)
def test_by_default_a_hundred_hours_or_many_channels_are_rejected(
    seconds: int, channels: int
) -> None:
    limits = Limits.of(Settings.model_construct())
    with pytest.raises(AudioTooLong):
        limits.check_declared(seconds, channels, 1 << 40)
    with pytest.raises(AudioTooLong):
        limits.check_decoded(seconds * 16_000, channels)
    with pytest.raises(UndecodableAudio, match="FLEET_MAX_CHANNELS"):
        limits.check_channels(64)


def test_without_limits_everything_is_accepted() -> None:
    UNLIMITED.check_channels(1000)
    UNLIMITED.check_declared(1e9, 1000, 1 << 40)
    UNLIMITED.check_decoded(10**15, 1000)


def test_the_rate_is_that_of_the_frames_if_the_header_states_none() -> None:
    """FFmpeg opens a program stream without having read any of the audio, if it begins late."""
    video = ("-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=8", "-c:v", "mpeg1video")
    audio = ("-itsoffset", "6", "-f", "lavfi", "-i", "sine=440:r=48000:d=2", "-c:a", "mp2")
    body = ffmpeg(b"", *video[:4], *audio[:6], *video[4:], *audio[6:], "-f", "mpeg", "-")
    assert decode_file(as_file(body)).source_rate == 48_000
