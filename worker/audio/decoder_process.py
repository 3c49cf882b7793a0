"""Starts a decoder process and receives the samples that it decodes.

The process inherits no credentials: its environment holds only what Python needs to start.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.messages import (
    Link,
    LinkClosed,
    LinkTimeout,
    SharedSlots,
    create_shared_memory,
)
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.errors import (
    AudioTooLong,
    AudioTooShort,
    DecoderUnavailable,
    FileFailure,
    UndecodableAudio,
)

_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START_S = 60.0
"""Time limit for the start; it takes half a second on an idle machine."""
_KILL_S = 10.0

_FAILURES: dict[str, type[FileFailure]] = {
    one.__name__: one for one in (UndecodableAudio, AudioTooShort, AudioTooLong)
}

_UNFINISHED = {"alive", "block", "facts"}
"""Messages after which more follow about the same file."""


class DecoderDied(Exception):
    """The decoder process ended, or was killed because it hung; the message says which."""


class DecoderProcess:
    """One decoder process. Its methods are called by one thread at a time."""

    def __init__(self, silence_s: float) -> None:
        """Start the process; `silence_s` is the longest time that it may send no message."""
        self._silence_s = silence_s
        ours, theirs = socket.socketpair()
        memory = create_shared_memory()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [
                    *(sys.executable, "-m", "funasr_fleet.worker.audio.decoding.process"),
                    *(str(theirs.fileno()), str(memory)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), memory),
                env=_environment(),
                cwd="/",  # -m imports from the current directory first
                start_new_session=True,  # Ctrl-C and signals to the group are for the worker
            )
            self._slots = SharedSlots(memory)
        finally:
            theirs.close()
            os.close(memory)
        self._link = Link(ours)
        self._is_ready = False
        self.is_busy = False
        """Whether it was sent a file and has not reported its end."""

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until the process has loaded its libraries.

        Raises:
            DecoderUnavailable: it cannot start.
        """
        if self._is_ready:
            return
        try:
            self._link.receive(_START_S)
        except (LinkClosed, LinkTimeout) as error:
            raise DecoderUnavailable(f"a decoder process {self._ending(error)}") from error
        self._is_ready = True

    def blocks(
        self,
        file: BinaryIO,
        selection: Selection,
        limits: Limits,
        touch: Callable[[], None],
        found: Callable[[AudioFacts], None],
    ) -> Iterator[Planes]:
        """Decode a file; yield blocks of shape (channels, samples).

        Args:
            file: the file; the process reads it through its descriptor.
            selection: the time range and the channels.
            limits: as in decoding.decode.decode_pieces.
            touch: called at every message.
            found: receives the properties of the file, once it is decoded to its end.

        Raises:
            DecoderDied: the process ended or hung.
            FileFailure: as decoding.decode.decode_pieces, and AudioRange.
            OSError: the disk failed.
        """
        file.flush()
        file.seek(0)
        self.is_busy = True
        try:
            self._link.send(
                {"selection": asdict(selection), "limits": asdict(limits)}, file.fileno()
            )
            while True:
                message = self._link.receive(self._silence_s)
                touch()
                self.is_busy = message.keys() <= _UNFINISHED
                if "end" in message:
                    return
                if "facts" in message:
                    found(AudioFacts(**message["facts"]))
                if "block" in message:
                    slot, channels, samples = message["block"]
                    planes = self._slots.read(slot, channels, samples)
                    self._link.send({"free": slot})
                    yield planes
                _raise_failure(message)
        except (LinkClosed, LinkTimeout, TypeError, ValueError) as error:
            raise DecoderDied(self._ending(error)) from error

    def _ending(self, error: Exception) -> str:
        """How the process ended; it is killed if it has not ended."""
        if isinstance(error, LinkTimeout):
            self.kill()
            return "did not respond, and was killed"
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"sent an invalid message ({error})"
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"exited with status {status}"

    def kill(self) -> None:
        """Kill the process and release what it used."""
        self._process.kill()
        self._process.wait(_KILL_S)
        self._link.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_ONE_THREAD, "PYTHONFAULTHANDLER": "1"}


def _raise_failure(message: dict[str, Any]) -> None:
    if "disk_error" in message:
        raise OSError(*message["disk_error"])
    if "failed" in message:
        kind, text = message["failed"]
        raise _FAILURES.get(kind, UndecodableAudio)(str(text))
