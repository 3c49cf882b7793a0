"""Counts bytes that the demuxer skipped, in formats whose timestamps do not show what is missing.

FFmpeg counts the packets of these formats for their timestamps, or returns wrong timestamps.
"""

import re
from typing import Protocol

from av.packet import Packet
from av.stream import Stream

from funasr_fleet.worker.audio.decoding.damage.formats import ELEMENTARY
from funasr_fleet.worker.audio.decoding.damage.packets import padding_bytes
from funasr_fleet.worker.audio.decoding.damage.unread_bytes import SkippedBytes
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_MAX_RETURNS = 100
"""After the index of an AVI file has led back so often, skipped bytes are no longer counted: each
return walks over the chunks again."""
_LEAST_BYTES = 32
"""Fewer skipped bytes are headers."""
_MAX_TAG_BYTES = 1 << 20
"""Skipped bytes that are searched for tags."""
_CHUNK = re.compile(rb"[0-9]{2}(wb|d[bc]|[pt][cx])|ix[0-9]{2}|JUNK|idx1|indx")
"""Types of the chunks between the headers and the end of an AVI file."""
_DTS_CORE = b"\x7f\xfe\x80\x01"
_DTS_EXTENSION = b"\x64\x58\x20\x25"
_LISTS = (b"LIST", b"RIFF")
_HEADER_BYTES = 8
_LIST_HEADER_BYTES = 12


class SkippedBytesCounter(Protocol):
    """Counts the audio bytes that were skipped before a packet of the audio stream."""

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet, of any stream of the file."""

    def take(self) -> int:
        """Number of skipped bytes since the last call."""


def counter_of(format_name: str, source: DecoderInput, stream: int) -> SkippedBytesCounter | None:
    """The counter for a format; None if its timestamps show gaps, or it has other signs of damage.

    Args:
        format_name: FFmpeg's name of the format.
        source: the file.
        stream: index of the audio stream.
    """
    if format_name == "aac":
        return AdtsSkips(source)
    if format_name == "avi":
        return AviJumps(source, stream)
    return OffsetJumps(source) if format_name in ELEMENTARY or format_name == "voc" else None


class AdtsSkips:
    """Counts skipped bytes of an ADTS file, whose packets have no usable offsets."""

    def __init__(self, source: DecoderInput) -> None:
        self._bytes = SkippedBytes(source)
        self._skipped = 0

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet."""
        self._skipped += self._bytes.before(packet)

    def take(self) -> int:
        """Number of skipped bytes since the last call."""
        skipped, self._skipped = self._skipped, 0
        return skipped


class OffsetJumps:
    """Counts skipped bytes by the offsets of the packets, in files with a single stream."""

    def __init__(self, source: DecoderInput) -> None:
        self._source = source
        self._end: int | None = None
        self._skipped = 0

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet."""
        if packet.pos is None:
            return
        jump = packet.pos - (packet.pos if self._end is None else self._end)
        if jump >= _LEAST_BYTES:
            body = self._source.read_at(packet.pos - jump, min(jump, _MAX_TAG_BYTES))
            tag_bytes = padding_bytes(body) if any(body) else 0  # zeros alone are a hole
            self._skipped += max(0, jump - tag_bytes)
        self._end = packet.pos + packet.size

    def take(self) -> int:
        """Number of skipped bytes since the last call."""
        skipped, self._skipped = self._skipped, 0
        return skipped


def dts_frame_bytes(body: bytes) -> int:
    """Size of the DTS frame in a packet: FFmpeg appends the bytes that it skips after the frame.

    Source: ETSI TS 102 114, sections 5.3.1 (core) and 7.5.2 (extension).
    """
    if not body.startswith(_DTS_CORE) or len(body) < 8:
        return len(body)
    size = ((body[5] & 3) << 12 | body[6] << 4 | body[7] >> 4) + 1
    is_extended = body.startswith(_DTS_EXTENSION, size)
    return len(body) if is_extended else min(size, len(body))


class AviJumps:
    """Counts skipped bytes of an AVI file that are in no chunk, in proportion to the audio."""

    def __init__(self, source: DecoderInput, stream: int) -> None:
        self._source, self._stream = source, stream
        self._chunk_at: int | None = None
        """File offset of the chunk that contains the last packet of the audio stream."""
        self._excess = 0
        """Bytes that its packets have more: FFmpeg may read damaged chunks by the index."""
        self._audio_bytes = self._all_bytes = 0
        self._skipped = 0.0
        self._returns = 0
        """How often a packet was before the previous one."""

    def add(self, packet: "Packet[Stream]") -> None:
        """Account for one packet, of any stream of the file."""
        self._all_bytes += packet.size
        if packet.pos is None or packet.stream.index != self._stream:
            return
        self._audio_bytes += packet.size
        begin = packet.pos - _HEADER_BYTES
        if self._chunk_at is not None and begin < self._chunk_at:
            self._returns += 1
        if self._returns > _MAX_RETURNS:
            return
        if self._chunk_at is None or begin < self._chunk_at:
            self._chunk_at, self._excess = begin, -self._chunk_bytes(begin)
        elif (found := self._walk(self._chunk_at, packet.pos))[0] != self._chunk_at:
            self._chunk_at, unknown = found
            if unknown >= _LEAST_BYTES:
                share = self._audio_bytes / max(1, self._all_bytes)
                self._skipped += max(0.0, unknown * share - max(0, self._excess))
            self._excess = -self._chunk_bytes(self._chunk_at)
        self._excess += packet.size

    def _chunk_bytes(self, at: int) -> int:
        """Size of the chunk at an offset, without its header."""
        return int.from_bytes(self._source.read_at(at + 4, 4), "little")

    def _walk(self, at: int, offset: int) -> tuple[int, int]:
        """Go from the chunk at `at` to that which contains an offset.

        Returns:
            File offset of that chunk, and number of bytes before it that belong to no chunk.
        """
        own = self._source.read_at(at, 4)
        while at + _HEADER_BYTES <= offset:
            self._source.touch()
            header = self._source.read_at(at, _HEADER_BYTES)
            size = int.from_bytes(header[4:], "little")
            if header[:4] in _LISTS:
                at += _LIST_HEADER_BYTES
            elif not (_CHUNK.fullmatch(header[:4]) or self._is_other_chunk(at, own)):
                break
            elif at + _HEADER_BYTES + size > offset or at + _HEADER_BYTES == offset:
                return at, 0
            else:
                at += _HEADER_BYTES + size + size % 2
        begin = offset - _HEADER_BYTES
        return begin, max(0, begin - at)

    def _is_other_chunk(self, at: int, own: bytes) -> bool:
        """Whether the chunk at an offset is of a type that FFmpeg does not know, and intact.

        Dashcams store positions in such chunks. A type with one byte other than `own`, the type of
        the audio chunks, is damaged.
        """
        kind = self._source.read_at(at, 4)
        size = self._chunk_bytes(at)
        following = self._source.read_at(at + _HEADER_BYTES + size + size % 2, 4)
        is_type = all(0x20 <= byte < 0x7F for byte in kind)
        is_damaged = sum(one != other for one, other in zip(kind, own, strict=False)) < 2
        ends_well = following in _LISTS or _CHUNK.fullmatch(following)
        return bool(is_type and not is_damaged and ends_well)

    def take(self) -> int:
        """Number of skipped bytes since the last call."""
        skipped, self._skipped = round(self._skipped), 0.0
        return skipped
