"""PURE: whether a section of an MPEG transport stream is complete (ISO/IEC 13818-1, 2.4.3)."""

_PACKET_BYTES = 188
_SYNC = 0x47


def is_broken(body: bytes, pid: int) -> bool:
    """Whether units of an elementary stream are missing in these bytes.

    Args:
        body: from the packet in which one demuxed unit begins, up to the packet in which the next
            demuxed unit begins.
        pid: PID of the elementary stream.
    """
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


def _has_discontinuity_flag(packet: bytes) -> bool:
    """Whether a packet's adaptation field sets the discontinuity indicator."""
    return bool(packet[3] & 0x20 and packet[4] and packet[5] & 0x80)
