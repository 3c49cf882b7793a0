"""Every audio object below s3://bucket/prefix/."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from contract.job import AudioRef, explain
from contract.layout import key_of
from contract.store import ObjectInfo, ObjectStore
from producer.sources.interface import BadRow, looks_like_audio


@dataclass(frozen=True)
class S3Prefix:
    """See Source; outputs are named by what follows the prefix."""

    uri: str
    store: ObjectStore

    def __iter__(self) -> Iterator[AudioRef | BadRow]:
        prefix = self.uri if key_of(self.uri) or self.uri.endswith("/") else f"{self.uri}/"
        folder = prefix.rpartition("/")[0] + "/"
        for found in self.store.list(prefix):
            if looks_like_audio(found.uri):
                yield _to_ref(found, found.uri.removeprefix(folder).lstrip("/"))


def _to_ref(found: ObjectInfo, relative: str) -> AudioRef | BadRow:
    try:
        return AudioRef(
            audio=found.uri, relative=relative, etag=found.etag, size_bytes=found.size_bytes
        )
    except ValidationError as error:  # S3 allows keys that no output can be named after
        return BadRow(found.uri, explain(error))
