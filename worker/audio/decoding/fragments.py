"""The part of a fragmented MP4 file that FFmpeg does not read: it stops at the first wrong size."""

from collections.abc import Iterator
from typing import NamedTuple

from funasr_fleet.worker.audio.decoding.damage.packets import padding_bytes
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_MAX_BOXES = 1_000_000
_MAX_INDEX_BYTES = 1 << 20
_HEAD_BYTES = 1 << 12


class _Box(NamedTuple):
    kind: bytes
    begin: int
    end: int


def unread_from(source: DecoderInput, read_end: int) -> int | None:
    """Offset of the unread part, or the file's size if there is none; None if not fragmented.

    Args:
        source: the file.
        read_end: offset of the end of the last packet that was read.
    """
    is_fragmented, at = False, 0
    for box in _boxes(source):
        if box.kind == b"moov":
            is_fragmented = b"mvex" in source.read_at(
                box.begin, min(box.end - box.begin, _MAX_INDEX_BYTES)
            )
        if is_fragmented and box.begin >= read_end and box.kind in (b"ftyp", b"moof", b"mdat"):
            return box.begin
        at = box.end
    if not is_fragmented:
        return None
    head = source.read_at(at, _HEAD_BYTES)
    is_padding = padding_bytes(head) >= len(head)
    is_read = is_padding and source.find(b"moof", at) == source.size_bytes
    return source.size_bytes if is_read else read_end


def _boxes(source: DecoderInput) -> Iterator[_Box]:
    """The boxes at the top level, up to the first one whose size or type is wrong."""
    at = 0
    for _ in range(_MAX_BOXES):
        source.touch()
        head = source.read_at(at, 16)
        size, kind, header_bytes = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header_bytes = int.from_bytes(head[8:16], "big"), 16
        if size == 0 and kind == b"mdat":
            size = source.size_bytes - at
        end = at + size
        is_cut_off = kind == b"mdat" and end > source.size_bytes
        if not all(0x20 <= byte < 0x7F for byte in kind) or size < header_bytes:
            return
        if end > source.size_bytes and not is_cut_off:
            return
        yield _Box(kind, at, min(end, source.size_bytes))
        at = end
