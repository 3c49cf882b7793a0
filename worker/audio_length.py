"""How long a file says it is, and whether all of it came."""

import av
from av.container import InputContainer

from worker.failures import AudioTooShort, UndecodableAudio
from worker.planning.spans import SAMPLE_RATE, SAMPLES_PER_MS

MIN_SAMPLES = SAMPLE_RATE // 40
"""25 ms: one analysis window. FunASR's VAD divides by zero below it."""

_KNOWS_ITS_LENGTH = {"w64", "aiff", "au", "flac", "mov", "matroska", "webm"}
"""Containers that say how long they are; FFmpeg guesses for the others, from the bit rate."""

_STREAMED_FROM = 0x7FFFF000
"""Sizes from here on stand for "not known yet": WAV writers that cannot go back put them."""

_PADDING_S = 0.15
"""Declared lengths may count what an encoder put before and behind the audio."""

_LOST_S = 1.0
_LOST_SHARE = 0.1
"""A file that ends this much before its header says was cut off on its way."""


def check_riff(head: bytes, size_bytes: int) -> None:
    """FFmpeg takes the end of a WAV file for the end of its audio; the header knows better.

    Raises:
        UndecodableAudio: when much is missing.
    """
    if head[:4] != b"RIFF" or len(head) < 8:
        return
    announced = int.from_bytes(head[4:8], "little")
    missing = announced + 8 - size_bytes
    if 0 < announced < _STREAMED_FROM and missing > _LOST_SHARE * announced:
        raise UndecodableAudio(f"the file is cut off: {missing} of {announced} bytes are missing")


def declared_seconds(container: InputContainer, head: bytes) -> float | None:
    """Length of the first audio stream by the file's own word; None when it gives none."""
    stream = container.streams.audio[0]
    if container.format.name == "mp3":
        return _mp3_seconds(head, stream.codec_context.sample_rate)
    if _KNOWS_ITS_LENGTH.isdisjoint(container.format.name.split(",")):
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.streams.video or not container.duration:
        return None  # the whole may last longer than its sound
    return float(container.duration / av.time_base)


def _mp3_seconds(head: bytes, rate: int) -> float | None:
    """Length by the frame count that encoders put in front (Xing, Info); None without one.

    FFmpeg's own number is a guess by bit rate when there is none, or when anything follows.
    """
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:  # its text may hold any word; 7 bits a byte
        start = 10 + sum(byte << (7 * place) for place, byte in enumerate(head[9:5:-1]))
    first = head[start : start + 256]
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or not first[at + 7] & 1:
        return None
    samples_per_frame = 1152 if rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(first[at + 8 : at + 12], "big") * samples_per_frame / rate


def is_all_there(length: int, end_s: float, declared_s: float | None) -> bool:
    """Whether as much was decoded as was declared; arguments as of check_length."""
    return declared_s is not None and max(end_s, length / SAMPLE_RATE) > declared_s - _PADDING_S


def check_length(length: int, end_s: float, declared_s: float | None) -> None:
    """Compare what was decoded with what was declared.

    Args:
        length: samples at 16 kHz.
        end_s: where the last frame ended.
        declared_s: from declared_seconds.

    Raises:
        AudioTooShort: less than 25 ms.
        UndecodableAudio: when much is missing.
    """
    if length == 0 and declared_s:
        raise UndecodableAudio(
            f"the file holds nothing of the {declared_s:.1f} s that it announces; "
            "a file whose sound lies in another is not taken"
        )
    if length < MIN_SAMPLES:
        what = f"{length / SAMPLES_PER_MS:.0f} ms of audio"
        raise AudioTooShort(f"{what}; at least {MIN_SAMPLES // SAMPLES_PER_MS} ms are needed")
    if declared_s is None:
        return
    # recordings may begin late or pause: the last frame's place counts, not their sum
    lost_s = declared_s - max(end_s, length / SAMPLE_RATE)
    if lost_s > max(_LOST_S, _LOST_SHARE * declared_s):
        raise UndecodableAudio(
            f"the file ends {lost_s:.1f} s before the {declared_s:.1f} s that it announces"
        )
