"""A frame with the audio missing before it, and the times of packets and frames."""

from typing import NamedTuple

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

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


class TimeBases:
    """Converts the timestamps of packets to seconds.

    The time base of each stream is read once: PyAV returns it as a new Fraction, and arithmetic
    with Fractions took more time than decoding an MP3 frame.
    """

    def __init__(self) -> None:
        self._ratios: dict[int, tuple[int, int]] = {}

    def seconds(self, packet: "Packet[Stream] | Packet[AudioStream]", ticks: int) -> float:
        """Convert ticks of the packet's stream."""
        ratio = self._ratios.get(packet.stream_index)
        if ratio is None:
            ratio = packet.time_base.as_integer_ratio()
            self._ratios[packet.stream_index] = ratio
        return ticks * ratio[0] / ratio[1]

    def time_s(self, packet: "Packet[Stream] | Packet[AudioStream]") -> float | None:
        """Timestamp of a packet, in s."""
        return None if packet.pts is None else self.seconds(packet, packet.pts)
