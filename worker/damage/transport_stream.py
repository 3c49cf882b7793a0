"""PURE: whether a piece of an MPEG transport stream is whole (ISO/IEC 13818-1, 2.4.3)."""

_PACKET_BYTES = 188
_SYNC = 0x47


def is_broken(body: bytes, pid: int) -> bool:
    """Whether units of an elementary stream were lost in these bytes.

    Args:
        body: from the packet in which a unit begins that was read, up to the one in which the next
            unit that was read begins.
        pid: of the elementary stream.
    """
    if body[:1] != bytes([_SYNC]):
        return False  # packets of another size: it cannot be told
    last_counter: int | None = None
    for at in range(0, len(body), _PACKET_BYTES):
        packet = body[at : at + _PACKET_BYTES]
        if len(packet) < _PACKET_BYTES or packet[0] != _SYNC or packet[1] & 0x80:
            return True
        if (packet[1] & 0x1F) << 8 | packet[2] != pid or not packet[3] & 0x10:
            continue
        begins, counter = bool(packet[1] & 0x40), packet[3] & 0xF
        if begins and at:
            return True  # a unit of which nothing came
        jumps = last_counter is not None and counter not in (last_counter, last_counter + 1 & 0xF)
        if jumps and not _is_announced(packet):
            return True
        last_counter = counter
    return False


def _is_announced(packet: bytes) -> bool:
    """Whether a packet says of itself that it does not follow the one before."""
    return bool(packet[3] & 0x20 and packet[4] and packet[5] & 0x80)
