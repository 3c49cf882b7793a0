"""Headers of a Matroska file: whether they declare a duration, and whether they are damaged."""

from typing import NamedTuple

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_INFO = 0x1549A966
_DURATION = 0x4489
_MAX_ELEMENTS = 1000
"""More elements before the first cluster are damage."""
_MAX_CLUSTER_HEAD_BYTES = 256
"""Maximum bytes before a cluster's first packet: its time, and the sizes of other clusters."""
_MAX_HEADER_BYTES = 4096
"""Maximum bytes of headers between the first packet and the first frame."""


class _Element(NamedTuple):
    number: int
    """ID, with its length marker."""
    begin: int
    """File offset of the content."""
    end: int


def declares_duration(source: DecoderInput) -> bool:
    """Whether the headers declare a duration; if not, FFmpeg estimates one from the bit rate."""
    at = 0
    for _ in range(_MAX_ELEMENTS):
        element = _element(source.read_at(at, 12), at)
        if element is None or element.number == _CLUSTER:
            return False
        if element.number == _DURATION:
            return any(source.read_at(element.begin, 8))
        at = element.begin if element.number in (_SEGMENT, _INFO) else element.end
    return False


def begins_damaged(source: DecoderInput, first_at: int, unread_bytes: int) -> bool:
    """Whether audio may be missing before the first frame.

    Args:
        source: the file's bytes.
        first_at: file offset of the first packet of any stream.
        unread_bytes: bytes after this packet that belong to no packet.
    """
    if unread_bytes > _MAX_HEADER_BYTES:
        return True
    at = 0
    for _ in range(_MAX_ELEMENTS):
        element = _element(source.read_at(at, 12), at)
        if element is None or element.number == _CLUSTER:
            return element is None or first_at - at > _MAX_CLUSTER_HEAD_BYTES
        at = element.begin if element.number == _SEGMENT else element.end
    return True


def _element(head: bytes, at: int) -> _Element | None:
    """The element whose ID and size begin with these bytes; None if they are damaged."""
    id_bytes = _length(head[:1])
    size_bytes = _length(head[id_bytes : id_bytes + 1])
    if not 1 <= id_bytes <= 4 or not size_bytes or len(head) < id_bytes + size_bytes:
        return None
    size = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big")
    begin = at + id_bytes + size_bytes
    return _Element(
        int.from_bytes(head[:id_bytes], "big"),
        begin,
        begin + (size & (1 << 7 * size_bytes) - 1),
    )


def _length(first: bytes) -> int:
    """Number of bytes of an ID or size, by its first byte; 0 if it is invalid or missing."""
    return 9 - first[0].bit_length() if first and first[0] else 0
