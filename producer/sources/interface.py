"""What a source is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

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

UPLOAD_IT = "a local path: upload the folder with --upload s3://bucket/prefix/"


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


class Found(NamedTuple):
    """What a source yields; ten million of them, hence no dataclass."""

    position: str
    """Where in its source this is: what `after` takes to go on behind it."""
    item: AudioRef | BadRow
    duration_ms: int | None = None
    """Length of the whole audio in ms, if the source tells it: a hint for packing."""


class Source(Protocol):
    """A backlog, or a part of one."""

    def after(self, position: str) -> Iterator[Found]:
        """Everything behind a position, in a stable order, without an index.

        Args:
            position: that of the last one yielded before; "" begins at the beginning.

        Raises:
            BadSource: it cannot be read.
            StoreError: S3 fails.
        """


def looks_like_audio(name: str) -> bool:
    """Whether the name ends like audio does."""
    dot = name.rfind(".")
    return dot >= 0 and name[dot:].lower() in AUDIO_SUFFIXES
