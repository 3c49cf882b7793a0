"""Every audio object below s3://bucket/prefix/."""

from collections.abc import Iterator
from dataclasses import dataclass

from contract.job import AudioRef
from contract.store import ObjectStore
from producer.sources.interface import looks_like_audio


@dataclass(frozen=True)
class S3Prefix:
    """See Source; outputs are named by what follows the prefix."""

    uri: str
    store: ObjectStore

    def __iter__(self) -> Iterator[AudioRef]:
        folder = self.uri.rpartition("/")[0] + "/"
        for found in self.store.list(self.uri):
            if looks_like_audio(found.uri):
                yield AudioRef(
                    audio=found.uri,
                    relative=found.uri.removeprefix(folder),
                    etag=found.etag,
                    size_bytes=found.size_bytes,
                )
