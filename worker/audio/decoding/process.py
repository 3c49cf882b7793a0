"""Main loop of a decoder process: receives files, decodes them, sends their samples.

Started by worker.audio.decoder_process, as `python -m funasr_fleet.worker.audio.decoding.process`
with the descriptors of its connection and of the shared memory as arguments.
"""

import io
import os
import select
import socket
import sys
import threading
import time
import wave
from dataclasses import asdict
from typing import Any

from funasr_fleet.worker.audio.decoding.confinement import confine
from funasr_fleet.worker.audio.decoding.cpu_limit import CpuLimit
from funasr_fleet.worker.audio.decoding.decode import decode_file, decode_pieces
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.messages import (
    SLOTS,
    Link,
    LinkClosed,
    SharedSlots,
)
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioRange, Selection
from funasr_fleet.worker.errors import DecoderOutOfMemory, FileFailure

_ALIVE_EVERY_S = 1.0
_MAX_CHARS = 2000


class Decoder:
    """Decodes one file after another."""

    def __init__(self, link: Link, slots: SharedSlots) -> None:
        self._link, self._slots = link, slots
        self._free = list(range(SLOTS))
        self._last_s = 0.0
        self._slot: int | None = None
        self._filled = self._channels = 0
        """Samples in the current slot, and their channels."""

    def serve(self) -> None:
        """Decode the file of every request. Raises LinkClosed when the child has ended."""
        while True:
            request = self._link.receive()
            if "selection" in request:
                self._link.send(self._answer(request, self._link.take_fd()))
            else:
                self._free.append(request["free"])

    def _answer(self, request: dict[str, Any], fd: int) -> dict[str, Any]:
        """Decode a file; return the message that ends it."""
        selection = Selection(**request["selection"])
        audio = AudioRange(selection)
        cpu = CpuLimit(os.fstat(fd).st_size)
        try:
            with os.fdopen(fd, "rb") as file:
                limits = Limits(**request["limits"])
                pieces = decode_pieces(file, limits, self._touch, selection.track)
                for planes in audio.select(cpu.extend(pieces)):
                    self._touch()
                    self._write(planes)
                self._send_block()
            return {"end": True}
        except DecoderOutOfMemory:
            return {"exhausted": True}
        except FileFailure as error:
            return {"failed": [type(error).__name__, str(error)[:_MAX_CHARS]]}
        except MemoryError:
            return {"exhausted": True}
        except OSError:
            return {"disk_error": True}
        finally:
            cpu.lift()
            if self._slot is not None:  # of a file that failed
                self._free.append(self._slot)
                self._slot = None
            if audio.facts:  # also of a file whose requested range or channel does not exist
                self._link.send({"facts": asdict(audio.facts)})

    def _write(self, planes: Planes) -> None:
        """Write samples into the current slot; send it when it is full."""
        rest = planes
        while rest.shape[1]:
            if self._slot is None:
                self._slot, self._filled = self._take_slot(), 0
            count = self._slots.write(self._slot, self._filled, rest)
            self._filled, rest, self._channels = self._filled + count, rest[:, count:], len(planes)
            if rest.shape[1]:
                self._send_block()

    def _take_slot(self) -> int:
        while not self._free:
            self._free.append(self._link.receive()["free"])
        return self._free.pop()

    def _send_block(self) -> None:
        if self._slot is not None:
            self._link.send({"block": [self._slot, self._channels, self._filled]})
            self._slot, self._last_s = None, time.monotonic()

    def _touch(self) -> None:
        now = time.monotonic()
        if now - self._last_s > _ALIVE_EVERY_S:
            self._last_s = now
            self._link.send({"alive": True})


def _exit_with(connection: socket.socket) -> None:
    """Exit when the other end closes, also while FFmpeg is at work: it releases the GIL."""
    poll = select.poll()
    poll.register(connection, 0)  # only POLLHUP
    poll.poll()
    os._exit(0)


def _load_everything() -> None:
    """Decode a short file, so that all code is loaded while files can be opened."""
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(4 * 44_100))
    decode_file(body)
    for broken in (b"", b"RIFF" + bytes(100)):
        try:
            decode_file(io.BytesIO(broken))
        except FileFailure:
            continue


def main() -> None:
    """Serve until the child ends."""
    connection_fd, memory_fd = map(int, sys.argv[1:])
    slots = SharedSlots(memory_fd)
    os.close(memory_fd)
    _load_everything()
    connection = socket.socket(fileno=connection_fd)
    landlock = confine()
    threading.Thread(target=_exit_with, args=(connection,), daemon=True).start()
    link = Link(connection, takes_files=True)
    link.send({"alive": True, "landlock": landlock})
    try:
        Decoder(link, slots).serve()
    except LinkClosed:
        return


if __name__ == "__main__":
    main()
