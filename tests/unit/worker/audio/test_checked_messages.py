"""Messages that only a decoder process under foreign control sends are rejected."""

import errno
import fcntl
import io
import itertools
import json
import os
import socket
from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from funasr_fleet.worker.audio.checked_messages import (
    CheckedBlocks,
    InvalidMessage,
    facts_from,
    raise_failure,
    strings_from,
)
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED, Limits
from funasr_fleet.worker.audio.decoding.messages import (
    SLOT_VALUES,
    Link,
    LinkClosed,
    SharedSlots,
    create_shared_memory,
)
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.errors import AudioTooLong


@pytest.fixture
def slots() -> SharedSlots:
    fd = create_shared_memory()
    try:
        return SharedSlots(fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    "numbers",
    [
        None,
        {},
        [],
        [0, 1],
        [0, 1, 2, 3],
        [0.5, 1, 1],
        [True, 1, 1],
        ["0", 1, 1],
        [-1, 1, 1],
        [8, 1, 1],
        [0, 0, 1],
        [0, 1, 0],
        [0, 2, 1],
        [0, 1, SLOT_VALUES + 1],
        [0, 1, 10**40],
        [0, 1, [[1]]],
    ],
)
def test_a_block_out_of_range_is_rejected(slots: SharedSlots, numbers: Any) -> None:
    with pytest.raises(InvalidMessage):
        CheckedBlocks(slots, Selection(), UNLIMITED).read(numbers)


def test_the_number_of_channels_is_limited_and_constant(slots: SharedSlots) -> None:
    blocks = CheckedBlocks(slots, Selection(split=True), Limits(channels=4))
    with pytest.raises(InvalidMessage):
        blocks.read([0, 5, 1])
    assert blocks.read([0, 4, 10])[1].shape == (4, 10)
    with pytest.raises(InvalidMessage):
        blocks.read([0, 3, 10])


def test_endless_blocks_exceed_the_limit(slots: SharedSlots) -> None:
    blocks = CheckedBlocks(slots, Selection(), Limits(audio_s=20))
    blocks.read([0, 1, 16 * 16_000])
    with pytest.raises(AudioTooLong):
        blocks.read([1, 1, 16 * 16_000])


def test_samples_that_are_not_numbers_are_rejected(slots: SharedSlots) -> None:
    slots.write(3, 0, np.array([[0.0, np.nan]], np.float32))
    with pytest.raises(InvalidMessage):
        CheckedBlocks(slots, Selection(), UNLIMITED).read([3, 1, 2])


FACTS = AudioFacts(channels=2, source_rate=8000, duration_ms=5, cancelled=True)


def test_facts_are_received_as_sent() -> None:
    assert facts_from(json.loads(json.dumps(asdict(FACTS)))) == FACTS


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**asdict(FACTS), "more": 1},
        {**asdict(FACTS), "channels": "x"},
        {**asdict(FACTS), "duration_ms": 10**40},
        {**asdict(FACTS), "duration_ms": 10**13},
        {**asdict(FACTS), "duration_ms": True},
        {**asdict(FACTS), "duration_ms": None},
        {**asdict(FACTS), "cancelled": 1},
        {**asdict(FACTS), "track": 10**13},
        {**asdict(FACTS), "lost_ms": -1},
        {**asdict(FACTS), "lost_ms": 0.5},
    ],
)
def test_invalid_facts_are_rejected(document: Any) -> None:
    with pytest.raises(InvalidMessage):
        facts_from(document)


@pytest.mark.parametrize("values", [None, [], ["a"], ["a", 1], "ab", ["a", "b", "c"]])
def test_invalid_errors_are_rejected(values: Any) -> None:
    with pytest.raises(InvalidMessage):
        strings_from(values)


def test_a_disk_error_that_does_not_occur_is_an_invalid_message() -> None:
    """Otherwise a hostile file could postpone its shard, as if the disk had failed."""
    file = io.BytesIO(bytes(3 << 20))
    with pytest.raises(InvalidMessage, match="a disk error that does not occur"):
        raise_failure({"disk_error": True}, file)
    assert file.tell() == 3 << 20


def test_a_disk_error_that_occurs_is_raised() -> None:
    class FailingDisk(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "the disk failed")

    with pytest.raises(OSError, match="the disk failed"):
        raise_failure({"disk_error": True}, FailingDisk())


@pytest.mark.parametrize("line", [b"x\n", b"[1]\n", b"[" * 60_000 + b"\n", b"y" * 100_000])
def test_what_is_no_message_closes_the_connection(line: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(line)
        with pytest.raises(LinkClosed):
            Link(ours).receive(1)


def test_a_decoder_that_does_not_read_its_messages_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = Link(ours)
        with pytest.raises(LinkClosed):
            deque(map(link.send, itertools.repeat({"free": 0})), maxlen=0)


def test_descriptors_are_not_accepted_from_a_decoder() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = len(os.listdir("/dev/fd"))
        for _ in range(50):
            socket.send_fds(theirs, [b'{"alive": true}\n'], [0])
            assert Link(ours).receive(1) == {"alive": True}
        assert len(os.listdir("/dev/fd")) == before


def test_the_shared_memory_cannot_be_cut_off() -> None:
    fd = create_shared_memory()
    try:
        assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK
        with pytest.raises(PermissionError):
            os.ftruncate(fd, 0)
    finally:
        os.close(fd)
