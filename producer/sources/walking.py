"""The files of a local folder in the order in which S3 would list their names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producer.sources.interface import BadSource


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file as it was found."""

    path: Path
    name: str
    """Below the folder, with slashes between its parts."""
    size_bytes: int
    modified: float
    """Seconds since the epoch."""


def walk(folder: Path, *, after: str = "", below: str = "") -> Iterator[LocalFile]:
    """Every file below a folder, in order of name; links to folders are not followed.

    The names of one folder at a time are held in memory, and of those above it.

    Args:
        folder: where to begin.
        after: only files whose name lies behind this one.
        below: what the names begin with, "" or ending with a slash.

    Raises:
        BadSource: a folder cannot be read.
    """
    for name in _level(folder):
        full = below + name
        if name.endswith("/"):
            if full > after or after.startswith(full):
                yield from walk(folder / name, after=after, below=full)
        elif full > after:
            yield from _file(folder / name, full)


def _level(folder: Path) -> list[str]:
    """The names in a folder; those of folders end with a slash, by which S3 sorts them."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in entries
            )
    except OSError as error:
        raise BadSource(f"{folder} cannot be read: {error.strerror}") from None


def _file(path: Path, name: str) -> Iterator[LocalFile]:
    try:
        known = path.stat()
    except OSError:  # gone since, or a link to nowhere
        return
    if path.is_file():
        yield LocalFile(path=path, name=name, size_bytes=known.st_size, modified=known.st_mtime)
