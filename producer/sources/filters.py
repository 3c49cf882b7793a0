"""Which part of a source is wanted."""

import functools
from dataclasses import dataclass

from producer.sources.interface import looks_like_audio


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What was asked for; by default everything that looks like audio."""

    suffixes: tuple[str, ...] | None = None
    """How names end in a prefix or a folder, such as .wav; None takes AUDIO_SUFFIXES."""
    since: float | None = None
    """Seconds since the epoch: only objects and files written then or later."""

    @property
    def of_listings(self) -> bool:
        """Whether something is asked that only a prefix or a folder can tell."""
        return self.suffixes is not None or self.since is not None

    def take(self, name: str, modified: float | None) -> bool:
        """Whether an object of this name, written then, is wanted; unknown times are."""
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
