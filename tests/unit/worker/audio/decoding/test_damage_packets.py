"""Contents of packets: lost parts of transport streams, frames of ADTS, pauses, padding."""

import pytest

from funasr_fleet.worker.audio.decoding.damage.packets import (
    adts_frames,
    is_broken,
    is_pause,
    padding_bytes,
)

PID = 0x101


def _ts(counter: int, *, pid: int = PID, begins: bool = False, announced: bool = False) -> bytes:
    """One packet of an MPEG transport stream."""
    head = bytes([0x47, (0x40 if begins else 0) | pid >> 8, pid & 0xFF])
    if announced:
        return head + bytes([0x30 | counter, 1, 0x80]) + bytes(182)
    return head + bytes([0x10 | counter]) + bytes(184)


UNIT = _ts(14, begins=True) + _ts(15) + _ts(0, pid=0) + _ts(0)


def test_a_unit_of_several_packets_is_whole() -> None:
    assert not is_broken(UNIT, PID)
    assert not is_broken(b"", PID)


def test_a_packet_may_be_repeated() -> None:
    assert not is_broken(_ts(3, begins=True) + _ts(3) + _ts(4), PID)


@pytest.mark.parametrize(
    "body",
    [
        UNIT + b"\x00" + _ts(1)[1:],
        UNIT + b"\x47" + bytes([_ts(1)[1] | 0x80]) + _ts(1)[2:],
        UNIT + _ts(3),
        UNIT + _ts(1, begins=True),
        UNIT + _ts(1)[:100],
    ],
    ids=["no sync", "marked as wrong", "a packet is missing", "a unit is missing", "shifted"],
)
def test_damage_between_two_units_is_detected(body: bytes) -> None:
    assert is_broken(body, PID)


def test_an_announced_discontinuity_is_not_damage() -> None:
    assert not is_broken(UNIT + _ts(9, announced=True), PID)


def test_packets_of_another_size_are_not_checked() -> None:
    assert not is_broken(b"\0\0\0\0" + UNIT, PID)


def _adts(size: int, claimed: int = 0) -> bytes:
    length = claimed or size
    head = bytes([0xFF, 0xF1, 0x50, 0x80 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5])
    return (head + b"\xfc").ljust(size, b"\x21")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (_adts(300), 1),
        (_adts(300, 600) + _adts(300), 2),
        (_adts(300, 1000) + _adts(310) + _adts(290) + _adts(100), 4),
        (_adts(300, 1000) + _adts(310) + _adts(290, 300)[:200], 3),
        (b"\x21" * 600, 1),
        (b"", 1),
    ],
)
def test_the_frames_in_a_packet_of_adts_are_counted(body: bytes, count: int) -> None:
    assert adts_frames(body) == count


@pytest.mark.parametrize(
    ("codec", "toc", "expected"),
    [
        ("amr_nb", 0x44, True),
        ("amr_nb", 0x7C, True),
        ("amr_nb", 0x3C, False),
        ("amr_nb", 0x7F, False),
        ("amr_wb", 0x4C, True),
        ("amr_wb", 0x44, False),
        ("mp3", 0x7C, False),
    ],
)
def test_pauses_of_amr_are_recognised(codec: str, toc: int, expected: bool) -> None:
    assert is_pause(codec, bytes([toc])) is expected


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"ID3\x03\0\0\0\0\x02\x01" + b"x" * 5, 10 + 257),
        (b"\0\0ID3\x03\0\0\0\0\0\x05" + b"x" * 40, 2 + 15),
        (b"APETAGEX" + (2000).to_bytes(4, "little") + (83).to_bytes(4, "little"), 32 + 83),
        (b"TAG".ljust(128, b"\0") + b"frame", 128),
        (bytes(500), 500),
        (b"\0\0\0frame", 0),
        (b"frame", 0),
        (b"", 0),
    ],
)
def test_tags_and_zeros_are_padding(body: bytes, size: int) -> None:
    assert padding_bytes(body) == size
