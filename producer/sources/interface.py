"""What a source is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contract.job import AudioRef

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
"""What is taken for audio when a prefix or a folder is listed; a manifest may name anything."""


class BadSource(Exception):
    """A source cannot be read: correct the argument that the message names."""


@dataclass(frozen=True)
class BadRow:
    """Something in a source that is no reference; the rest of the source is not affected."""

    where: str
    """The object, or the manifest and its line."""
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class Source(Protocol):
    """A backlog, or a part of one."""

    def __iter__(self) -> Iterator[AudioRef | BadRow]:
        """Every reference, in a stable order, without an index."""


def looks_like_audio(name: str) -> bool:
    """Whether the name ends like audio does."""
    dot = name.rfind(".")
    return dot >= 0 and name[dot:].lower() in AUDIO_SUFFIXES
