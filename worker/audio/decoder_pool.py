"""Assigns decoder processes to files, in order; replaces processes that crash or hang.

Files get a decoder in the order in which they reserved one. Otherwise a later file could hold every
decoder, waiting for its samples to be consumed, while the consumer waits for an earlier file.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal

from funasr_fleet.worker.audio.decoder_process import (
    AllowedSeconds,
    DecoderDied,
    DecoderProcess,
    unlimited,
)
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.errors import UndecodableAudio
from funasr_fleet.worker.events import DecoderReplaced, Observer

if TYPE_CHECKING:
    from funasr_fleet.settings import Settings

log = logging.getLogger(__name__)

SILENCE_S = 30.0
"""A decoder that sends nothing for this long, while its samples are consumed, is considered hung.
It reports once a second while it reads the file."""


class Released(Exception):
    """The file was abandoned: its samples are no longer wanted."""


def decode_processes(wanted: Literal["auto"] | int, threads: int) -> int:
    """PURE: the number of decoder processes of a child.

    Args:
        wanted: FLEET_DECODE_PROCESSES; auto is half of the threads, at least 1 and at most 8.
        threads: CPU threads of the child.
    """
    return max(1, min(8, threads // 2)) if wanted == "auto" else wanted


class DecoderPool:
    """The decoder processes of one worker child; may be used from any thread."""

    def __init__(self, processes: int, observe: Observer, silence_s: float = SILENCE_S) -> None:
        """Start the processes; see wait_until_ready."""
        self.observe = observe
        self._silence_s = silence_s
        self._changed = threading.Condition()
        self._waiting: deque[Reservation] = deque()
        self._free = processes
        """Number of files that may begin to be decoded."""
        self._idle = [self.start() for _ in range(processes)]

    @classmethod
    def of(cls, settings: "Settings", threads: int, observe: Observer) -> "DecoderPool":
        """The pool of a child with this many CPU threads."""
        silence_s = min(SILENCE_S, settings.stall_s / 4)  # two in a row are less than a stall
        return cls(decode_processes(settings.decode_processes, threads), observe, silence_s)

    def start(self) -> DecoderProcess:
        """Start a process. Raises DecoderUnavailable."""
        return DecoderProcess(self._silence_s)

    def wait_until_ready(self) -> None:
        """Wait until every process can decode. Raises DecoderUnavailable if one cannot start."""
        for process in self._idle:
            process.wait_until_ready()
        if version := min((process.landlock for process in self._idle), default=0):
            log.info("decoder processes are confined by Landlock, version %d", version)
        else:
            log.warning(
                "Landlock is not available: decoder processes are confined only by resource limits "
                "(deploy/security.md)"
            )

    def reserve(self) -> "Reservation":
        """Reserve a decoder for one file; call it in the order in which files are consumed."""
        reservation = Reservation(self)
        with self._changed:
            self._waiting.append(reservation)
        return reservation

    def take(self, reservation: "Reservation") -> DecoderProcess | None:
        """Wait until a file may be decoded; return an idle process, None if one must be started.

        Raises:
            Released: the reservation was abandoned meanwhile.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: reservation.is_abandoned or (self._free and self._waiting[0] is reservation)
            )
            if reservation.is_abandoned:
                raise Released
            self._waiting.popleft()
            self._free -= 1
            self._changed.notify_all()
            return self._idle.pop() if self._idle else None

    def give_back(self, process: DecoderProcess | None) -> None:
        """Let the next file be decoded, by this process unless it is None."""
        with self._changed:
            self._free += 1
            self._idle += [process] if process else []
            self._changed.notify_all()

    def leave(self, reservation: "Reservation") -> None:
        """Let the reservations after this one move up."""
        with self._changed:
            if reservation in self._waiting:
                self._waiting.remove(reservation)
            self._changed.notify_all()

    def close(self) -> None:
        """End all idle processes; those that are decoding end with this process."""
        with self._changed:
            for process in self._idle:
                process.kill()
            self._idle.clear()


class Reservation:
    """The place of one file in the order of decoding; the thread that decodes it closes it."""

    def __init__(self, pool: DecoderPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        """Held while the process is interrupted, and while it is detached from this file."""
        self._process: DecoderProcess | None = None
        self._is_held = False
        self.is_abandoned = False
        self.facts: AudioFacts | None = None
        """The properties of the file, once it is decoded to its end."""

    def wait(self) -> None:
        """Wait for a decoder; decoding starts with `blocks`.

        Raises:
            Released: the file was abandoned meanwhile.
        """
        if not self._is_held:
            self._process, self._is_held = self._pool.take(self), True

    def abandon(self) -> None:
        """Stop waiting or decoding: the file is no longer wanted. Called by any thread."""
        self.is_abandoned = True
        self._pool.leave(self)
        with self._lock:
            process = self._process
            if process and process.is_busy:
                process.interrupt()

    def close(self) -> None:
        """Free the decoder; it is killed if it has not finished the file."""
        self._pool.leave(self)
        if not self._is_held:
            return
        with self._lock:
            process, self._process, self._is_held = self._process, None, False
        if process and not process.is_reusable:
            process.kill()
            process = None
        self._pool.give_back(process)

    def blocks(
        self,
        file: BinaryIO,
        selection: Selection,
        limits: Limits,
        touch: Callable[[], None],
        allowed_s: AllowedSeconds = unlimited,
    ) -> Iterator[Planes]:
        """Decode a file, once a decoder is free, and free it; arguments as DecoderProcess.blocks.

        If the decoder crashes, hangs or runs out of memory, which may not be the file's fault,
        another one decodes the file from its start, and the samples that were already yielded are
        dropped.

        Raises:
            Released: the file was abandoned.
            UndecodableAudio: as DecoderProcess.blocks, and if the second decoder ends too.
            FileFailure, OSError: as DecoderProcess.blocks.
            DecoderUnavailable: no process can be started.
        """
        self.wait()
        try:
            yield from self._decode(
                lambda process: process.blocks(
                    file, selection, limits, touch, allowed_s=allowed_s, found=self._set_facts
                )
            )
        finally:
            self.close()

    def _decode(self, begin: Callable[[DecoderProcess], Iterator[Planes]]) -> Iterator[Planes]:
        """The blocks of a decoder; if it ends, the rest of those of a second one."""
        yielded = 0
        for is_last in (False, True):
            process = self._process = self._process or self._pool.start()
            process.wait_until_ready()
            try:
                for planes in _after(yielded, begin(process)):
                    yielded += planes.shape[1]
                    yield planes
            except DecoderDied as death:
                self._discard(str(death))
                if self.is_abandoned:
                    raise Released from death
                if is_last:
                    raise UndecodableAudio(
                        f"two decoder processes ended while decoding it; the last one {death}"
                    ) from death
            else:
                return

    def _discard(self, reason: str | None = None) -> None:
        """Kill the process; `reason` is how it ended, if it did by itself."""
        if self._process:
            self._process.kill()
            self._process = None
        if reason and not self.is_abandoned:
            self._pool.observe(DecoderReplaced(reason=reason))

    def _set_facts(self, facts: AudioFacts) -> None:
        self.facts = facts


def _after(yielded: int, blocks: Iterator[Planes]) -> Iterator[Planes]:
    """The blocks without their first `yielded` samples."""
    for planes in blocks:
        rest = planes[:, min(yielded, planes.shape[1]) :]
        yielded -= planes.shape[1] - rest.shape[1]
        if rest.shape[1]:
            yield rest
