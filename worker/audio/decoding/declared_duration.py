"""The start and the duration that a file declares, and whether it is truncated."""

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.errors import AudioTooShort, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS

MIN_SAMPLES = SAMPLE_RATE // 40
"""25 ms, one analysis window. For shorter audio, FunASR's VAD divides by zero."""

_DECLARES_DURATION = {
    *("aiff", "au", "flac", "flv", "matroska", "mov", "mxf", "rm", "tta", "webm", "wv"),
}
"""Formats that declare their duration; for others, FFmpeg estimates it from the bit rate."""
_DECLARES_SIZE = {"wav", "w64", "caf"}
"""Formats whose header declares the size of the file or of its samples."""

_STARTS_AT_ZERO = {"mov", "matroska", "webm"}
"""Containers whose timestamps count from the start of the recording."""

_UNKNOWN_SIZES_FROM = {4: 0x7FFFF000, 8: 1 << 62}
"""Sizes from here on, by their length in bytes, mean "unknown": programs that cannot seek back
write them."""

_MAX_CAF_CHUNKS = 100

_PADDING_S = 0.15
"""Declared durations may include the encoder's padding before and after the audio."""

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
    if not _STARTS_AT_ZERO.isdisjoint(container.format.name.split(",")):
        return min(0.0, first_s)
    start = container.start_time
    return first_s if start is None else min(first_s, float(start / av.time_base))


def _bytes_missing(source: DecoderInput) -> int:
    """Bytes that a WAV, W64 or CAF file is shorter than its header says."""
    head = source.read_at(0, 28)
    if head[:4] == b"caff":
        return _caf_bytes_missing(source)
    before, size = 8, head[4:8]
    if head[:4] == b"riff":
        before, size = 0, head[16:24]
    elif head[12:16] == b"ds64":  # RF64, BW64
        size = head[20:28]
    declared = int.from_bytes(size, "big" if head[:4] == b"RIFX" else "little")
    is_declared = 0 < declared < _UNKNOWN_SIZES_FROM[len(size)]
    return max(0, before + declared - source.size_bytes) if is_declared else 0


def _caf_bytes_missing(source: DecoderInput) -> int:
    at = 8
    for _ in range(_MAX_CAF_CHUNKS):
        chunk = source.read_at(at, 12)
        size = int.from_bytes(chunk[4:], "big")
        if len(chunk) < 12 or size >= _UNKNOWN_SIZES_FROM[8]:
            break
        at += 12 + size
        if chunk[:4] == b"data":
            return max(0, at - source.size_bytes)
    return 0


def declared_seconds(
    container: InputContainer, stream: AudioStream, source: DecoderInput
) -> float | None:
    """Duration of an audio stream that the file declares; None if it declares none."""
    if container.format.name == "mp3":
        return _mp3_seconds(source, stream.codec_context.sample_rate)
    if container.format.name in _DECLARES_SIZE:
        return _seconds_by_size(stream, source)
    if _DECLARES_DURATION.isdisjoint(container.format.name.split(",")):
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if len(container.streams) > 1 or not container.duration:
        return None  # the container may last longer than its audio
    return float(container.duration / av.time_base)


def _seconds_by_size(stream: AudioStream, source: DecoderInput) -> float | None:
    """Duration of a truncated file of a constant bit rate; None for others."""
    missing, bits_per_s = _bytes_missing(source), stream.codec_context.bit_rate
    if not missing or not bits_per_s:
        return None
    return 8 * (source.size_bytes + missing) / bits_per_s


def _mp3_seconds(source: DecoderInput, rate: int) -> float | None:
    """Duration from the frame count in the Xing or Info header; None without such a header.

    FFmpeg's own number is an estimate from the bit rate when the header is missing, or when
    anything follows the frames.
    """
    start = 0
    while (tag := source.read_at(start, 10))[:3] == b"ID3" and len(tag) == 10:
        start += 10 + sum(byte << (7 * place) for place, byte in enumerate(tag[9:5:-1]))
    first = source.read_at(start, 256)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 12 or not first[at + 7] & 1:
        return None
    samples_per_frame = 1152 if rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(first[at + 8 : at + 12], "big") * samples_per_frame / rate


def is_all_there(length: int, end_s: float, declared_s: float | None) -> bool:
    """Whether all of the declared duration was decoded; arguments as in missing_seconds."""
    return declared_s is not None and max(end_s, length / SAMPLE_RATE) > declared_s - _PADDING_S


def missing_seconds(length: int, end_s: float, declared_s: float | None) -> float:
    """Seconds of the declared duration that were not decoded; 0 within the tolerance.

    Args:
        length: decoded samples at 16 kHz.
        end_s: end of the last frame, in s.
        declared_s: from declared_seconds.

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
    # recordings may begin late or pause: the end of the last frame counts, not the sum of frames
    missing_s = (declared_s or 0.0) - max(end_s, length / SAMPLE_RATE)
    return missing_s if missing_s > _TOLERANCE_S else 0.0
