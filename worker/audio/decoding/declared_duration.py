"""The duration that a file declares, and whether the file is truncated."""

import av
from av.container import InputContainer

from funasr_fleet.worker.errors import AudioTooShort, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS

MIN_SAMPLES = SAMPLE_RATE // 40
"""25 ms, one analysis window. For shorter audio, FunASR's VAD divides by zero."""

_DECLARES_DURATION = {"w64", "aiff", "au", "flac", "mov", "matroska", "webm"}
"""Containers that declare their duration; for others, FFmpeg estimates it from the bit rate."""

_UNKNOWN_SIZE_FROM = 0x7FFFF000
"""Sizes from here on mean "unknown": WAV writers that cannot seek back write them."""

_PADDING_S = 0.15
"""Declared durations may include the encoder's padding before and after the audio."""

_LOST_S = 1.0
_LOST_SHARE = 0.1
"""A file is truncated if both more than 1 s and more than a tenth of it are missing."""


def check_riff(head: bytes, size_bytes: int) -> None:
    """Compare a WAV file's size with its header, since FFmpeg ignores a truncated end.

    Raises:
        UndecodableAudio: more than a tenth of the file is missing.
    """
    if head[:4] != b"RIFF" or len(head) < 8:
        return
    declared = int.from_bytes(head[4:8], "little")
    missing = declared + 8 - size_bytes
    if 0 < declared < _UNKNOWN_SIZE_FROM and missing > _LOST_SHARE * declared:
        raise UndecodableAudio(f"the file is truncated: {missing} of {declared} bytes are missing")


def declared_seconds(container: InputContainer, head: bytes) -> float | None:
    """Duration of the first audio stream that the file declares; None if it declares none."""
    stream = container.streams.audio[0]
    if container.format.name == "mp3":
        return _mp3_seconds(head, stream.codec_context.sample_rate)
    if _DECLARES_DURATION.isdisjoint(container.format.name.split(",")):
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.streams.video or not container.duration:
        return None  # the container may last longer than its audio
    return float(container.duration / av.time_base)


def _mp3_seconds(head: bytes, rate: int) -> float | None:
    """Duration from the frame count in the Xing or Info header; None without such a header.

    FFmpeg's own number is an estimate from the bit rate when the header is missing, or when
    anything follows the frames.
    """
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:  # its text may contain "Xing"; 7 bits per byte
        start = 10 + sum(byte << (7 * place) for place, byte in enumerate(head[9:5:-1]))
    first = head[start : start + 256]
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or not first[at + 7] & 1:
        return None
    samples_per_frame = 1152 if rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(first[at + 8 : at + 12], "big") * samples_per_frame / rate


def is_all_there(length: int, end_s: float, declared_s: float | None) -> bool:
    """Whether all of the declared duration was decoded; arguments as in check_length."""
    return declared_s is not None and max(end_s, length / SAMPLE_RATE) > declared_s - _PADDING_S


def check_length(length: int, end_s: float, declared_s: float | None) -> None:
    """Compare the decoded duration with the declared one.

    Args:
        length: decoded samples at 16 kHz.
        end_s: end of the last frame, in s.
        declared_s: from declared_seconds.

    Raises:
        AudioTooShort: less than 25 ms were decoded.
        UndecodableAudio: the file is truncated (more than 1 s and more than a tenth are missing),
            or it contains none of the audio that it declares.
    """
    if length == 0 and declared_s:
        raise UndecodableAudio(
            f"the file contains none of the {declared_s:.1f} s of audio that it declares; "
            "audio in other files is not supported"
        )
    if length < MIN_SAMPLES:
        raise AudioTooShort(
            f"{length / SAMPLES_PER_MS:.0f} ms of audio; "
            f"at least {MIN_SAMPLES // SAMPLES_PER_MS} ms are required"
        )
    if declared_s is None:
        return
    # recordings may begin late or pause: the end of the last frame counts, not the sum of frames
    lost_s = declared_s - max(end_s, length / SAMPLE_RATE)
    if lost_s > max(_LOST_S, _LOST_SHARE * declared_s):
        raise UndecodableAudio(
            f"the file is truncated: the last {lost_s:.1f} of {declared_s:.1f} s are missing"
        )
