"""Local folders as they will lie in S3, looked at before anything is uploaded."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.store import ObjectInfo
from producer.dry_run.sampling import Headers
from producer.sources.filters import Filters
from producer.sources.interface import Found
from producer.sources.s3_prefix import to_ref
from producer.sources.walking import walk

NOWHERE = "s3://not-uploaded/"
"""What addresses begin with while nobody said where files will go."""


@dataclass(frozen=True, kw_only=True)
class UnsentFolder:
    """See Source; the references are those that an upload would give, but for the ETag."""

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files would go to."""
    wanted: Filters

    def after(self, position: str) -> Iterator[Found]:
        """See Source."""
        for file in walk(self.folder, after=position):
            if self.wanted.take(file.name, file.modified):
                uri = self.upload + file.name
                info = ObjectInfo(uri=uri, etag="", size_bytes=file.size_bytes)
                yield Found(file.name, to_ref(info, file.name))


def unsent_folder(text: str, upload: str | None, wanted: Filters) -> UnsentFolder | None:
    """The folder that an argument of `fleet enqueue` names; None when it names none."""
    if not os.path.isdir(text):  # a Path raises where a name is too long for a file's
        return None
    return UnsentFolder(folder=Path(text), upload=upload or NOWHERE, wanted=wanted)


class HeadersHereOrThere:
    """Reads what would be uploaded from where it lies now, and the rest from S3."""

    def __init__(self, store: Headers, folders: Sequence[UnsentFolder]) -> None:
        self._store = store
        self._folders = folders

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""
        for one in self._folders:
            path = one.folder / uri.removeprefix(one.upload)
            if uri.startswith(one.upload) and path.is_file():
                with path.open("rb") as file:
                    file.seek(start)
                    return file.read(length)
        return self._store.open_range(uri, start, length)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        return self._store.list(prefix)
