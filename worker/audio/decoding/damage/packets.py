"""PURE: detects padding, pauses, lost frames and lost transport packets in the bytes of packets."""

_OTHER_TAGS = (b"LYRICSBEGIN", b"3DI")
"""Tags without a length field. In concatenated files, tags lie between frames."""

_PAUSES = {"amr_nb": {8, 15}, "amr_wb": {9, 14, 15}}
"""AMR frame types without speech: comfort noise, lost in transmission, not sent (RFC 4867; 3GPP
TS 26.101 and 26.201). FFmpeg decodes none of them."""


def padding_bytes(body: bytes) -> int:
    """Number of bytes at the start of elementary stream data that are tags or zeros.

    It may exceed len(body): the rest of the tag is in the next packets.
    """
    at = 0
    while at < len(body):
        tag = body[at:].lstrip(b"\0")
        size = _tag_bytes(tag)
        if tag and not size:
            return at
        at = len(body) - len(tag) + size
    return at


def ape_tag_bytes(tail: bytes) -> int:
    """Length of a file's APE tag at the end and of an ID3v1 tag after it; 0 without an APE tag.

    Args:
        tail: the last bytes of the file, at least 160 if it has as many.
    """
    id3v1_bytes = 128 if tail[-128:].startswith(b"TAG") else 0
    footer = tail[: len(tail) - id3v1_bytes][-32:]
    if len(footer) < 32 or not footer.startswith(b"APETAGEX"):
        return 0
    header_bytes = 32 if footer[23] & 0x80 else 0
    return int.from_bytes(footer[12:16], "little") + header_bytes + id3v1_bytes


def _tag_bytes(body: bytes) -> int:
    if body.startswith(b"ID3") and len(body) >= 10:  # 7 bits per byte
        return 10 + sum((byte & 0x7F) << 7 * n for n, byte in enumerate(body[9:5:-1]))
    if body.startswith(b"APETAGEX") and len(body) >= 16:
        return 32 + int.from_bytes(body[12:16], "little")
    if body.startswith(b"TAG"):
        return 128
    return len(body) if body.startswith(_OTHER_TAGS) else 0


def is_pause(codec: str, body: bytes) -> bool:
    """Whether a packet signals a pause without speech."""
    return bool(body) and not body[0] & 0x83 and body[0] >> 3 & 0xF in _PAUSES.get(codec, ())


def adts_frames(body: bytes) -> int:
    """Number of ADTS frames in a packet: more than one if the length field of the first is damaged.

    Use it only for large packets: in others, audio data may look like a header by chance.
    """
    if len(body) < 7 or body[0] != 0xFF or body[1] & 0xF6 != 0xF0:
        return 1
    count, at = 1, _next_adts(body, 7)
    while 0 <= at <= len(body) - 7:
        length = (body[at + 3] & 3) << 11 | body[at + 4] << 3 | body[at + 5] >> 5
        count, at = count + 1, _next_adts(body, at + max(7, length))
    return count


def _next_adts(body: bytes, start: int) -> int:
    """Offset of the next header with the same fixed part (28 bits) as the first; -1 if none."""
    at = body.find(body[:3], start)
    while 0 <= at < len(body) - 7 and (body[at + 3] ^ body[3]) & 0xF0:
        at = body.find(body[:3], at + 1)
    return at


_PACKET_BYTES = 188
_SYNC = 0x47


def is_broken(body: bytes, pid: int) -> bool:
    """Whether units of an elementary stream are missing in these bytes.

    Args:
        body: from the packet in which one demuxed unit begins, up to the packet in which the next
            demuxed unit begins.
        pid: PID of the elementary stream.
    """
    if _is_timed(body):
        body = b"".join(body[at + 4 : at + 192] for at in range(0, len(body), 192))
    if body[:1] != bytes([_SYNC]):
        return False  # packets of another size are not checked
    last_counter: int | None = None
    for at in range(0, len(body), _PACKET_BYTES):
        packet = body[at : at + _PACKET_BYTES]
        if len(packet) < _PACKET_BYTES or packet[0] != _SYNC or packet[1] & 0x80:
            return True
        if (packet[1] & 0x1F) << 8 | packet[2] != pid or not packet[3] & 0x10:
            continue
        begins, counter = bool(packet[1] & 0x40), packet[3] & 0xF
        if begins and at:
            return True  # a unit that the demuxer did not return
        jumps = last_counter is not None and counter not in (last_counter, last_counter + 1 & 0xF)
        if jumps and not _has_discontinuity_flag(packet):
            return True
        last_counter = counter
    return False


def _is_timed(body: bytes) -> bool:
    """Whether a time of 4 bytes precedes each packet, as in recordings of cameras (.m2ts)."""
    return body[4:5] == body[196:197] == bytes([_SYNC]) and body[188:189] != bytes([_SYNC])


def _has_discontinuity_flag(packet: bytes) -> bool:
    """Whether a packet's adaptation field sets the discontinuity indicator."""
    return bool(packet[3] & 0x20 and packet[4] and packet[5] & 0x80)
