"""A local folder: every audio file below it is uploaded and referenced in S3."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from funasr_fleet.contract.layout import names_jobs_folder
from funasr_fleet.producer.discovery.ignored import ignored
from funasr_fleet.producer.discovery.interface import EVERYTHING, BadRow, BadSource, Filters, Found
from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.producer.discovery.s3_prefix import to_ref
from funasr_fleet.storage.base import ObjectInfo, ObjectStore
from funasr_fleet.storage.map_ahead import map_ahead


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file that `walk` found, with the metadata that filters and uploads need."""

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


def reserved_name(file: LocalFile) -> BadRow | None:
    """An invalid row if the upload of the file could replace a document of a job, else None."""
    if names_jobs_folder(file.name):
        return BadRow(str(file.path), "its name contains the path component _jobs")
    return None


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
        if not self.wanted.is_audio(file.name):
            return Found(file.name, ignored(file.name))
        if refused := reserved_name(file):
            return Found(file.name, refused)
        if existing is None or existing.size_bytes != file.size_bytes:
            try:
                existing = self._upload(file)
            except (OSError, UnicodeEncodeError) as error:
                return Found(file.name, BadRow(str(file.path), f"cannot be uploaded: {error}"))
        return Found(file.name, to_ref(existing, file.name))

    def _upload(self, file: LocalFile) -> ObjectInfo:
        uri = self.upload + file.name
        with file.path.open("rb") as content:
            self.store.upload(uri, content)
        return next(iter(self.store.list(uri)))  # the exact key sorts before longer ones
