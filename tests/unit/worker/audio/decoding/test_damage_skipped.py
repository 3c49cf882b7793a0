"""Only damaged audio is lost: later audio keeps its time, and the loss is reported."""

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_file, decode_pieces
from funasr_fleet.worker.errors import AudioTooShort, UndecodableAudio
from tests.support.audio import as_file, encode
from tests.support.bad_audio import KINDS, SECONDS, damaged, decoded, drift_ms, sound_file, whole

TOLD_MS = 8
"""Smaller losses are not compared, because resampling rounds."""
DRIFT_MS = 70
"""One frame of 64 ms, for formats in which lost frames are estimated from bytes."""
HURT = [
    *("mp3 without Xing", "mp3", "mp3 of 16 kHz", "adts", "adts of 16 kHz", "ts with aac"),
    *("ts with mp3", "m4a", "latm", "ac3"),
]
LESS = [
    *("mp2", "mp4 in fragments", "ogg with opus", "ogg with flac", "flac", "webm"),
    *("mka with aac", "flv", "tta", "wavpack", "alac", "caf with alac", "ms adpcm"),
]


def _check(kind: str, size: int, seed: int) -> None:
    found, sound = decoded(damaged(sound_file(kind), size, seed)), whole(kind)
    missing_ms = sound.decoded_ms - found.decoded_ms
    if missing_ms > TOLD_MS:
        assert found.lost_ms > 0, f"{missing_ms:.0f} ms are missing but not reported"
    assert found.lost_ms == pytest.approx(max(0.0, missing_ms), abs=100)
    assert abs(drift_ms(kind, found)) < DRIFT_MS


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [600, 100, 1])
@pytest.mark.parametrize("kind", HURT)
def test_audio_after_damage_is_in_time_and_the_loss_is_reported(
    kind: str, size: int, seed: int
) -> None:
    _check(kind, size, seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [600, 1])
@pytest.mark.parametrize("kind", LESS)
def test_silently_dropped_damage_is_reported_as_well(kind: str, size: int, seed: int) -> None:
    _check(kind, size, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_an_intact_file_of_any_format_loses_nothing(kind: str) -> None:
    found = whole(kind)
    assert found.lost_ms == 0
    assert found.seconds == pytest.approx(SECONDS, abs=0.3)


@pytest.mark.parametrize(
    "kind", ["mp3 without Xing", "adts of 16 kHz", "m4a", "ac3", "ts with aac"]
)
def test_a_hole_in_a_file_becomes_silence_of_its_length(kind: str) -> None:
    """As in an incomplete download of several parts."""
    body = sound_file(kind)
    fifth = len(body) // 5
    found = decoded(body[: 2 * fifth] + bytes(fifth) + body[3 * fifth :])
    assert found.lost_ms == pytest.approx(SECONDS * 200, abs=300)
    assert found.seconds == pytest.approx(whole(kind).seconds, abs=0.3)
    assert not found.samples[round(0.45 * SECONDS * 16_000) : round(0.55 * SECONDS * 16_000)].any()
    assert abs(drift_ms(kind, found)) < 300


@pytest.mark.parametrize("seed", [2, 22, 23])
def test_long_noise_in_adts_becomes_silence_of_its_length(seed: int) -> None:
    """It contains frames that decode, and others whose offsets do not include skipped bytes."""
    samples = np.random.default_rng(7).uniform(-0.3, 0.3, (1, 60 * 48_000)).astype(np.float32)
    body = encode(samples, "adts", "aac", 48_000, at_once=48_000)
    size, at = len(body) // 3, len(body) // 20
    found = decoded(body[:at] + np.random.default_rng(seed).bytes(size) + body[at + size :])
    assert found.lost_ms == pytest.approx(20_000, abs=1000)
    assert found.seconds == pytest.approx(60, abs=1)


def test_a_damaged_start_of_a_matroska_file_with_mp3_is_lost_audio() -> None:
    """FFmpeg trims the first frame by the delay of the encoder."""
    samples = np.random.default_rng(7).uniform(-0.3, 0.3, (1, 20 * 44_100)).astype(np.float32)
    body = encode(samples, "matroska", "libmp3lame", 44_100, at_once=44_100)
    found = decoded(body[:1536] + np.random.default_rng(1).bytes(20_000) + body[21_536:])
    assert found.filled_ms == 0
    assert found.lost_ms == pytest.approx(5000, abs=200)
    assert found.seconds == pytest.approx(20, abs=0.1)


def test_a_lost_packet_becomes_silence_in_its_place() -> None:
    """In an m4a, whose index has the position of every packet: a frame of 1024 samples."""
    body = bytearray(sound_file("m4a"))
    middle = len(body) // 2
    at = bytes(body).index(b"\x21", middle)
    body[at : at + 40] = b"\xff" * 40
    found = decoded(bytes(body))
    assert found.lost_ms in (pytest.approx(1024 / 44.1, abs=1), pytest.approx(2048 / 44.1, abs=1))
    silence = np.flatnonzero(np.convolve(found.samples == 0, np.ones(300), "valid") == 300)
    assert 0.4 * SECONDS < silence[0] / 16_000 < 0.6 * SECONDS
    assert len(found.samples) == len(whole("m4a").samples)


@pytest.mark.parametrize("kind", ["adts", "mp3 of 16 kHz", "ts with aac", "m4a"])
def test_damage_at_several_places_adds_up(kind: str) -> None:
    body = sound_file(kind)
    for seed, share in enumerate((0.2, 0.4, 0.6, 0.8)):
        body = damaged(body, 600, seed, share)
    once = decoded(damaged(sound_file(kind), 600, 0, 0.2))
    found = decoded(body)
    assert found.lost_ms > 2 * once.lost_ms > 0
    assert abs(drift_ms(kind, found)) < 2 * DRIFT_MS


@pytest.mark.parametrize("kind", HURT + LESS)
def test_a_file_of_random_bytes_is_rejected_or_reports_its_loss(kind: str) -> None:
    body = sound_file(kind)
    rubbish = np.random.default_rng(3).bytes(len(body) - 3000)
    try:
        found = decoded(body[:3000] + rubbish)
    except (UndecodableAudio, AudioTooShort) as refusal:
        assert str(refusal)  # noqa: PT017 - what is right depends on what the first 3,000 bytes hold
    else:
        assert found.lost_ms > 0 or found.seconds < 5


def test_a_file_without_a_good_packet_is_rejected_with_the_first_reason() -> None:
    body = bytearray(sound_file("m4a"))
    begin = bytes(body).index(b"mdat") + 4
    end = bytes(body).index(b"moov") - 4
    body[begin:end] = b"\xff" * (end - begin)
    with pytest.raises(UndecodableAudio, match="FFmpeg cannot read it"):
        decode_file(as_file(bytes(body)))


def test_many_bad_packets_report_progress_and_print_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    body = bytearray(sound_file("m4a"))
    begin, end = bytes(body).index(b"mdat") + 20_000, bytes(body).index(b"moov") - 20_000
    body[begin:end] = b"\xff" * (end - begin)
    beats: list[int] = []
    pieces = decode_pieces(as_file(bytes(body)), touch=lambda: beats.append(1))
    lost_ms = sum(piece.lost for piece in pieces) / 16
    assert lost_ms > 0.7 * 1000 * SECONDS
    assert len(beats) > 300
    assert capfd.readouterr() == ("", "")


def test_every_bad_packet_counts_as_progress() -> None:
    """No samples come meanwhile, and a decoder that reports nothing is killed."""
    body = bytearray(sound_file("m4a"))
    begin, end = bytes(body).index(b"mdat") + 20_000, bytes(body).index(b"moov") - 20_000
    body[begin:end] = b"\xff" * (end - begin)
    touches: list[None] = []
    assert list(decode_pieces(as_file(bytes(body)), touch=lambda: touches.append(None)))
    assert len(touches) > 300
