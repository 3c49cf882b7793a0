"""Whether data packets of an ASF (WMA) file are damaged: FFmpeg skips such packets silently.

An encoder numbers the media objects of a stream. If the recorder paused, the numbers go on; if
packets are damaged, some numbers are missing, or a packet cannot be parsed. Source: Advanced
Systems Format (ASF) Specification 01.20.05, sections 3.2 and 5.2.
"""

from collections.abc import Iterator
from typing import NamedTuple

from funasr_fleet.worker.audio.decoding.asf_header import HEADER, PROPERTIES
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_MAX_HEADER_BYTES = 1 << 20
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_DATA_HEADER_BYTES = 50
_PACKET_START = b"\x82\0\0"
"""Error correction data, as all encoders write it."""
_AHEAD = 2
"""Packets after the gap that are checked: the parts of an object may lie in several packets."""
_MAX_PACKET_BYTES = 1 << 18
"""Encoders write packets of up to 64 KiB; larger sizes are not checked."""
_MAX_PACKETS = 1000
"""Packets that are checked in one gap."""


class _Payload(NamedTuple):
    stream: int
    number: int
    """Number of its media object; counts modulo 256, or another power of 2."""
    offset: int
    """Of the payload, in its object; -1 if it holds several whole objects."""


class _Layout(NamedTuple):
    begin: int
    """File offset of the first data packet."""
    size: int
    """Bytes of each packet."""


def is_damaged_between(source: DecoderInput, stream: int, begin: int, end: int) -> bool:
    """Whether data packets around a gap are damaged, or objects of a stream are missing.

    Args:
        source: the file.
        stream: number of the stream.
        begin: file offset of the last packet before the gap.
        end: file offset of the first packet after it.
    """
    layout = _layout(source)
    if not layout:
        return False
    first, last = (max(0, at - layout.begin) // layout.size for at in (begin, end))
    seen: _Payload | None = None
    for index in range(first, min(last + _AHEAD, first + _MAX_PACKETS) + 1):
        packet = source.read_at(layout.begin + index * layout.size, layout.size)
        if len(packet) < layout.size:
            return False  # the index, or the end of the file
        payloads = _payloads(packet)
        if payloads is None:
            return True
        for payload in payloads:
            if payload.stream == stream and seen and not _follows(payload, seen):
                return True
            seen = payload if payload.stream == stream else seen
    return False


def _layout(source: DecoderInput) -> _Layout | None:
    """Where the data packets are; None if the header is damaged, or their size varies."""
    head = source.read_at(0, 24)
    size = int.from_bytes(head[16:24], "little")
    if not head.startswith(HEADER) or source.read_at(size, 16) != _DATA:
        return None
    header = source.read_at(0, min(size, _MAX_HEADER_BYTES))
    at = header.find(PROPERTIES)
    least, most = (int.from_bytes(header[at + n : at + n + 4], "little") for n in (92, 96))
    is_valid = at > 0 and 0 < least == most <= _MAX_PACKET_BYTES
    return _Layout(size + _DATA_HEADER_BYTES, most) if is_valid else None


def _follows(payload: _Payload, before: _Payload) -> bool:
    """Whether a payload is the next part of an object, or the first part of the next object."""
    if payload.offset < 0 or before.offset < 0:
        return True
    if payload.number == before.number:
        return payload.offset >= before.offset
    return payload.offset == 0 and payload.number in (before.number + 1, 0)


def _payloads(packet: bytes) -> list[_Payload] | None:
    """The payloads of a data packet; None if it is damaged."""
    if not packet.startswith(_PACKET_START):
        return None
    try:
        return list(_parse(packet))
    except (IndexError, ValueError):
        return None


def _parse(packet: bytes) -> Iterator[_Payload]:
    """Yield the payloads of a data packet.

    Raises:
        IndexError: the packet ends too early.
        ValueError: its parts are not as long as the packet.
    """
    flags, kinds = packet[3:5]
    at = 5
    fields = []
    for kind in (flags >> 5, flags >> 1, flags >> 3):  # length, sequence, padding
        value, at = _number(packet, at, kind)
        fields.append(value)
    end = len(packet) - fields[2]
    at += 6  # send time, duration
    count, size_kind = 1, 0
    if flags & 1:
        count, size_kind, at = packet[at] & 0x3F, packet[at] >> 6, at + 1
    for _ in range(count):
        stream, at = packet[at] & 0x7F, at + 1
        number, at = _number(packet, at, kinds >> 4)
        offset, at = _number(packet, at, kinds >> 2)
        replicated, at = _number(packet, at, kinds)
        at += replicated
        size = end - at
        if size_kind:
            size, at = _number(packet, at, size_kind)
        at += size
        yield _Payload(stream, number, -1 if replicated == 1 else offset)
    if at != end:
        raise ValueError("the payloads do not fill the packet")


def _number(packet: bytes, at: int, kind: int) -> tuple[int, int]:
    """A number whose length the two lowest bits of `kind` give, and the offset after it."""
    end = at + (0, 1, 2, 4)[kind & 3]
    if end > len(packet):
        raise IndexError("the packet ends too early")
    return int.from_bytes(packet[at:end], "little"), end
