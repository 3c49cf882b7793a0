"""A local folder: every audio file below it is uploaded and referenced in S3."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from funasr_fleet.contract.layout import names_jobs_folder, split_uri
from funasr_fleet.producer.discovery.ignored import ignored
from funasr_fleet.producer.discovery.interface import (
    EVERYTHING,
    BadRow,
    BadSource,
    Filters,
    Found,
    Ignored,
)
from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.producer.discovery.s3_prefix import to_ref
from funasr_fleet.storage.base import ObjectInfo, ObjectStore
from funasr_fleet.storage.map_ahead import map_ahead

_MAX_KEY_BYTES = 1024
"""Limit of S3."""


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file that `walk` found, with the metadata that filters and uploads need."""

    path: Path
    name: str
    """Path relative to the folder, separated by slashes."""
    size_bytes: int
    modified: float
    """Seconds since the epoch."""
    mode: int
    """Type and permissions, as in os.stat_result; of the link itself if it is a link."""
    identity: tuple[int, int]
    """Device and inode."""


def walk(folder: Path, *, after: str = "", below: str = "") -> Iterator[LocalFile]:
    """Every file below a folder, in order of name; links are not followed.

    A folder whose path is longer than a key may be is yielded instead of its files.

    Memory holds the names of the current folder and of the folders above it.

    Args:
        folder: the folder to walk.
        after: only files whose names sort after this one.
        below: prefix of the names: "", or a path that ends with a slash.

    Raises:
        BadSource: a folder cannot be read.
    """
    levels = [(folder, below, iter(_level(folder)))]  # not recursive: folders may be nested deeply
    while levels:
        place, prefix, names = levels[-1]
        name = next(names, None)
        if name is None:
            levels.pop()
            continue
        full = prefix + name
        if not name.endswith("/") or _key_bytes(full) > _MAX_KEY_BYTES:
            if full > after:
                yield from _file(place / name, full)
        elif full > after or after.startswith(full):
            levels.append((place / name, full, iter(_level(place / name))))


def _key_bytes(key: str) -> int:
    return len(key.encode(errors="surrogatepass"))


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
        known = path.lstat()
    except OSError:  # deleted meanwhile
        return
    yield LocalFile(
        path=path,
        name=name,
        size_bytes=known.st_size,
        modified=known.st_mtime,
        mode=known.st_mode,
        identity=(known.st_dev, known.st_ino),
    )


def unusable(file: LocalFile, wanted: Filters) -> Ignored | BadRow | None:
    """The item of a file that is not uploaded, or None."""
    if stat.S_ISDIR(file.mode):
        return BadRow(str(file.path), f"its path has more than {_MAX_KEY_BYTES} bytes")
    if stat.S_ISLNK(file.mode):
        return BadRow(str(file.path), "is a symbolic link, which is not followed")
    if not wanted.is_audio(file.name):
        return ignored(file.name)
    if not stat.S_ISREG(file.mode):
        return BadRow(str(file.path), "is not a regular file")
    if names_jobs_folder(file.name):  # its upload could replace a document of a job
        return BadRow(str(file.path), "its name contains the path component _jobs")
    return None


def open_below(folder: Path, name: str, identity: tuple[int, int] | None = None) -> BinaryIO:
    """Open a regular file below a folder for reading; no component of its name may be a link.

    Args:
        folder: the folder; may be a link.
        name: path relative to the folder, separated by slashes.
        identity: device and inode that the file must have; None for any.

    Raises:
        OSError: it does not exist, is not a regular file, is a link or below one, or is another
            file.
    """
    *folders, last = name.split("/")
    if {"", ".", ".."} & {*folders, last}:
        raise OSError("is not below the folder")
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            os.close(place)
            place = inner
        return _open_regular(last, place, identity)
    finally:
        os.close(place)


def _open_regular(name: str, place: int, identity: tuple[int, int] | None) -> BinaryIO:
    if not stat.S_ISREG(os.lstat(name, dir_fd=place).st_mode):  # opening a device can change it
        raise OSError("is not a regular file")
    # another process may replace the file now: a FIFO must not block, and the result is checked
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    found = os.fstat(opened)
    if not stat.S_ISREG(found.st_mode) or identity not in (None, (found.st_dev, found.st_ino)):
        os.close(opened)
        raise OSError("was replaced by another file after it was listed")
    return os.fdopen(opened, "rb")


_UPLOADS = 4
"""Parallel uploads."""
_AHEAD = 16
"""Files uploaded ahead of the consumer."""


@dataclass(frozen=True)
class LocalFolder:
    """A Source. Files come in order of name, and the name is the position.

    A file that already exists in S3 with the same size is not uploaded again.
    """

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files are uploaded to."""
    store: ObjectStore
    wanted: Filters = EVERYTHING

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position; see Source.after."""
        files = self._with_existing_objects(position)
        return map_ahead(lambda pair: self._send(*pair), files, threads=_UPLOADS, ahead=_AHEAD)

    def _with_existing_objects(
        self, position: str
    ) -> Iterator[tuple[LocalFile, ObjectInfo | None]]:
        """The files that pass the time filter, each with the S3 object of its name.

        Merges two sequences in key order.
        """
        # names that are not UTF-8 are not uploaded; starting the listing at a slightly different
        # key only uploads some files again
        start = self.upload + position.encode(errors="ignore").decode() if position else ""
        with closing(ParallelListing(store=self.store).list(self.upload, after=start)) as listed:
            existing = next(listed, None)
            for file in walk(self.folder, after=position):
                if self.wanted.is_recent(file.modified):
                    uri = self.upload + file.name
                    while existing is not None and existing.uri < uri:
                        existing = next(listed, None)
                    yield file, existing if existing is not None and existing.uri == uri else None

    def _send(self, file: LocalFile, existing: ObjectInfo | None) -> Found:
        if other := unusable(file, self.wanted):
            return Found(file.name, other)
        _, key = split_uri(self.upload + file.name)
        if _key_bytes(key) > _MAX_KEY_BYTES:
            why = f"its key below {self.upload} would have more than {_MAX_KEY_BYTES} bytes"
            return Found(file.name, BadRow(str(file.path), why))
        if existing is None or existing.size_bytes != file.size_bytes:
            try:
                existing = self._upload(file)
            except (OSError, UnicodeEncodeError) as error:
                return Found(file.name, BadRow(str(file.path), f"cannot be uploaded: {error}"))
        return Found(file.name, to_ref(existing, file.name))

    def _upload(self, file: LocalFile) -> ObjectInfo:
        uri = self.upload + file.name
        with open_below(self.folder, file.name, file.identity) as content:
            self.store.upload(uri, content)
        found = next(iter(self.store.list(uri)), None)  # the exact key sorts before longer ones
        if found is None or found.uri != uri:
            raise OSError("it was deleted from S3 after its upload")
        return found
