"""Checks what a decoder process sends, since a hostile file may control it."""

from dataclasses import fields
from typing import Any, BinaryIO

import numpy as np

from funasr_fleet.contract.job import MAX_TIME_MS
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.messages import SharedSlots
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.errors import (
    AudioTooLong,
    AudioTooShort,
    FileFailure,
    UndecodableAudio,
)
from funasr_fleet.worker.text.spans import SAMPLE_RATE

_LARGEST = 1 << 62
_FACTS = {one.name: one.type for one in fields(AudioFacts)}
_FAILURES: dict[str, type[FileFailure]] = {
    one.__name__: one for one in (UndecodableAudio, AudioTooShort, AudioTooLong)
}


class InvalidMessage(Exception):
    """The decoder process sent something that no intact one sends."""


class CheckedBlocks:
    """Reads the blocks of one file from shared memory."""

    def __init__(self, slots: SharedSlots, selection: Selection, limits: Limits) -> None:
        self._slots, self._selection, self._limits = slots, selection, limits
        self._channels: int | None = None if selection.split else 1
        self._samples = 0

    @property
    def seconds(self) -> float:
        """Duration of the blocks so far, in s."""
        return self._samples / SAMPLE_RATE

    def read(self, numbers: Any) -> tuple[int, Planes]:
        """Copy a block out of its slot.

        Returns:
            The slot, and the samples of shape (channels, samples).

        Raises:
            InvalidMessage: the block is empty or out of range, or a sample is not finite.
            AudioTooLong: the blocks so far exceed the limits.
        """
        slot, channels, samples = _naturals(numbers, 3)
        if not samples:
            raise InvalidMessage("sent a block without samples")
        if channels != (self._channels or channels) or channels > self._limits.channels:
            raise InvalidMessage("sent a block with another number of channels")
        try:
            planes = self._slots.read(slot, channels, samples)
        except ValueError as error:
            raise InvalidMessage(f"sent an invalid block: {error}") from error
        if not np.isfinite(planes).all():
            raise InvalidMessage("sent samples that are not numbers")
        self._channels, self._samples = channels, self._samples + samples
        self._limits.check_decoded(self._samples, channels)
        return slot, planes


def facts_from(document: Any) -> AudioFacts:
    """The properties of a file. Raises InvalidMessage."""
    is_valid = isinstance(document, dict) and document.keys() == _FACTS.keys()
    if not is_valid or not all(_is_fact(name, value) for name, value in document.items()):
        raise InvalidMessage("sent invalid properties of the file")
    return AudioFacts(**document)


def _is_fact(name: str, value: Any) -> bool:
    """Whether a property has its type; numbers have the range of times in results."""
    if value is None:
        return name == "track"
    if _FACTS[name] is bool:
        return isinstance(value, bool)
    return type(value) is int and 0 <= value <= MAX_TIME_MS


def raise_failure(message: dict[str, Any], file: BinaryIO) -> None:
    """Raise the error that ended a file, if the message reports one.

    Raises:
        FileFailure: as the decoder raised it.
        OSError: the disk failed.
        InvalidMessage: the process ran out of memory, or reported a fault that does not exist.
    """
    if "exhausted" in message:
        raise InvalidMessage("took more memory than a decoder process may use")
    if "disk_error" in message:
        file.seek(0)
        while file.read(1 << 20):  # raises the OSError of a failing disk
            pass
        raise InvalidMessage("reported a disk error that does not occur")
    if "failed" in message:
        kind, text = strings_from(message["failed"])
        raise _FAILURES.get(kind, UndecodableAudio)(text)


def strings_from(values: Any) -> tuple[str, str]:
    """Two strings. Raises InvalidMessage."""
    match values:
        case [str() as first, str() as second]:
            return first, second
    raise InvalidMessage("sent an invalid error")


def _naturals(values: Any, count: int) -> list[int]:
    """So many whole numbers from 0 on. Raises InvalidMessage."""
    is_list = isinstance(values, list) and len(values) == count
    if not is_list or not all(type(one) is int and 0 <= one < _LARGEST for one in values):
        raise InvalidMessage("sent invalid numbers")
    return list(values)
