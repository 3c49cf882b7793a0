"""Messages and samples between a worker child and one of its decoder processes.

Messages are lines of JSON on a Unix socket, because unpickling data of a process that decodes
hostile files could run its code. Samples pass through shared memory, divided into slots:

    decoder -> child:   {"alive": true, "landlock": version}, once it is ready
    child   -> decoder: {"selection": {...}, "limits": {...}}, with the file's descriptor
    decoder -> child:   {"block": [slot, channels, samples]}, any number of times
    child   -> decoder: {"free": slot}, once it has copied the block
    decoder -> child:   {"alive": true}, while it reads and no block is ready
    decoder -> child:   {"facts": {...}}, if the file is decoded to its end
    decoder -> child:   one of {"end": true}, {"failed": [kind, message]}, {"disk_error": true},
                        {"exhausted": true} (out of memory)

A decoder waits for a free slot before it decodes further, so a slow consumer bounds its memory.
"""

import fcntl
import json
import mmap
import os
import select
import socket
import tempfile
from typing import Any

import numpy as np

from funasr_fleet.worker.audio.decoding.resampling import Planes

SLOTS = 8
SLOT_VALUES = 1 << 18
"""Values per slot: 16 s of one channel."""
_SLOT_BYTES = SLOT_VALUES * 4
_MAX_MESSAGE_BYTES = 1 << 16


class LinkClosed(Exception):
    """The other process has ended."""


class LinkTimeout(Exception):
    """The other process sent no message in time."""


class Link:
    """One end of the connection between a child and a decoder."""

    def __init__(self, connection: socket.socket, *, takes_files: bool = False) -> None:
        """Wrap a connected socket; the decoder's end takes files and waits until it can send.

        The child's end never waits: an intact decoder leaves a few short messages unread at most.
        """
        self._socket = connection
        self._takes_files = takes_files
        self._flags = 0 if takes_files else socket.MSG_DONTWAIT
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._received = bytearray()
        self._fds: list[int] = []

    def send(self, message: dict[str, Any], fd: int | None = None) -> None:
        """Send a message, and a file descriptor with it.

        Raises:
            LinkClosed: the other process has ended, or a decoder does not read its messages.
        """
        body = json.dumps(message).encode() + b"\n"
        try:
            if fd is not None:
                sent = socket.send_fds(self._socket, [body], [fd], self._flags)
                body = body[sent:]
            self._socket.sendall(body, self._flags)
        except OSError as error:
            raise LinkClosed(str(error)) from error

    def receive(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Receive the next message; wait at most `timeout_s` for each part of it.

        Raises:
            LinkClosed: the other process has ended, or sent no valid message.
            LinkTimeout: no message came in time.
        """
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > _MAX_MESSAGE_BYTES:
                raise LinkClosed("a message is too long")
            self._received += self._read(timeout_s)
        line, self._received = self._received[:end], self._received[end + 1 :]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LinkClosed("a message is not JSON") from error
        if not isinstance(message, dict):
            raise LinkClosed("a message is not an object")
        return message

    def _read(self, timeout_s: float | None) -> bytes:
        if timeout_s is not None and not self._poll.poll(1000 * timeout_s):
            raise LinkTimeout
        try:
            if self._takes_files:
                body, fds, _flags, _address = socket.recv_fds(self._socket, _MAX_MESSAGE_BYTES, 1)
                self._fds += fds
            else:  # the kernel drops descriptors that are sent
                body = self._socket.recv(_MAX_MESSAGE_BYTES)
        except OSError as error:
            raise LinkClosed(str(error)) from error
        if not body:
            raise LinkClosed("the connection was closed")
        return body

    def take_fd(self) -> int:
        """The descriptor received with the last message. Raises LinkClosed without one."""
        if not self._fds:
            raise LinkClosed("a request came without its file")
        return self._fds.pop()

    def close(self) -> None:
        """Close this end; the other process receives LinkClosed."""
        self._socket.close()


def create_shared_memory() -> int:
    """Create the memory for the slots; return its descriptor."""
    if hasattr(os, "memfd_create"):  # unlike /dev/shm, not limited to 64 MB in a container
        fd = os.memfd_create("decoded", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, SLOTS * _SLOT_BYTES)
        # reading a page that the other process has cut off would kill this one
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)
        return fd
    with tempfile.TemporaryFile() as file:
        fd = os.dup(file.fileno())
    os.ftruncate(fd, SLOTS * _SLOT_BYTES)
    return fd


class SharedSlots:
    """The slots in shared memory, as float32 values."""

    def __init__(self, fd: int) -> None:
        """Map the memory of create_shared_memory; the descriptor may be closed afterwards."""
        memory = mmap.mmap(fd, SLOTS * _SLOT_BYTES)
        self._values = np.frombuffer(memory, np.float32).reshape(SLOTS, SLOT_VALUES)

    def write(self, slot: int, at: int, planes: Planes) -> int:
        """Write the samples that fit into a slot, from sample `at` on; return how many fitted."""
        rows = self._rows(slot, len(planes))
        count = min(rows.shape[1] - at, planes.shape[1])
        rows[:, at : at + count] = planes[:, :count]
        return int(count)

    def read(self, slot: int, channels: int, samples: int) -> Planes:
        """Copy a block of shape (channels, samples) out of a slot.

        Raises:
            ValueError: the slot or the shape is out of range.
        """
        if not (
            0 <= slot < SLOTS
            and 0 < channels <= SLOT_VALUES
            and 0 <= samples <= SLOT_VALUES // channels
        ):
            raise ValueError("out of range")
        return self._rows(slot, channels)[:, :samples].copy()

    def _rows(self, slot: int, channels: int) -> Planes:
        """A slot as rows of equal length, one per channel."""
        length = SLOT_VALUES // channels
        return self._values[slot, : channels * length].reshape(channels, length)
