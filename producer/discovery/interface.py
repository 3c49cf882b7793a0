"""The Source protocol, the items of a source, filters for them, and errors."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from funasr_fleet.contract.audio_suffixes import looks_like_audio
from funasr_fleet.contract.job import AudioRef

UPLOAD_IT = "a local path: enqueue its folder with an upload prefix, s3://bucket/prefix/"


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

    def as_error(self) -> BadSource:
        """The error for this row when `strict` is set."""
        return BadSource(f"{self}; invalid rows are skipped unless strict is set")


@dataclass(frozen=True)
class Ignored:
    """An object or file that is not taken as audio because of its name."""

    suffix: str
    """Its suffix in lower case, or NO_SUFFIX or OTHERS of producer.discovery.ignored."""


Content = AudioRef | BadRow | Ignored
"""The content of a source at one position."""


class Found(NamedTuple):
    """An item of a source. A NamedTuple, because ten million of them are created."""

    position: str
    """Position of the item in its source; pass it to `after` to resume behind the item."""
    item: Content
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


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Filters by name and modification time; by default, everything that looks like audio."""

    suffixes: tuple[str, ...] | None = None
    """Accepted file name suffixes, such as .wav; None accepts those of contract.audio_suffixes."""
    since: float | None = None
    """Only objects and files modified at or after this time, in seconds since the epoch."""

    @property
    def of_listings(self) -> bool:
        """Whether a filter is set that applies only to prefixes and folders."""
        return self.suffixes is not None or self.since is not None

    def is_audio(self, name: str) -> bool:
        """Whether an object with this name counts as audio."""
        if self.suffixes is None:
            return looks_like_audio(name)
        return name.lower().endswith(_dotted(self.suffixes))

    def is_recent(self, modified: float | None) -> bool:
        """Whether this modification time passes the time filter; unknown times pass."""
        return self.since is None or modified is None or modified >= self.since


EVERYTHING = Filters()


@functools.cache
def _dotted(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{suffix.lstrip('.')}".lower() for suffix in suffixes)
