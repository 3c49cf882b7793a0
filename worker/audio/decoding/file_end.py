"""The audio that is missing at the end of a file, in three parts that do not overlap.

damaged  packets after the last frame that could not be decoded, and the rest of a file in which
         FFmpeg stopped with an error or found no more valid pages: `Decoded.end_gap_s`, from damage
unread   audio after the end that the header declares: `MissingAtTheEnd.unread_s`, from unread_rest
         or, if it is a file of another kind, from appended_file
cut off  declared audio that is in none of these parts: `MissingAtTheEnd.cut_off_s`
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer

from funasr_fleet.worker.audio.decoding.damage import Extent
from funasr_fleet.worker.audio.decoding.declared_duration import (
    check_decoded,
    is_all_there,
    missing_seconds,
    recording_seconds,
)
from funasr_fleet.worker.audio.decoding.declared_size import truncated_seconds
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.unread_rest import unread_seconds
from funasr_fleet.worker.text.spans import SAMPLE_RATE


@dataclass(kw_only=True)
class Decoded:
    """How much of a file has been decoded, updated with every frame."""

    declared_s: float | None
    """Duration of the audio stream that the file declares."""
    samples: int = 0
    """At 16 kHz."""
    end_s: float = 0.0
    """Timestamp of the end of the last frame."""
    end_gap_s: float = 0.0
    """Lost audio after the last frame, by signs of damage, in s."""
    appended_s: float | None = None
    """Duration of a file of another kind behind this one; None if there is none."""
    read: Extent = field(default_factory=Extent)

    @property
    def is_all_there(self) -> bool:
        """Whether all of the declared duration was decoded."""
        return is_all_there(self.samples, self.end_s, self.declared_s)

    @property
    def seconds(self) -> float:
        """Duration of the samples."""
        return self.samples / SAMPLE_RATE


class MissingAtTheEnd(NamedTuple):
    """Durations in s."""

    unread_s: float
    """Audio in the file that FFmpeg does not read."""
    cut_off_s: float
    """Declared audio that is not in the file."""


def missing_at_the_end(
    container: InputContainer, stream: AudioStream, source: DecoderInput, decoded: Decoded
) -> MissingAtTheEnd:
    """The unread and the cut off audio at the end of a file; less `end_gap_s`, where they overlap.

    Raises:
        AudioTooShort: less than 25 ms were decoded.
        UndecodableAudio: the file contains none of the audio that it declares.
    """
    declared_s, end_s = decoded.declared_s, decoded.end_s
    if declared_s is None:
        declared_s = _seconds_of_all_streams(container, stream, source, decoded)
        end_s = max(end_s, decoded.read.end_s)
    check_decoded(decoded.samples, declared_s)
    codec = stream.codec_context
    bits_per_s = codec.bit_rate if codec.name.startswith("pcm_") else None
    name, read_s = container.format.name, decoded.seconds
    is_mp4 = name.startswith("mov,")
    if is_mp4:  # the gap ends before the unread rest
        read_s += decoded.end_gap_s
    unread_s = unread_seconds(name, source, decoded.read, read_s, bits_per_s)
    if not is_mp4:  # the gap may include the rest of the file
        unread_s = max(0.0, unread_s - decoded.end_gap_s)
    missing_s = missing_seconds(decoded.samples, end_s, declared_s) - decoded.end_gap_s
    if decoded.appended_s is not None:  # the declared duration does not include it
        return MissingAtTheEnd(decoded.appended_s, max(0.0, missing_s))
    return MissingAtTheEnd(unread_s, max(0.0, missing_s - unread_s))


def _seconds_of_all_streams(
    container: InputContainer, stream: AudioStream, source: DecoderInput, decoded: Decoded
) -> float | None:
    """Duration that the file declares for all streams together, directly or by its size."""
    decoded_s = 0.0
    if decoded.samples:
        if (declared_s := recording_seconds(container, source)) is not None:
            return declared_s
        decoded_s = max(decoded.seconds, decoded.end_s, decoded.read.end_s)
    bits_per_s = stream.codec_context.bit_rate
    return truncated_seconds(source, decoded.read.begin or 0, decoded_s, bits_per_s)
