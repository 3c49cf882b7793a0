"""Walk the files of a local folder in S3 key order."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from funasr_fleet.producer.discovery.interface import BadSource


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file below the folder."""

    path: Path
    name: str
    """Path relative to the folder, separated by slashes."""
    size_bytes: int
    modified: float
    """Seconds since the epoch."""


def walk(folder: Path, *, after: str = "", below: str = "") -> Iterator[LocalFile]:
    """Every file below a folder, in order of name; links to folders are not followed.

    Memory holds the names of the current folder and of the folders above it.

    Args:
        folder: the folder to walk.
        after: only files whose names sort after this one.
        below: prefix of the names: "", or a path that ends with a slash.

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
    """The sorted names in a folder; names of folders end with a slash, so they sort as in S3."""
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
    except OSError:  # deleted meanwhile, or a broken link
        return
    if path.is_file():
        yield LocalFile(path=path, name=name, size_bytes=known.st_size, modified=known.st_mtime)
