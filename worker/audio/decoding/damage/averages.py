"""PURE: the mean size and duration of the packets of a stream, and what they say about others."""

_LARGE = 1.4
"""A packet of this many times the mean size may contain several frames."""
_LEARN = 1 / 32
"""Weight of the latest packet in the moving averages."""
_LEARN_FACTOR = 2.0
"""A packet counts as at most this many times the mean size: it may be noise that decodes."""
_TRIMMED = 0.5
"""Below this share of a packet's duration, its frames are trimmed: the encoder's padding."""
GAP_PER_BYTES = 3.0
GAP_SLACK_S = 1.0
"""Longest plausible gap: this factor times the duration of the bytes in it, plus this slack.
Damaged timestamps may show gaps of hours."""
_UNREAD_SHARE = 0.25
_UNREAD_BYTES = 32
"""Unread bytes explain a gap if there are at least _UNREAD_BYTES of them, and at least this share
of the bytes that audio of the same duration takes elsewhere in the file. Headers alone do not."""


class PacketAverages:
    """Moving averages over the packets that were decoded."""

    def __init__(self) -> None:
        self.packet_bytes = 0.0
        """Mean size of a packet; 0 before the first one."""
        self.packet_s = 0.0
        """Mean duration of a packet in s; 0 before the first one."""

    @property
    def _bytes_per_s(self) -> float:
        return self.packet_bytes / self.packet_s if self.packet_s else 0.0

    def update(self, packet_bytes: int, seconds: float, declared_s: float = 0.0) -> None:
        """Include a decoded packet, unless padding was cut off its frames.

        Args:
            packet_bytes: its size in bytes.
            seconds: duration of its frames in s.
            declared_s: its own duration in s; 0 if it declares none.
        """
        if seconds < _TRIMMED * declared_s:
            return
        weight = _LEARN if self.packet_s else 1.0
        if self.packet_bytes:
            packet_bytes = min(packet_bytes, round(_LEARN_FACTOR * self.packet_bytes))
        self.packet_bytes += weight * (packet_bytes - self.packet_bytes)
        self.packet_s += weight * (seconds - self.packet_s)

    def is_large(self, packet_bytes: int) -> bool:
        """Whether a packet is large enough to contain several frames."""
        return 0 < _LARGE * self.packet_bytes <= packet_bytes

    def seconds_of(self, size_bytes: int, declared_s: float) -> float:
        """Duration of a packet in s: as declared, unless that is implausible for its size."""
        by_size_s = size_bytes / self._bytes_per_s if self._bytes_per_s else 0.0
        longest_s = GAP_SLACK_S + GAP_PER_BYTES * by_size_s
        return declared_s if 0 < declared_s <= longest_s else by_size_s

    def explain(self, gap_s: float, unread_bytes: int) -> bool:
        """Whether the unread bytes are the audio missing in a gap, and not just headers."""
        needed = _UNREAD_SHARE * gap_s * self._bytes_per_s
        return self.packet_s > 0 and unread_bytes >= max(_UNREAD_BYTES, needed)
