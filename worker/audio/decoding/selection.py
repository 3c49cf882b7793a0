"""Decoded pieces -> the requested time range and channels, in blocks of equal size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funasr_fleet.worker.audio.decoding.declared_duration import MIN_SAMPLES
from funasr_fleet.worker.audio.decoding.mixing import choose_channel
from funasr_fleet.worker.audio.decoding.resampling import AudioPiece, Planes
from funasr_fleet.worker.errors import AudioTooShort, FileFailure, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS

if TYPE_CHECKING:
    from funasr_fleet.contract.job import AudioRef, Options
    from funasr_fleet.contract.transcript import WarningKind

_MAX_MS = 1 << 42
"""contract.job.MAX_TIME_MS, which a decoder process does not import."""
_CANCELLED_SHARE = 0.05
"""Share of the audio from which on users are told that the channels cancel."""


@dataclass(frozen=True, kw_only=True)
class AudioFacts:
    """Properties of a file that was decoded to its end."""

    channels: int
    source_rate: int
    """Samples per second in the file, in Hz."""
    duration_ms: int
    lost_ms: int = 0
    """Audio within the requested range that could not be decoded, or that is missing, in ms."""
    repaired: int = 0
    """Places within the requested range where damaged audio was skipped or replaced by silence."""
    truncated_ms: int = 0
    """Audio within the requested range that the file declares, but does not contain, in ms."""
    track: int | None = None
    """The audio track that was decoded, if the file has several, counted from 0."""
    is_track_requested: bool = False
    """Whether the request named that track."""
    filled_ms: int = 0
    """Silence within the requested range where the recording paused or began late, in ms."""
    gap_closed: bool = False
    """Whether a gap in the timestamps within the requested range was too long to be filled."""
    format_changed: bool = False
    """Whether the sample format, rate or channel layout changes within the file."""
    cancelled: bool = False
    """Whether the channels cancel in much of the range; the loudest one was taken there."""

    @property
    def warnings(self) -> "tuple[WarningKind, ...]":
        """What users are told about the audio of a result."""
        signs: dict[WarningKind, bool] = {
            "audio_damaged": self.repaired > 0,
            "audio_truncated": self.truncated_ms > 0,
            "audio_gaps_filled": self.filled_ms > 0 or self.gap_closed,
            "several_audio_tracks": self.track is not None and not self.is_track_requested,
            "format_changed": self.format_changed,
            "channels_cancel": self.cancelled,
        }
        return tuple(kind for kind, is_so in signs.items() if is_so)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The time range, the channels and the audio track of a file that are transcribed."""

    start_ms: int = 0
    end_ms: int | None = None
    """None for the end of the file."""
    channel: int | None = None
    """None for the mix of all channels, or for all of them if `split`."""
    split: bool = False
    """Whether every channel gets its own transcript."""
    track: int | None = None
    """The audio track, counted from 0; None for the one that tracks.choose_track finds."""

    @classmethod
    def of(cls, ref: "AudioRef", options: "Options") -> "Selection":
        """The selection of a file with these options."""
        return cls(
            start_ms=ref.start_ms or 0,
            end_ms=ref.end_ms,
            channel=ref.channel,
            split=ref.channel is None and options.channels == "split",
            track=options.audio_track,
        )

    def channels(self, count: int) -> list[int | None]:
        """The channels to transcribe, of `count` decoded ones; None is the mix."""
        return list(range(count)) if self.split else [self.channel]


class AudioRange:
    """Cuts the requested range and channels out of a file while it is decoded."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._first: AudioPiece | None = None
        self._samples = self._selected = 0
        self._lost = self._truncated = self._filled = 0
        self._missing = 0
        """Lost samples after the last one that was decoded, whether or not in the range."""
        self._repaired = 0
        self._is_in_damage = False
        self._cancelled = 0
        self._format_changed = False
        self._gap_closed = False
        self._whole = False

    @property
    def facts(self) -> AudioFacts | None:
        """The properties of the file; None until it is decoded to its end."""
        if self._first is None or not self._whole:
            return None
        return AudioFacts(
            channels=len(self._first.planes),
            source_rate=self._first.source_rate,
            duration_ms=self._samples // SAMPLES_PER_MS,
            lost_ms=_ms(self._lost),
            repaired=self._repaired,
            truncated_ms=_ms(self._truncated),
            track=self._first.track,
            is_track_requested=self._selection.track is not None,
            filled_ms=_ms(self._filled),
            gap_closed=self._gap_closed,
            format_changed=self._format_changed,
            cancelled=self._cancelled > _CANCELLED_SHARE * self._selected,
        )

    def select(self, pieces: Iterable[AudioPiece]) -> Iterator[Planes]:
        """The requested samples of each piece, of shape (channels, samples); maybe none.

        Raises:
            AudioTooShort: less than 25 ms of audio lie in the requested range.
            UndecodableAudio: the requested channel does not exist, or the audio of the range is
                lost: the file is truncated or damaged before it.
        """
        return map(self._choose, self._cut(pieces))

    def _cut(self, pieces: Iterable[AudioPiece]) -> Iterator[Planes]:
        start = self._selection.start_ms * SAMPLES_PER_MS
        end_ms = self._selection.end_ms
        end = None if end_ms is None else end_ms * SAMPLES_PER_MS
        self._selected = 0
        for piece in pieces:
            self._first = self._first or piece
            at, size = self._samples, piece.planes.shape[1]
            self._samples += size
            self._format_changed |= piece.is_new_format
            self._note_loss(piece, at, start, end)
            self._gap_closed |= piece.is_gap_closed and start <= at and (end is None or at < end)
            self._filled += _overlap(at, at + piece.filled, start, end)
            stop = None if end is None else max(0, end - at)
            in_range = piece.planes[:, max(0, start - at) : stop]
            self._selected += in_range.shape[1]
            yield in_range
        self._whole = True
        if self._selected < MIN_SAMPLES:
            raise self._no_audio_in(start, end)

    def _note_loss(self, piece: AudioPiece, at: int, start: int, end: int | None) -> None:
        """Count the lost samples in the range; losses in consecutive pieces are one place."""
        if piece.planes.shape[1]:
            self._missing = 0
        at += self._missing
        lost = _overlap(at, at + piece.lost, start, end)
        self._missing += max(0, piece.lost - piece.planes.shape[1])
        is_damage = lost > 0 and not piece.is_truncated
        self._repaired += is_damage and not self._is_in_damage
        self._is_in_damage = is_damage
        self._lost += lost
        self._truncated += lost if piece.is_truncated else 0

    def _no_audio_in(self, start: int, end: int | None) -> FileFailure:
        """The failure of a range with less than 25 ms of audio: it is lost, or never existed."""
        begin_ms, until_ms = start // SAMPLES_PER_MS, self._samples // SAMPLES_PER_MS
        ends = self._samples + self._missing
        if self._selected + _overlap(self._samples, ends, start, end) >= MIN_SAMPLES:
            how = "truncated" if self._truncated else "damaged"
            return UndecodableAudio(
                f"the audio of the range from {begin_ms} ms is missing: the file is {how} at "
                f"{until_ms} ms, {_ms(self._missing)} ms before the end of the recording"
            )
        return AudioTooShort(
            f"less than {MIN_SAMPLES // SAMPLES_PER_MS} ms of audio in the range from "
            f"{begin_ms} ms: the audio ends at {ends // SAMPLES_PER_MS} ms"
        )

    def _choose(self, planes: Planes) -> Planes:
        if self._selection.split:
            return planes
        mono = choose_channel(planes, self._selection.channel)
        self._cancelled += len(mono.samples) if mono.cancelled else 0
        return mono.samples[None]


def _overlap(at: int, until: int, start: int, end: int | None) -> int:
    """Length of the overlap of [at, until) and [start, end); None for end means unbounded."""
    return max(0, (until if end is None else min(until, end)) - max(at, start))


def _ms(samples: int) -> int:
    """Duration in ms, rounded up: no loss is too short to be reported. A header may declare any."""
    return min(-(-samples // SAMPLES_PER_MS), _MAX_MS)


def in_blocks(pieces: Iterable[Planes], size: int) -> Iterator[Planes]:
    """Regroup samples into blocks of `size` samples; the last one may be shorter."""
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
