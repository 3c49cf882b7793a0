"""A table of unusual recordings: the decoded audio of each, and its warnings.

Damage at random places is in test_damage_skipped.py, bodies shorter than their listing in
test_source.py, rows of NeMo manifests in producer/discovery/test_forms.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, AudioRange, Selection
from tests.support.audio import Planes, Samples, as_file, encode, id3, tone, wav
from tests.support.bad_audio import damaged, sound_file
from tests.support.odd_audio import (
    amr_with_pauses,
    ffmpeg,
    joined,
    movie,
    seconds_of_ffmpeg,
    sphere,
    wav_of_many_channels,
    with_cover,
    with_pause,
    with_subtitles,
)

VOICE, SILENCE = tone(4), np.zeros((1, 64_000), np.float32)
DAMAGED, GAPS = ("audio_damaged",), ("audio_gaps_filled",)
TRACKS = ("several_audio_tracks",)


@dataclass(frozen=True, kw_only=True)
class Row:
    make: Callable[[], bytes]
    seconds: float
    """Duration of the decoded audio, with inserted silence."""
    warnings: tuple[str, ...] = ()
    lost_s: float = 0.0
    within_s: float = 0.15
    """Tolerance of both durations."""
    track: int | None = None
    sound: tuple[float, ...] = (1.0,)
    """Times with sound, in s."""
    silence: tuple[float, ...] = ()
    as_ffmpeg: bool = True
    """Whether the `ffmpeg` command decodes as much audio; it does not fill gaps."""


def hurt(kind: str, within_s: float = 0.15) -> Row:
    """A file of 12 s with 100 damaged bytes."""
    return Row(
        make=lambda: damaged(sound_file(kind), 100, seed=2, share=0.7),
        seconds=12,
        warnings=DAMAGED,
        lost_s=0.05,
        within_s=within_s,
        sound=(3.0, 11.0),
    )


def of(planes: Planes, container: str, codec: str, rate: int, **options: str) -> Row:
    """An intact file."""
    return Row(
        make=lambda: encode(planes, container, codec, rate, at_once=rate, **options),
        seconds=planes.shape[1] / rate,
    )


def changing(name: str, second: tuple[int, int]) -> Row:
    """A stream whose rate and channels change after 3 s."""
    return Row(
        make=lambda: joined(name, ((48_000, 1), second)),
        seconds=6,
        warnings=() if name == "chained opus" else ("format_changed",),
        within_s=0.25,
        sound=(1.0, 5.0),
    )


def late(container: str) -> Row:
    """Sound of 4 s that starts at 5 s."""
    return Row(
        make=lambda: with_pause(container, "aac", 48_000, 5, from_s=-1),
        seconds=9,
        warnings=GAPS,
        sound=(6.0, 8.0),
        silence=(2.0,),
        as_ffmpeg=False,
    )


def with_hole(container: str, codec: str) -> Row:
    """Sound of 4 s whose timestamps have a gap of 10 s."""
    return Row(
        make=lambda: with_pause(container, codec, 48_000, 10),
        seconds=14,
        warnings=GAPS,
        sound=(1.0, 13.0),
        silence=(4.0, 9.0),
        as_ffmpeg=False,
    )


def many(count: int) -> Row:
    """A WAV file of many channels."""
    return Row(make=lambda: wav_of_many_channels(np.repeat(VOICE, count, axis=0)), seconds=4)


def unsized(size: int) -> Row:
    """A WAV file whose RIFF chunk has no valid size."""
    return Row(make=lambda: WAV[:4] + size.to_bytes(4, "little") + WAV[8:], seconds=4)


def mp3(seconds: float, **options: Any) -> bytes:
    return encode(tone(seconds, rate=44_100), "mp3", "libmp3lame", 44_100, **options)


BARE = {"write_xing": "0", "id3v2_version": "0"}
WAV = wav(VOICE)
AT_8, AT_44, AT_48 = (tone(4, rate=rate) for rate in (8_000, 44_100, 48_000))
SAMPLE_FORMATS = (
    *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
    *("pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav"),
)

TABLE: dict[str, Row] = {
    "mp3, 600 bytes damaged at 10 %": Row(
        make=lambda: damaged(sound_file("mp3 without Xing", 60), 600, seed=1, share=0.1),
        seconds=60,
        warnings=DAMAGED,
        lost_s=0.05,
        sound=(1.0, 12.0, 59.0),
    ),
    "mp3, 100 bytes": hurt("mp3 without Xing"),
    "adts, 100 bytes": hurt("adts"),
    "ts, 100 bytes": hurt("ts with aac"),
    "ogg, 100 bytes": hurt("ogg with opus", within_s=1.1),
    "flac, 100 bytes": hurt("flac", within_s=0.4),
    "m4a, 100 bytes": hurt("m4a"),
    "mp3 with ID3 and Xing, four times": Row(
        make=lambda: 4 * mp3(3), seconds=12, sound=(1.0, 4.0, 7.0, 11.0), within_s=0.4
    ),
    "mp3 with ID3 in the middle": Row(
        make=lambda: mp3(3, **BARE) + id3(5000) + mp3(3, **BARE),
        seconds=6,
        sound=(1.0, 5.0),
        within_s=0.25,
    ),
    "amr with DTX": Row(
        make=lambda: amr_with_pauses(5, 1), seconds=6, sound=(1.0, 4.0), silence=(2.5,)
    ),
    "amr, three files": Row(make=lambda: 3 * sound_file("amr", 2), seconds=6.06),
    "mp3, rate changes": changing("mp3", (24_000, 1)),
    "mp3, channels change": changing("mp3", (48_000, 2)),
    "adts, rate changes": changing("adts", (24_000, 1)),
    "adts, channels change": changing("adts", (48_000, 2)),
    "ts, rate changes": changing("ts", (24_000, 1)),
    "ts, channels change": changing("ts", (48_000, 2)),
    "chained opus, rate changes": changing("chained opus", (24_000, 1)),
    "mkv that starts late": late("matroska"),
    "mp4 that starts late": late("mp4"),
    "webm with a hole": with_hole("webm", "libopus"),
    "ts with a hole": with_hole("mpegts", "aac"),
    "mkv with a hole": with_hole("matroska", "aac"),
    "mka, second track longer": Row(
        make=lambda: movie([tone(10), tone(60)]), seconds=10, warnings=TRACKS, track=0
    ),
    "mkv, subtitles longer": Row(make=lambda: with_subtitles(wav(tone(4.6)), 55), seconds=4.6),
    "mp3 with a cover, cut to a third": Row(
        make=lambda: with_cover(60, 600_000)[: 600_010 + 160_000],
        seconds=20,
        warnings=("audio_truncated",),
        lost_s=40,
        within_s=0.5,
    ),
    "stereo, one channel inverted": Row(
        make=lambda: wav(np.concatenate([VOICE, -VOICE])), seconds=4, warnings=("channels_cancel",)
    ),
    "mkv, first track silent": Row(
        make=lambda: movie([SILENCE, VOICE]), seconds=4, warnings=TRACKS, track=1
    ),
    "mkv, first track silent, second default": Row(
        make=lambda: movie([SILENCE, VOICE], 1), seconds=4, warnings=TRACKS, track=1
    ),
    "wav, two files": Row(make=lambda: WAV + WAV, seconds=4, warnings=DAMAGED, lost_s=4),
    "wav, header shorter than data": Row(
        make=lambda: WAV.replace(b"data\x00\xf4\x01\x00", b"data\x00\x7d\x00\x00"),
        seconds=1,
        sound=(0.5,),
        warnings=DAMAGED,
        lost_s=3,
    ),
    "mp3 without its head": Row(
        make=lambda: sound_file("mp3 without Xing")[5000:], seconds=11.7, within_s=0.3
    ),
    **{codec: of(AT_8, "wav", codec, 8_000) for codec in SAMPLE_FORMATS},
    "8 channels": many(8),
    "16 channels": many(16),
    "192 kHz": of(tone(4, rate=192_000), "wav", "pcm_s16le", 192_000),
    "SPHERE": Row(make=lambda: sphere(VOICE), seconds=4),
    "WMA": Row(
        make=lambda: ffmpeg(WAV, "-i", "pipe:0", "-c:a", "wmav2", "-f", "asf", "pipe:1"), seconds=4
    ),
    "ALAC": of(AT_44, "ipod", "alac", 44_100),
    "CAF": of(VOICE, "caf", "pcm_s16le", 16_000),
    "W64": of(VOICE, "w64", "pcm_s16le", 16_000),
    "LATM": of(AT_44, "latm", "aac", 44_100),
    "mp4 in fragments": of(AT_44, "mp4", "aac", 44_100, movflags="frag_keyframe+empty_moov"),
    "live webm": of(AT_48, "webm", "libopus", 48_000, live="1"),
    "RIFF size 0": unsized(0),
    "RIFF size FFFFFFFF": unsized(0xFFFFFFFF),
    "two minutes of silence first": Row(
        make=lambda: wav(np.concatenate([np.zeros((1, 120 * 16_000), np.float32), VOICE], axis=1)),
        seconds=124,
        sound=(121.0,),
        silence=(1.0, 100.0),
    ),
    "-50 dB": Row(make=lambda: wav(0.01 * VOICE), seconds=4),
    "DC offset": Row(make=lambda: wav(0.3 + VOICE), seconds=4),
}


def decoded(body: bytes) -> tuple[Samples, AudioFacts]:
    audio = AudioRange(Selection())
    samples = np.concatenate([one[0] for one in audio.select(decode_pieces(as_file(body)))])
    assert audio.facts
    return samples, audio.facts


@pytest.mark.parametrize("name", TABLE)
def test_a_recording_is_decoded_like_ffmpeg_and_users_are_told_what_is_missing(name: str) -> None:
    row = TABLE[name]
    body = row.make()
    samples, facts = decoded(body)
    assert facts.warnings == row.warnings
    assert facts.duration_ms / 1000 == pytest.approx(row.seconds, abs=row.within_s)
    assert facts.lost_ms / 1000 == pytest.approx(row.lost_s, abs=row.within_s)
    assert (facts.lost_ms > 0) == (row.lost_s > 0)
    assert (facts.repaired > 0) == ("audio_damaged" in row.warnings)
    assert facts.track == row.track
    loudness = {at: samples[round(16_000 * at) :][:1600].std() for at in row.sound + row.silence}
    assert all(loudness[at] > 1e-3 for at in row.sound)
    assert all(loudness[at] < 1e-4 for at in row.silence)
    if row.as_ffmpeg:
        assert facts.duration_ms / 1000 == pytest.approx(seconds_of_ffmpeg(body), abs=1.2)
