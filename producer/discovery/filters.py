"""Filters for the objects of a prefix or the files of a folder."""

import functools
from dataclasses import dataclass

from funasr_fleet.producer.discovery.interface import looks_like_audio


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
