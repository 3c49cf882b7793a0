"""Every audio object below s3://bucket/prefix/."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from pydantic import ValidationError

from contract.job import AudioRef, explain
from contract.layout import key_of, split_uri
from contract.store import ObjectInfo, ObjectStore
from producer.sources.filters import EVERYTHING, Filters
from producer.sources.interface import BadRow, Found
from producer.sources.parallel_listing import ParallelListing


@dataclass(frozen=True)
class S3Prefix:
    """See Source; in order of key, which is the position. Outputs are named by what follows."""

    uri: str
    store: ObjectStore
    wanted: Filters = EVERYTHING

    def after(self, position: str) -> Iterator[Found]:
        """See Source."""
        prefix = self.uri if key_of(self.uri) or self.uri.endswith("/") else f"{self.uri}/"
        folder = prefix.rpartition("/")[0] + "/"
        bucket, _ = split_uri(prefix)
        start = f"s3://{bucket}/{position}" if position else ""
        with closing(ParallelListing(store=self.store).list(prefix, after=start)) as listed:
            for found in listed:
                if self.wanted.take(found.uri, found.modified):
                    relative = found.uri.removeprefix(folder).lstrip("/")
                    yield Found(split_uri(found.uri)[1], to_ref(found, relative))


def to_ref(found: ObjectInfo, relative: str) -> AudioRef | BadRow:
    """A listed object under a name, or why no output can be named like that."""
    try:
        return AudioRef(
            audio=found.uri, relative=relative, etag=found.etag, size_bytes=found.size_bytes
        )
    except ValidationError as error:  # S3 allows keys that no output can be named after
        return BadRow(found.uri, explain(error))
