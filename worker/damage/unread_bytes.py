"""Bytes of a file that no packet holds: headers, and what its demuxer passed over."""

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from worker.damage.packets import padding_bytes
from worker.decoder_input import DecoderInput

_FORGET = 64
"""An unusually long header stays the measure of what is usual for about so many others."""

_KNOWN_BYTES = 32
"""Of a packet, by which it is found again in the file."""
_SEARCH_BYTES = 1 << 20
"""How far it is looked for; FFmpeg gives up sooner."""


class UnreadBytes:
    """Counts them in a container, where packets have places and headers lie between."""

    def __init__(self) -> None:
        self._at: int | None = None
        self._read = 0
        """Bytes of the packets that began there: in Ogg all those of a page have its place."""
        self._usual = 0
        """How long a jump may be from the end of a packet to the beginning of the next."""
        self._longest = self._longest_before = 0
        """Jump since the last frame of another place, and before that frame."""
        self._unread = self._unread_before = 0
        """Of these jumps, what is not usual. A gap may show one place late."""
        self._has_moved = False

    @property
    def count(self) -> int:
        """How many lie before the frame at hand, beyond what is usual."""
        return self._unread_before + self._unread

    def take(self, packet: "Packet[Stream]") -> None:
        """Read one packet, of any stream of the file."""
        at = packet.pos
        if at is not None and at != self._at:
            if self._at is not None:
                self._jump(at - self._at - self._read)
            self._at, self._read = at, 0
        self._read += packet.size

    def _jump(self, size: int) -> None:
        self._has_moved = True
        self._longest = max(self._longest, size)
        if size > self._usual:
            self._unread += size - self._usual

    def settle(self, *, is_sound: bool) -> None:
        """Begin anew at a frame; learn what is usual if nothing is missing before it."""
        if not is_sound:
            self._longest = self._unread = 0
        elif self._has_moved:
            faded = self._usual - (self._usual - self._longest_before) // _FORGET
            self._usual = max(self._longest_before, faded)
        if not is_sound or self._has_moved:
            self._longest_before, self._unread_before = self._longest, self._unread
            self._longest = self._unread = 0
            self._has_moved = False


class SkippedBytes:
    """Finds what the demuxer of ADTS passes over: its places do not count these bytes."""

    def __init__(self, source: DecoderInput) -> None:
        self._source: DecoderInput | None = source
        """None once places make no sense any more."""
        self._behind = 0
        """How many bytes were passed over so far."""

    def before(self, packet: "Packet[AudioStream]") -> int:
        """How many bytes of audio were passed over right before a packet."""
        if not self._source or packet.pos is None or not packet.size:
            return 0
        head = bytes(packet)[:_KNOWN_BYTES]
        expected = packet.pos + self._behind
        if self._source.read_at(expected, len(head)) == head:
            return 0
        body = self._source.read_at(expected, _SEARCH_BYTES)
        skipped = body.find(head)
        if skipped < 0:
            self._source = None
            return 0
        self._behind += skipped
        return max(0, skipped - padding_bytes(body[:skipped]))
