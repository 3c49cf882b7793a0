"""Counts bytes of a file that are in no packet: headers, and data that the demuxer skipped."""

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from funasr_fleet.worker.audio.decoding.damage.packets import ape_tag_bytes, padding_bytes
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_DECAY = 64
"""After an unusually long header, the usual header size decays by 1/64 of the excess per update."""

_MATCH_BYTES = 32
"""Bytes at the start of a packet by which it is located in the file."""
_SEARCH_BYTES = 1 << 23
"""How far ahead a packet is searched."""
_NEAR_BYTES = 1 << 14
"""How far it is searched first."""
_MAX_UNLOCATED = 10
"""After this many packets that cannot be located, no more are searched."""
_TAIL_BYTES = 160
"""Bytes at the end of a file that hold the footer of an APE tag and an ID3v1 tag after it."""
_PAGE = b"OggS"
"""First bytes of a page of an Ogg file."""


class UnreadBytes:
    """Counts unread bytes in a container whose packets have offsets, with headers between them."""

    def __init__(self) -> None:
        self._at: int | None = None
        self._read = 0
        """Bytes of the packets at offset `_at`: in Ogg, all packets of a page have its offset."""
        self._usual = 0
        """Usual distance from the end of a packet to the start of the next: header bytes."""
        self._longest = self._longest_before = 0
        """Longest distance since the last frame at another offset, and in the period before it."""
        self._unread = self._unread_before = 0
        """Bytes beyond the usual distance in both periods, as a gap may show one offset late."""
        self._has_moved = False

    @property
    def count(self) -> int:
        """Unread bytes before the current frame, beyond the usual header size."""
        return self._unread_before + self._unread

    def page_bytes_after(self, source: DecoderInput) -> int:
        """Bytes after the last packet of an Ogg file, if there are pages; 0 for tags and zeros."""
        if self._at is None:
            return 0
        rest = source.read_at(self._at + self._read, _SEARCH_BYTES)
        return max(0, len(rest) - padding_bytes(rest)) if _PAGE in rest else 0

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet, of any stream of the file."""
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

    def reset(self, *, is_intact: bool) -> None:
        """Reset the counts at a frame; update the usual header size if nothing is missing."""
        if not is_intact:
            self._longest = self._unread = 0
        elif self._has_moved:
            decayed = self._usual - (self._usual - self._longest_before) // _DECAY
            self._usual = max(self._longest_before, decayed)
        if not is_intact or self._has_moved:
            self._longest_before, self._unread_before = self._longest, self._unread
            self._longest = self._unread = 0
            self._has_moved = False


class Padding:
    """Finds the packets of an elementary stream that are part of a tag or of zero padding."""

    def __init__(self, source: DecoderInput) -> None:
        size = source.size_bytes
        self._tag_at = size - ape_tag_bytes(source.read_at(max(0, size - _TAIL_BYTES), _TAIL_BYTES))
        """File offset of the APE tag at the end of the file; the file's size if there is none."""
        self._size = size
        self._until = -1
        """File offset of the end of the last tag or zero padding between the frames."""

    def contains(self, packet: "Packet[AudioStream]", body: bytes) -> bool:
        """Whether a packet with these bytes is padding."""
        if packet.pos is None:
            return False
        if padding := padding_bytes(body):
            self._until = packet.pos + padding
        if self._tag_at <= packet.pos < self._size:
            self._until = self._size
        if packet.pos > self._until:
            return False
        self._until = max(self._until, packet.pos + packet.size)
        return True


class SkippedBytes:
    """Finds bytes that the ADTS demuxer skips; its packet offsets do not include all of them."""

    def __init__(self, source: DecoderInput) -> None:
        self._source: DecoderInput | None = source
        """None once packets can no longer be located."""
        self._end: int | None = None
        """File offset of the end of the last packet; None before the first one."""
        self._unlocated = 0
        """Packets that could not be located."""

    def before(self, packet: "Packet[Stream]") -> int:
        """Number of audio bytes skipped directly before a packet."""
        if not self._source or not packet.size:
            return 0
        start = packet.pos if self._end is None else self._end
        if start is None:
            return 0
        head = bytes(packet)[:_MATCH_BYTES]
        skipped = 0
        if self._source.read_at(start, len(head)) != head:
            body = self._source.read_at(start, _NEAR_BYTES)
            if (skipped := body.find(head)) < 0:
                body = self._source.read_at(start, _SEARCH_BYTES)
                skipped = body.find(head)
            if skipped < 0:
                self._unlocated += 1
                if self._unlocated > _MAX_UNLOCATED:
                    self._source = None
                return 0
            start += skipped
            skipped = max(0, skipped - padding_bytes(body[:skipped]))
        self._end = start + packet.size
        return skipped
