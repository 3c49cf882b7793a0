"""A source of the audio objects below s3://bucket/prefix/."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from pydantic import ValidationError

from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import key_of, split_uri
from funasr_fleet.producer.discovery.ignored import ignored
from funasr_fleet.producer.discovery.interface import EVERYTHING, BadRow, Filters, Found
from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.storage.base import ObjectInfo, ObjectStore


@dataclass(frozen=True)
class S3Prefix:
    """A Source in key order; the key is the position.

    Outputs are named by the key relative to the folder of the prefix.
    """

    uri: str
    store: ObjectStore
    wanted: Filters = EVERYTHING

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position; see Source.after."""
        prefix = self.uri if key_of(self.uri) or self.uri.endswith("/") else f"{self.uri}/"
        folder = prefix.rpartition("/")[0] + "/"
        bucket, _ = split_uri(prefix)
        start = f"s3://{bucket}/{position}" if position else ""
        with closing(ParallelListing(store=self.store).list(prefix, after=start)) as listed:
            for found in listed:
                if self.wanted.is_recent(found.modified):
                    relative = found.uri.removeprefix(folder).lstrip("/")
                    is_audio = self.wanted.is_audio(found.uri)
                    item = to_ref(found, relative) if is_audio else ignored(found.uri)
                    yield Found(split_uri(found.uri)[1], item)


def to_ref(found: ObjectInfo, relative: str) -> AudioRef | BadRow:
    """A reference to a listed object; an invalid row if `relative` is not a valid output name."""
    try:
        return AudioRef(
            audio=found.uri, relative=relative, etag=found.etag, size_bytes=found.size_bytes
        )
    except ValidationError as error:  # S3 allows keys that are not valid output names
        return BadRow(found.uri, explain(error))
