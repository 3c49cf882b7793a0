"""Where the packets of a file begin and end, in bytes and in time."""

from collections import deque
from dataclasses import dataclass, field

from av.packet import Packet
from av.stream import Stream

from funasr_fleet.worker.audio.decoding.damage.gapped_frame import TimeBases

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
    _bases: TimeBases = field(default_factory=TimeBases)

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet."""
        at, size = packet.pos, packet.size
        if self.begin is None:
            self.begin = at
        if at is not None:
            self.recent.append(at)
        # conditions instead of max(), which takes longer: this runs for every packet
        if (end := (at or 0) + size) > self.end:
            self.end = end
        self.bytes += size
        end_s = self._bases.seconds(packet, (packet.pts or 0) + (packet.duration or 0))
        self.end_s = max(self.end_s, end_s)
