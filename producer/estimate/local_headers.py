"""Read local folders as if they were uploaded to S3 already, without uploading anything."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from funasr_fleet.producer.discovery.folder import walk
from funasr_fleet.producer.discovery.interface import Filters, Found
from funasr_fleet.producer.discovery.s3_prefix import to_ref
from funasr_fleet.producer.estimate.ranges import Headers
from funasr_fleet.storage.base import ObjectInfo

_PLACEHOLDER_PREFIX = "s3://not-uploaded/"
"""Prefix of the addresses when no upload prefix is given."""


@dataclass(frozen=True, kw_only=True)
class LocalFolderPreview:
    """A Source; its references equal those after an upload, except for the ETag."""

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files would be uploaded to."""
    wanted: Filters

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position; see Source.after."""
        for file in walk(self.folder, after=position):
            if self.wanted.take(file.name, file.modified):
                uri = self.upload + file.name
                info = ObjectInfo(uri=uri, etag="", size_bytes=file.size_bytes)
                yield Found(file.name, to_ref(info, file.name))


def preview_folder(text: str, upload: str | None, wanted: Filters) -> LocalFolderPreview | None:
    """The folder that an argument of `fleet enqueue` names; None for other sources."""
    if not os.path.isdir(text):  # Path.is_dir raises if a name is too long
        return None
    return LocalFolderPreview(
        folder=Path(text), upload=upload or _PLACEHOLDER_PREFIX, wanted=wanted
    )


class LocalOrStoredHeaders:
    """Reads headers of files in the local folders from disk, and all others from S3."""

    def __init__(self, store: Headers, folders: Sequence[LocalFolderPreview]) -> None:
        self._store = store
        self._folders = folders

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """Read a byte range; see ObjectStore.open_range."""
        for one in self._folders:
            path = one.folder / uri.removeprefix(one.upload)
            if uri.startswith(one.upload) and path.is_file():
                with path.open("rb") as file:
                    file.seek(start)
                    return file.read(length)
        return self._store.open_range(uri, start, length)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; see ObjectStore.list."""
        return self._store.list(prefix)
