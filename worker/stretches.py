"""Decoded pieces -> the stretch and the channels that a reference asks for, in even blocks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from contract.job import AudioRef, Options
from worker.audio_length import MIN_SAMPLES
from worker.decoding import Piece, Planes, choose_channel
from worker.failures import AudioTooShort
from worker.planning.spans import SAMPLES_PER_MS


@dataclass(frozen=True, kw_only=True)
class AudioFacts:
    """What is known of a file once all of it was decoded."""

    channels: int
    source_rate: int
    """Samples per second in the file, in Hz."""
    duration_ms: int
    lost_ms: int = 0
    """How much of what is asked for could not be decoded."""


def is_split(ref: AudioRef, options: Options) -> bool:
    """Whether every channel gets a transcript of its own."""
    return ref.channel is None and options.channels == "split"


def channels_of(count: int, ref: AudioRef, options: Options) -> list[int | None]:
    """Which of so many channels are transcribed, each by itself; None is the mix."""
    return list(range(count)) if is_split(ref, options) else [ref.channel]


class Stretch:
    """What a reference asks for, cut out of a file while it is decoded."""

    def __init__(self, ref: AudioRef, options: Options) -> None:
        self._ref, self._options = ref, options
        self._first: Piece | None = None
        self._samples = 0
        self._lost = 0
        self._whole = False

    @property
    def facts(self) -> AudioFacts | None:
        """What is known of the file; None until all of it was decoded."""
        if self._first is None or not self._whole:
            return None
        return AudioFacts(
            channels=len(self._first.planes),
            source_rate=self._first.source_rate,
            duration_ms=self._samples // SAMPLES_PER_MS,
            lost_ms=round(self._lost / SAMPLES_PER_MS),
        )

    def blocks(self, pieces: Iterable[Piece], size: int) -> Iterator[Planes]:
        """The samples asked for, shape (channels asked for, size); the last may be shorter.

        Raises:
            AudioTooShort: when start_ms lies behind the end of the audio, or nearly so.
            UndecodableAudio: when there is no such channel.
        """
        return map(self._choose, in_blocks(self._cut(pieces), size))

    def _cut(self, pieces: Iterable[Piece]) -> Iterator[Planes]:
        start = (self._ref.start_ms or 0) * SAMPLES_PER_MS
        end = None if self._ref.end_ms is None else self._ref.end_ms * SAMPLES_PER_MS
        heard = 0
        for piece in pieces:
            self._first = self._first or piece
            at, self._samples = self._samples, self._samples + piece.planes.shape[1]
            self._lost += _overlap(at, at + piece.lost, start, end)
            stop = None if end is None else max(0, end - at)
            wanted = piece.planes[:, max(0, start - at) : stop]
            heard += wanted.shape[1]
            yield wanted
        self._whole = True
        if heard < MIN_SAMPLES:
            raise AudioTooShort(
                f"nothing to hear from {start // SAMPLES_PER_MS} ms on: "
                f"the audio ends at {self._samples // SAMPLES_PER_MS} ms"
            )

    def _choose(self, planes: Planes) -> Planes:
        if is_split(self._ref, self._options):
            return planes
        return choose_channel(planes, self._ref.channel)[None]


def _overlap(at: int, until: int, start: int, end: int | None) -> int:
    """How much of [at, until) lies in [start, end); without an end in all from start on."""
    return max(0, (until if end is None else min(until, end)) - max(at, start))


def in_blocks(pieces: Iterable[Planes], size: int) -> Iterator[Planes]:
    """The same samples in blocks of this many, but for the last one, which may be shorter."""
    waiting: list[Planes] = []
    count = 0
    for piece in pieces:
        rest = piece
        while count + rest.shape[1] >= size:
            part, rest = rest[:, : size - count], rest[:, size - count :]
            yield np.concatenate([*waiting, part], axis=1)
            waiting, count = [], 0
        if rest.shape[1]:
            waiting.append(rest)
            count += rest.shape[1]
    if count:
        yield np.concatenate(waiting, axis=1)
