"""Whether the bytes around a gap in the timestamps show damage, by the rules of each format."""

from typing import NamedTuple

from funasr_fleet.worker.audio.decoding import matroska
from funasr_fleet.worker.audio.decoding.damage import asf, ogg, program_stream
from funasr_fleet.worker.audio.decoding.damage.packets import is_broken
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_MAX_TS_BYTES = 188 * 192 * 200
"""Bytes of a transport stream that are checked for damage in one gap: whole packets of any size."""


class GapBytes(NamedTuple):
    """Where a gap is in the file, in bytes."""

    first_at: int
    """Offset of the first packet of any stream."""
    recent_at: int
    """Offset of a packet of any stream, some packets before the gap."""
    last_at: int
    """Offset of the last packet of the stream before the gap."""
    next_at: int
    """Offset of the packet after the gap."""
    unread: int
    """Bytes in the gap that are in no packet."""
    is_start: bool
    """Whether the gap is before the first frame."""


def is_damaged(source: DecoderInput, name: str, stream_id: int, gap: GapBytes) -> bool | None:
    """Whether bytes in a gap are damaged or missing; None if the format does not show it.

    Args:
        source: the file.
        name: FFmpeg's name of its format.
        stream_id: number of the audio stream in the file.
        gap: where the gap is.
    """
    if name == "flac":  # its frames are numbered: a recording cannot pause
        return True
    if name.startswith("matroska") and gap.is_start:
        return matroska.begins_damaged(source, gap.first_at, gap.unread)
    if name == "ogg" and gap.is_start:
        return ogg.begins_damaged(source, gap.next_at)
    if name == "ogg":
        return ogg.is_damaged_between(source, gap.last_at, gap.next_at)
    if name == "asf":
        return asf.is_damaged_between(source, stream_id, gap.last_at, gap.next_at)
    if name == "mpeg":
        return program_stream.is_damaged_between(source, gap.recent_at, gap.next_at)
    if name == "mpegts":
        size = min(max(0, gap.next_at - gap.last_at), _MAX_TS_BYTES)
        return is_broken(source.read_at(gap.last_at, size), stream_id)
    return None
