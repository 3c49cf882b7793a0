"""The Source protocol, the items of a source, filters for them, and errors."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from funasr_fleet.contract.job import AudioRef

AUDIO_SUFFIXES = frozenset(
    {
        ".aac",
        ".aif",
        ".aiff",
        ".amr",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".oga",
        ".ogg",
        ".opus",
        ".wav",
        ".webm",
        ".wma",
    }
)
"""Suffixes that count as audio when a prefix or a folder is listed; manifests may name any file."""

UPLOAD_IT = "a local path: upload the folder with --upload s3://bucket/prefix/"


Line = tuple[int, bytes | None]
"""A line of a manifest: (number starting at 1, content); None for content that is too long."""


class BadSource(Exception):
    """A source cannot be read: correct the argument named in the message."""


@dataclass(frozen=True)
class BadRow:
    """An item of a source that is not a valid reference; the other items are not affected."""

    where: str
    """The object or file, or the manifest and the line."""
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class Found(NamedTuple):
    """An item of a source. A NamedTuple, because ten million of them are created."""

    position: str
    """Position of the item in its source; pass it to `after` to resume behind the item."""
    item: AudioRef | BadRow
    duration_ms: int | None = None
    """Duration of the whole audio in ms, if the source gives it; a hint for packing."""


class Source(Protocol):
    """A stream of references that can be resumed at a position."""

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position, in a stable order; references have no index yet.

        Args:
            position: position of the last item yielded before; "" starts at the beginning.

        Raises:
            BadSource: the source cannot be read.
            StoreError: an S3 request failed.
        """


def looks_like_audio(name: str) -> bool:
    """Whether the name ends with one of AUDIO_SUFFIXES, ignoring case."""
    dot = name.rfind(".")
    return dot >= 0 and name[dot:].lower() in AUDIO_SUFFIXES


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Filters by name and modification time; by default, everything that looks like audio."""

    suffixes: tuple[str, ...] | None = None
    """Accepted file name suffixes, such as .wav; None accepts AUDIO_SUFFIXES."""
    since: float | None = None
    """Only objects and files modified at or after this time, in seconds since the epoch."""

    @property
    def of_listings(self) -> bool:
        """Whether a filter is set that applies only to prefixes and folders."""
        return self.suffixes is not None or self.since is not None

    def take(self, name: str, modified: float | None) -> bool:
        """Whether an object with this name and modification time passes; unknown times pass."""
        named = (
            looks_like_audio(name)
            if self.suffixes is None
            else name.lower().endswith(_dotted(self.suffixes))
        )
        return named and (self.since is None or modified is None or modified >= self.since)


EVERYTHING = Filters()


@functools.cache
def _dotted(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{suffix.lstrip('.')}".lower() for suffix in suffixes)
