"""A local folder: every audio file below it is uploaded, then referred to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.job import AudioRef
from contract.store import ObjectStore
from producer.sources.interface import BadRow, looks_like_audio
from producer.sources.s3_prefix import S3Prefix


@dataclass(frozen=True)
class LocalFolder:
    """See Source; a file that lies in S3 already with the same size is not sent again."""

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files go to."""
    store: ObjectStore

    def __iter__(self) -> Iterator[AudioRef | BadRow]:
        there = {found.uri: found.size_bytes for found in self.store.list(self.upload)}
        for path in self._files():
            uri = self.upload + path.relative_to(self.folder).as_posix()
            if there.get(uri) != path.stat().st_size:
                with path.open("rb") as file:
                    self.store.upload(uri, file)
        names = {path.relative_to(self.folder).as_posix() for path in self._files()}
        for ref in S3Prefix(self.upload, self.store):
            if isinstance(ref, BadRow) or ref.relative in names:
                yield ref

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and looks_like_audio(path.name):
                yield path
