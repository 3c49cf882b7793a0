"""Assigns decoder processes to files, in order; replaces processes that crash or hang.

Files get a decoder in the order in which they reserved one. Otherwise a later file could hold every
decoder, waiting for its samples to be consumed, while the consumer waits for an earlier file.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal

from funasr_fleet.worker.audio.decoder_process import DecoderDied, DecoderProcess
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.errors import UndecodableAudio
from funasr_fleet.worker.events import DecoderReplaced, Observer

if TYPE_CHECKING:
    from funasr_fleet.settings import Settings

SILENCE_S = 30.0
"""A decoder that sends nothing for this long, while its samples are consumed, is considered hung.
It reports once a second while it reads the file."""


class Released(Exception):
    """The samples are no longer wanted."""


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
        self._observe = observe
        self._silence_s = silence_s
        self._changed = threading.Condition()
        self._waiting: deque[Reservation] = deque()
        self._idle = [DecoderProcess(silence_s) for _ in range(processes)]

    @classmethod
    def of(cls, settings: "Settings", threads: int, observe: Observer) -> "DecoderPool":
        """The pool of a child with this many CPU threads."""
        silence_s = min(SILENCE_S, settings.stall_s / 4)  # two in a row are less than a stall
        return cls(decode_processes(settings.decode_processes, threads), observe, silence_s)

    def wait_until_ready(self) -> None:
        """Wait until every process can decode. Raises DecoderUnavailable if one cannot start."""
        for process in self._idle:
            process.wait_until_ready()

    def reserve(self) -> "Reservation":
        """Reserve a decoder for one file; call it in the order in which files are consumed."""
        reservation = Reservation(self)
        with self._changed:
            self._waiting.append(reservation)
        return reservation

    def take(self, reservation: "Reservation") -> DecoderProcess:
        """Wait for a decoder. Raises Released if the reservation is released meanwhile."""
        with self._changed:
            self._changed.wait_for(
                lambda: reservation.is_released or (self._idle and self._waiting[0] is reservation)
            )
            if reservation.is_released:
                raise Released
            self._waiting.popleft()
            self._changed.notify_all()
            return self._idle.pop()

    def give_back(self, process: DecoderProcess) -> None:
        """Return a decoder that has finished a file."""
        with self._changed:
            self._idle.append(process)
            self._changed.notify_all()

    def replace(self, process: DecoderProcess, reason: str | None = None) -> DecoderProcess:
        """Kill a decoder and start another; `reason` is how it ended, if it did by itself."""
        process.kill()
        if reason:
            self._observe(DecoderReplaced(reason=reason))
        return DecoderProcess(self._silence_s)

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
    """The place of one file in the order of decoding."""

    def __init__(self, pool: DecoderPool) -> None:
        self._pool = pool
        self.is_released = False
        self.facts: AudioFacts | None = None
        """The properties of the file, once it is decoded to its end."""

    def close(self) -> None:
        """Give up the place; nothing happens if the file is already being decoded."""
        self.is_released = True
        self._pool.leave(self)

    def blocks(
        self, file: BinaryIO, selection: Selection, limits: Limits, touch: Callable[[], None]
    ) -> Iterator[Planes]:
        """Decode a file, once a decoder is free; arguments as in DecoderProcess.blocks.

        If the decoder crashes or hangs, which may not be the file's fault, another one decodes the
        file from its start, and the samples that were already yielded are dropped.

        Raises:
            Released: the reservation was released before a decoder was free.
            UndecodableAudio: as DecoderProcess.blocks, and if the second decoder ends too.
            FileFailure, OSError: as DecoderProcess.blocks.
            DecoderUnavailable: no process can be started.
        """
        process = self._pool.take(self)
        yielded = 0
        try:
            for is_last in (False, True):
                process.wait_until_ready()
                try:
                    decoded = process.blocks(file, selection, limits, touch, self._set_facts)
                    for planes in _after(yielded, decoded):
                        yielded += planes.shape[1]
                        yield planes
                except DecoderDied as death:
                    process = self._pool.replace(process, str(death))
                    if is_last:
                        raise UndecodableAudio(
                            f"two decoder processes ended while decoding it; the last one {death}"
                        ) from death
                else:
                    return
        finally:  # a file that is no longer wanted leaves its decoder busy
            self._pool.give_back(self._pool.replace(process) if process.is_busy else process)

    def _set_facts(self, facts: AudioFacts) -> None:
        self.facts = facts


def _after(yielded: int, blocks: Iterator[Planes]) -> Iterator[Planes]:
    """The blocks without their first `yielded` samples."""
    for planes in blocks:
        rest = planes[:, min(yielded, planes.shape[1]) :]
        yielded -= planes.shape[1] - rest.shape[1]
        if rest.shape[1]:
            yield rest
