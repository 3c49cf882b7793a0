"""The size that the header of a file declares; FFmpeg reads a truncated file as a shorter one."""

from funasr_fleet.worker.audio.decoding import asf_header
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

_HEAD_BYTES = 1 << 16
_UNKNOWN_FROM = {4: 0x7FFFF000, 8: 1 << 62}
"""Size field's length in bytes -> smallest value that means "unknown", as programs that cannot seek
back write it."""
_MAX_CHUNKS = 100
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")


def truncated_seconds(
    source: DecoderInput, begin: int, decoded_s: float, bits_per_s: int | None
) -> float | None:
    """Duration that a truncated file had, by the size that it declares; None if not truncated.

    Args:
        source: the file.
        begin: offset of its first packet.
        decoded_s: duration of the audio that was decoded.
        bits_per_s: bit rate in the header, used if nothing was decoded.
    """
    declared = _declared_bytes(source)
    if declared <= source.size_bytes:
        return None
    if decoded_s and begin < source.size_bytes:
        return decoded_s * (declared - begin) / (source.size_bytes - begin)
    return 8 * declared / bits_per_s if bits_per_s else None


def _declared_bytes(source: DecoderInput) -> int:
    """Size that a WAV, RF64, BW64, Wave64, AVI, ASF (WMA) or CAF file declares; 0 if unknown."""
    head = source.read_at(0, _HEAD_BYTES)
    if head[:4] in (b"RIFF", b"RIFX"):
        return _riff_bytes(source, is_big=head[:4] == b"RIFX")
    if head[:4] in (b"RF64", b"BW64") and head[12:16] == b"ds64":
        return 8 + _number(head[20:28])
    if head.startswith(_W64):
        return _number(head[16:24])
    if head.startswith(asf_header.HEADER) and (at := head.find(asf_header.PROPERTIES)) > 0:
        return _number(head[at + 40 : at + 48])
    return _caf_bytes(source) if head.startswith(b"caff") else 0


def _number(size: bytes, *, is_big: bool = False) -> int:
    number = int.from_bytes(size, "big" if is_big else "little")
    return number if number < _UNKNOWN_FROM.get(len(size), 0) else 0


def _riff_bytes(source: DecoderInput, *, is_big: bool) -> int:
    """Declared end of the file or of its samples, whichever is later; 0 if both are unknown.

    Some programs write only the size of the samples, and leave that of the file unknown. In AVI, it
    is the end of the packets: an index follows, without audio.
    """
    declared, at = _number(source.read_at(4, 4), is_big=is_big), 12
    declared += 8 if declared else 0
    for _ in range(_MAX_CHUNKS):
        chunk = source.read_at(at, 12)
        size = _number(chunk[4:8], is_big=is_big)
        if chunk[:4] == b"data":
            return max(declared, at + 8 + size if size else 0)
        if chunk[:4] == b"LIST" and chunk[8:] == b"movi" and size:
            return at + 8 + size
        if len(chunk) < 8:
            break
        at += 8 + size + size % 2
    return declared


def _caf_bytes(source: DecoderInput) -> int:
    """Declared offset of the end of the samples; 0 if it is unknown."""
    at = 8
    for _ in range(_MAX_CHUNKS):
        chunk = source.read_at(at, 12)
        size = int.from_bytes(chunk[4:], "big")
        if len(chunk) < 12 or size >= _UNKNOWN_FROM[8]:
            break
        at += 12 + size
        if chunk[:4] == b"data":
            return at
    return 0
