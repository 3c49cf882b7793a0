"""Audio after the end that a file's header declares; FFmpeg does not read it.

Such files were joined (`cat a.wav b.wav`), or audio was appended without an update of the header.
"""

from typing import Literal, NamedTuple

from funasr_fleet.worker.audio.decoding.damage import Extent
from funasr_fleet.worker.audio.decoding.damage.packets import padding_bytes
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.fragments import unread_from

_LEAST_S = 0.1
"""A shorter rest is not reported: some programs append a few bytes of their own."""
_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 12
_MAX_CHUNKS = 10_000


class _ChunkLayout(NamedTuple):
    """How a format stores the type and the size of a chunk, such as a chunk of metadata."""

    order: Literal["little", "big"]
    type_bytes: int = 4
    size_bytes: int = 4
    counts_header: bool = False
    """Whether the size includes the header of the chunk."""
    alignment: int = 1


_LAYOUTS = {
    "wav": _ChunkLayout("little", alignment=2),
    "aiff": _ChunkLayout("big", alignment=2),
    "caf": _ChunkLayout("big", size_bytes=8),
    "w64": _ChunkLayout("little", type_bytes=16, size_bytes=8, counts_header=True, alignment=8),
}
_VOC_BLOCKS = (b"\3", b"\4", b"\5", b"\6", b"\7", b"\x08")
"""Blocks of a VOC file without samples: silence, marker, text, repeat, end repeat, extended."""
_FILE_TYPES = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"riff")
"""A chunk of one of these types begins another file."""

_SIGNATURES = {
    "mov": slice(4, 12),
    "asf": slice(16),
    "flv": slice(8),
    "tta": slice(8),
    "wv": slice(4),
}
"""Formats in which FFmpeg skips an appended file -> bytes of the header that mark its start."""


def unread_seconds(
    format_name: str,
    source: DecoderInput,
    read: Extent,
    decoded_s: float,
    bits_per_s: int | None,
) -> float:
    """Seconds of audio after the last packet of a file, by its bytes; 0 if there is none.

    Args:
        format_name: FFmpeg's name of the format.
        source: the file.
        read: the packets of the file.
        decoded_s: duration of the decoded audio.
        bits_per_s: bit rate of the audio, if it is constant and known.
    """
    name, start = format_name.partition(",")[0], read.end
    if not 0 < start < source.size_bytes:
        return 0.0
    if name == "wav" and source.read_at(0, 4) == b"RIFX":
        name = "aiff"  # the same layout
    if name == "voc":
        rest = _after_voc_blocks(source, start)
    elif layout := _LAYOUTS.get(name):
        rest = _after_metadata(source, start, layout)
    elif name == "mov" and (fragment := unread_from(source, start)) is not None:
        rest = fragment
    elif signature := _SIGNATURES.get(name):
        rest = source.find(source.read_at(0, _HEAD_BYTES)[signature], start)
    else:
        return 0.0
    bytes_per_s = (bits_per_s or 0) / 8 or max(start, read.bytes) / max(decoded_s, _LEAST_S)
    first, second = (_wav_bytes_per_s(source, at) for at in (0, rest))
    if first and second:  # the rates in headers are often wrong, but in the same way
        bytes_per_s *= second / first
    seconds = (source.size_bytes - rest) / bytes_per_s
    return seconds if seconds >= _LEAST_S else 0.0


def _after_metadata(source: DecoderInput, start: int, layout: _ChunkLayout) -> int:
    """Offset of the first byte from `start` on that belongs to no metadata, tag or padding."""
    at = start
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(at, _HEAD_BYTES)
        zeros = len(head) - len(head.lstrip(b"\0"))
        size = zeros or padding_bytes(head) or _chunk_bytes(source, at, layout)
        if not size and at % layout.alignment:  # some programs pad with other bytes than zeros
            to_next = -at % layout.alignment
            size = to_next if _chunk_bytes(source, at + to_next, layout) else 0
        if not size:
            break
        at += size
    return source.size_bytes if _is_uniform(source, at) else at


def _after_voc_blocks(source: DecoderInput, start: int) -> int:
    """Offset of the first byte from `start` on that is in no block of a VOC file, or behind it."""
    at = start
    for _ in range(_MAX_CHUNKS):
        header = source.read_at(at, 4)
        end = at + 4 + int.from_bytes(header[1:], "little")
        if header[:1] not in _VOC_BLOCKS or end > source.size_bytes:
            break
        at = end
    if source.read_at(at, 1) == b"\0":
        at += 1
    head = source.read_at(at, _HEAD_BYTES)
    is_tag = padding_bytes(head) >= source.size_bytes - at
    return source.size_bytes if is_tag or _is_uniform(source, at) else at


def _chunk_bytes(source: DecoderInput, at: int, layout: _ChunkLayout) -> int:
    """Size of the chunk of metadata at an offset, with its header; 0 if there is none."""
    header_bytes = layout.type_bytes + layout.size_bytes
    header = source.read_at(at, header_bytes)
    kind, size = header[:4], int.from_bytes(header[layout.type_bytes :], layout.order)
    whole = max(header_bytes, size if layout.counts_header else header_bytes + size)
    if kind in _FILE_TYPES or at + whole > source.size_bytes:
        return 0
    if not _is_printable(kind):  # must end where another chunk begins, or the file ends
        end = at + whole + -whole % layout.alignment
        following = source.read_at(end, 4)
        if end < source.size_bytes and not (following and _is_printable(following)):
            return 0
    return whole


def _is_printable(kind: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in kind)


def _is_uniform(source: DecoderInput, start: int) -> bool:
    """Whether the rest of the file repeats one byte: padding or silence."""
    first = source.read_at(start, 1)
    while body := source.read_at(start, _BLOCK_BYTES):
        source.touch()
        if body.strip(first):
            return False
        start += len(body)
    return True


def _wav_bytes_per_s(source: DecoderInput, at: int) -> int:
    """Bytes per second in the header of the WAV file at an offset; 0 if there is none."""
    head = source.read_at(at, 32)
    is_wav = head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt "
    return int.from_bytes(head[28:32], "little") if is_wav else 0
