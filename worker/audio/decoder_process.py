"""Starts a decoder process and receives the samples that it decodes.

The process inherits no credentials: its environment holds only what Python needs to start.
"""

import contextlib
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import BinaryIO

from funasr_fleet.worker.audio.checked_messages import (
    CheckedBlocks,
    InvalidMessage,
    facts_from,
    raise_failure,
)
from funasr_fleet.worker.audio.decoder_stderr import DecoderStderr
from funasr_fleet.worker.audio.decoding.cpu_limit import LIMIT_TEXT
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
from funasr_fleet.worker.errors import DecoderUnavailable, UndecodableAudio

log = logging.getLogger(__name__)

_COMMAND = (sys.executable, "-m", "funasr_fleet.worker.audio.decoding.process")
_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START_S = 60.0
"""Time limit for the start; it takes half a second on an idle machine."""
_KILL_S = 10.0

_SIGNALS = {-one: one.name for one in signal.Signals}
"""Exit status of a killed process -> name of the signal."""
AllowedSeconds = Callable[[float], float]
"""Seconds of audio -> seconds that decoding them may take."""

_UNFINISHED = {"alive", "block", "facts"}
"""Messages after which more follow about the same file."""


def unlimited(_: float) -> float:
    """Allow any duration."""
    return math.inf


class DecoderDied(Exception):
    """The decoder process ended or cannot be used further; the message says why."""


class DecoderProcess:
    """One decoder process. Its methods are called by one thread at a time."""

    def __init__(self, silence_s: float) -> None:
        """Start the process; `silence_s` is the longest time that it may send no message.

        Raises:
            DecoderUnavailable: the system cannot start another process.
        """
        self._silence_s = silence_s
        try:
            self._start()
        except OSError as error:
            raise DecoderUnavailable(f"a decoder process cannot be started: {error}") from error
        self.landlock = 0
        """The version of Landlock that confines the process, once it is ready; 0 for none."""
        self._is_ready = self._is_interrupted = False
        self.is_busy = False
        """Whether the process was sent a file and has not reported the end of that file."""

    def _start(self) -> None:
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as cleanup:
            ours, theirs = socket.socketpair()
            on_error.callback(ours.close)
            cleanup.callback(theirs.close)
            memory = create_shared_memory()
            cleanup.callback(os.close, memory)
            self._link, self._slots = Link(ours), SharedSlots(memory)
            self._stderr = DecoderStderr()
            on_error.callback(self._stderr.close)
            cleanup.callback(self._stderr.close_writer)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*_COMMAND, str(theirs.fileno()), str(memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr.writer,
                pass_fds=(theirs.fileno(), memory),
                env=_environment(),
                cwd="/",  # -m imports from the current directory first
                start_new_session=True,  # Ctrl-C and signals to the group are for the worker
            )
            on_error.pop_all()

    @property
    def is_reusable(self) -> bool:
        """Whether the process can decode another file."""
        return not (self.is_busy or self._is_interrupted)

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
            landlock = self._link.receive(_START_S).get("landlock")
        except (LinkClosed, LinkTimeout) as error:
            raise DecoderUnavailable(f"a decoder process {self._ending(error)}") from error
        self._is_ready, self.landlock = True, landlock if isinstance(landlock, int) else 0

    def blocks(
        self,
        file: BinaryIO,
        selection: Selection,
        limits: Limits,
        touch: Callable[[], None],
        *,
        allowed_s: AllowedSeconds,
        found: Callable[[AudioFacts], None],
    ) -> Iterator[Planes]:
        """Decode a file; yield blocks of shape (channels, samples).

        The process may be controlled by a hostile file, so every message is checked.

        Args:
            file: the file; the process reads it through a descriptor of its own.
            selection: the time range, the channels and the track.
            limits: as in decoding.decode.decode_pieces.
            touch: called at every message.
            allowed_s: how many seconds the process may take for so many seconds of audio.
            found: receives the properties of the file, once it is decoded to its end.

        Raises:
            DecoderDied: the process ended, hung, ran out of memory or sent invalid messages.
            UndecodableAudio: decoding took too long, or too much CPU time.
            FileFailure: as decoding.decode.decode_pieces, and AudioRange.
            OSError: the disk failed.
        """
        self.is_busy = True
        checked = CheckedBlocks(self._slots, selection, limits)
        waited_s = 0.0
        try:
            self._send_file(file, selection, limits)
            while True:
                begin = time.monotonic()
                message = self._link.receive(self._silence_s)
                waited_s += time.monotonic() - begin
                touch()
                if waited_s > (most_s := allowed_s(checked.seconds)):
                    raise UndecodableAudio(
                        f"decoding took longer than {most_s:.0f} s; see FLEET_MIN_RTFX"
                    )
                self.is_busy = message.keys() <= _UNFINISHED
                if "end" in message:
                    return
                if "facts" in message:
                    found(facts_from(message["facts"]))
                if "block" in message:
                    slot, planes = checked.read(message["block"])
                    self._link.send({"free": slot})
                    yield planes
                raise_failure(message, file)
        except (LinkClosed, LinkTimeout, InvalidMessage) as error:
            self.is_busy = True
            ending = self._ending(error)
            if self._process.returncode == -signal.SIGXCPU:
                raise UndecodableAudio(
                    f"decoding took more CPU time than the limit of {LIMIT_TEXT}"
                ) from error
            raise DecoderDied(ending) from error

    def _send_file(self, file: BinaryIO, selection: Selection, limits: Limits) -> None:
        """Send a request, with a descriptor that permits only reading."""
        file.flush()
        fd = os.open(f"/dev/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.lseek(fd, 0, os.SEEK_SET)
            self._link.send({"selection": asdict(selection), "limits": asdict(limits)}, fd)
        finally:
            os.close(fd)

    def interrupt(self) -> None:
        """End the process; the thread that waits for its messages receives DecoderDied."""
        self._is_interrupted = True
        self._process.kill()

    def _ending(self, error: Exception) -> str:
        """How the process ended; log what it wrote to stderr."""
        reason = self._reason(error)
        if written := self._stderr.read():
            log.warning("a decoder process %s; its stderr: %s", reason, written)
        return reason

    def _reason(self, error: Exception) -> str:
        """How the process ended; it is killed if it has not ended."""
        if isinstance(error, LinkTimeout):
            self._process.kill()
            return "did not respond, and was killed"
        if isinstance(error, InvalidMessage):
            self._process.kill()
            return str(error)
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return f"closed its connection ({error})"
        if status in _SIGNALS:
            return f"was killed by {_SIGNALS[status]}"
        return f"exited with status {status}"

    def kill(self) -> None:
        """Kill the process and release what it used."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # blocked by a failing disk
            self._process.wait(_KILL_S)
        self._link.close()
        self._stderr.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    if "PYTHONPATH" in kept:  # the process starts in another directory
        places = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, filter(None, places)))
    return {**kept, **_ONE_THREAD, "PYTHONFAULTHANDLER": "1"}
