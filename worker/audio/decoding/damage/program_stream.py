"""Whether bytes of an MPEG program stream (.mpg, .vob) are damaged: FFmpeg skips them silently.

The file is a sequence of packs, of packets with a length, and of zeros. Source: ISO/IEC 13818-1,
section 2.5.3.
"""

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_PREFIX = b"\0\0\1"
_PACK, _END = 0xBA, 0xB9
_HEAD_BYTES = 14
_MPEG_1_PACK_BYTES = 12
_MOST_ZEROS = 1024
"""More zeros between two packets are damage."""
_MAX_PACKETS = 50_000
"""Packets that are checked in one gap."""


def is_damaged_between(source: DecoderInput, begin: int, end: int) -> bool | None:
    """Whether bytes are neither packs nor packets; None if a packet does not begin at `begin`.

    Args:
        source: the file.
        begin: file offset of the packet before the gap.
        end: file offset of the packet after it.
    """
    at = begin
    if source.read_at(begin, 3) != _PREFIX:
        return None
    for _ in range(_MAX_PACKETS):
        if at >= end:
            return at > end
        size = _size(source.read_at(at, _MOST_ZEROS))
        if not size:
            return True
        at += size
    return False


def _size(body: bytes) -> int:
    """Size of the pack header, the packet or the zeros at the start of these bytes; 0 if none."""
    if not body.startswith(_PREFIX) or len(body) < _HEAD_BYTES:
        zeros = len(body) - len(body.lstrip(b"\0"))
        return max(0, zeros - 2) if zeros < len(body) else 0  # two zeros begin the next prefix
    if body[3] == _PACK:
        is_mpeg_1 = body[4] >> 4 == 2
        return _MPEG_1_PACK_BYTES if is_mpeg_1 else _HEAD_BYTES + (body[13] & 7)
    if body[3] == _END:
        return len(_PREFIX) + 1
    return 6 + int.from_bytes(body[4:6], "big") if body[3] > _PACK else 0
