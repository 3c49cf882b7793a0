"""The start and the duration that a file declares, and whether it is truncated."""

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from funasr_fleet.worker.audio.decoding.asf_header import play_seconds
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.matroska import declares_duration
from funasr_fleet.worker.errors import AudioTooShort, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS

MIN_SAMPLES = SAMPLE_RATE // 40
"""25 ms, one analysis window. For shorter audio, FunASR's VAD divides by zero."""

_DECLARES_DURATION = {
    *("aiff", "ape", "au", "flac", "flv", "matroska", "mov", "mpc", "mpc8"),
    *("mxf", "rm", "tak", "tta", "webm", "wv"),
}
"""Formats that declare their duration; for others, FFmpeg computes it from the file's size."""

_RM_PLACEHOLDER_S = 3600
"""Duration in the header of a RealMedia file that FFmpeg wrote to a pipe (libavformat/rmenc.c)."""

_DECLARES_RECORDING = {"flv", "matroska", "webm"}
"""Of these, formats that declare the duration of all streams together."""

_STARTS_AT_ZERO = {"mov", "matroska", "webm"}
"""Containers whose timestamps count from the start of the recording."""

_PADDING_S = 0.15
"""Declared durations may include the encoder's padding before and after the audio."""

_JOINED_S = 1.0
"""A file with this much more audio than declared was joined; the header is of its first part."""

_TOLERANCE_S = 0.5
"""Less missing audio is not reported: declared durations are rounded, and include padding."""


def start_seconds(container: InputContainer, first_s: float | None) -> float | None:
    """The start of the recording, on the clock of its timestamps; None if there are none.

    Where the clock of a file starts at 0, as players show it, that is 0, even if the audio begins
    later; otherwise, the first timestamp of any stream of the file.

    Args:
        container: the opened file.
        first_s: the first timestamp of the audio, in s.
    """
    if first_s is None:
        return None
    name = container.format.name
    # the frames of FLAC are numbered from the start of the recording whose duration is declared
    is_numbered = name == "flac" and (container.duration or 0) > first_s * av.time_base
    if is_numbered or not _STARTS_AT_ZERO.isdisjoint(name.split(",")):
        return min(0.0, first_s)
    start = container.start_time
    if name == "ogg" and len(container.streams) == 1:
        return first_s  # the start of the container is wrong if pages before it are missing
    return first_s if start is None else min(first_s, float(start / av.time_base))


def recording_seconds(container: InputContainer, source: DecoderInput) -> float | None:
    """Duration that the file declares for all streams together; None if it declares none.

    In Matroska, whose clock starts at 0, it is the last timestamp. In FLV, it counts from the first
    timestamp.
    """
    if container.format.name == "asf":
        return play_seconds(source)
    if _DECLARES_RECORDING.isdisjoint(container.format.name.split(",")):
        return None
    return _container_seconds(container, source)


def _container_seconds(container: InputContainer, source: DecoderInput) -> float | None:
    is_matroska = "matroska" in container.format.name.split(",")
    if not container.duration or (is_matroska and not declares_duration(source)):
        return None
    return float(container.duration / av.time_base)


def declared_seconds(
    container: InputContainer, stream: AudioStream, source: DecoderInput
) -> float | None:
    """Duration of an audio stream that the file declares, from 0 on; None if it declares none."""
    if container.format.name == "mp3":
        return _mp3_seconds(source, stream.codec_context.sample_rate)
    if container.format.name == "asf":
        return play_seconds(source) if len(container.streams) == 1 else None
    names = container.format.name.split(",")
    if _DECLARES_DURATION.isdisjoint(names):
        return None
    # in _DECLARES_RECORDING, FFmpeg may have copied the stream's duration from the container
    if stream.duration and stream.time_base and _DECLARES_RECORDING.isdisjoint(names):
        if names == ["rm"] and stream.duration * stream.time_base == _RM_PLACEHOLDER_S:
            return None
        start = 0 if names == ["flac"] else max(0, stream.start_time or 0)
        return float((start + stream.duration) * stream.time_base)
    if len(container.streams) > 1:
        return None  # the container may last longer than its audio
    return _container_seconds(container, source)


def _mp3_seconds(source: DecoderInput, rate: int) -> float | None:
    """Duration from the frame count in the Xing or Info header; None without such a header.

    It is also None if the file has all bytes that the header declares, since the frame count may be
    damaged. FFmpeg's own number is an estimate from the bit rate when the header is
    missing, or when anything follows the frames.
    """
    start = 0
    while (tag := source.read_at(start, 10))[:3] == b"ID3" and len(tag) == 10:
        start += 10 + sum(byte << (7 * place) for place, byte in enumerate(tag[9:5:-1]))
    first = source.read_at(start, 256)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 16 or not first[at + 7] & 1:
        return None
    frames, size = (int.from_bytes(first[n : n + 4], "big") for n in (at + 8, at + 12))
    if first[at + 7] & 2 and start + size <= source.size_bytes:
        return None
    samples_per_frame = 1152 if rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return frames * samples_per_frame / rate


def is_all_there(length: int, end_s: float, declared_s: float | None) -> bool:
    """Whether exactly the declared duration was decoded; arguments as in missing_seconds."""
    if declared_s is None:
        return False
    return -_PADDING_S < max(end_s, length / SAMPLE_RATE) - declared_s < _JOINED_S


def check_decoded(length: int, declared_s: float | None) -> None:
    """Reject a file that contains no audio, or too little; arguments as in missing_seconds.

    Raises:
        AudioTooShort: less than 25 ms were decoded.
        UndecodableAudio: nothing of the declared audio is in the file.
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


def missing_seconds(length: int, end_s: float, declared_s: float | None) -> float:
    """Seconds of the declared duration that were not decoded; 0 within the tolerance.

    Args:
        length: decoded samples at 16 kHz.
        end_s: end of the last frame, in s.
        declared_s: from declared_seconds.
    """
    # recordings may begin late or pause: the end of the last frame counts, not the sum of frames
    if declared_s is None or end_s > declared_s + _JOINED_S:
        end_s = 0.0  # its timestamp is damaged, or the file was joined
    missing_s = (declared_s or 0.0) - max(end_s, length / SAMPLE_RATE)
    return missing_s if missing_s > _TOLERANCE_S else 0.0
