"""Where the packets of a file begin and end, in bytes and in time."""

from collections import deque
from dataclasses import dataclass, field

from av.packet import Packet
from av.stream import Stream

_RECENT_PACKETS = 64
"""Latest packets whose offsets are kept: not every packet of a program stream has a timestamp."""


@dataclass(kw_only=True)
class Extent:
    """The part of a file that FFmpeg has found packets in, of any stream."""

    begin: int | None = None
    """Offset of the first packet; None if it is unknown."""
    end: int = 0
    """Offset of the end of the last packet."""
    bytes: int = 0
    """Size of all packets: more than the distance if FFmpeg reads some twice."""
    decoded_at: int = 0
    """Offset of the last packet that was decoded."""
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=_RECENT_PACKETS))
    """Offsets of the latest packets."""
    end_s: float = 0.0
    """Latest end of a packet by timestamps, in s."""

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet."""
        if self.begin is None:
            self.begin = packet.pos
        if packet.pos is not None:
            self.recent.append(packet.pos)
        self.end = max(self.end, (packet.pos or 0) + packet.size)
        self.bytes += packet.size
        end = (packet.pts or 0) + (packet.duration or 0)
        self.end_s = max(self.end_s, float(end * packet.time_base))
