"""A frame with the audio missing before it, and the times of packets and frames."""

from typing import NamedTuple

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from funasr_fleet.worker.audio.decoding.damage.evidence import NO_GAP, Gap


class GappedFrame(NamedTuple):
    """A frame, and the audio missing before it."""

    frame: AudioFrame | None
    """None at the end of the file."""
    gap: Gap = NO_GAP
    seconds: float = 0.0
    """Duration of the frame."""
    is_new_format: bool = False
    """Whether its format, rate or layout differs from that of the frames before it."""


def time_s_of(packet: "Packet[AudioStream]") -> float | None:
    """Timestamp of a packet, in s."""
    return None if packet.pts is None else float(packet.pts * packet.time_base)


def seconds_of(frame: AudioFrame) -> float:
    """Duration of a frame, in s."""
    return frame.samples / frame.sample_rate
