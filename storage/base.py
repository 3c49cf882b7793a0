"""The ObjectStore protocol, its errors, and an in-memory implementation."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from funasr_fleet.contract.layout import split_uri


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """Metadata of an object, from a listing, a HEAD request or a download."""

    uri: str
    etag: str
    size_bytes: int
    modified: float | None = field(default=None, compare=False)
    """When it was last written, in seconds since the epoch; None after a download."""


@dataclass(frozen=True)
class Folder:
    """A folder (common prefix) in the listing of one level."""

    uri: str
    """Ends with a slash."""


class StoreError(Exception):
    """An operation of object storage failed."""


class ObjectMissing(StoreError):
    """The object does not exist: check the address, or whether it was deleted since listing."""


class BucketMissing(ObjectMissing):
    """The bucket does not exist: check its name and region, or create it."""


class ObjectDenied(StoreError):
    """Storage denied access: grant these credentials the permission, or use others."""


class ObjectTooLarge(StoreError):
    """The object exceeds the caller's size limit: raise FLEET_MAX_BYTES, or split the file."""


class CredentialsRefused(StoreError):
    """Storage rejected the credentials: check AWS_ACCESS_KEY_ID and the secret."""


class StoreUnavailable(StoreError):
    """Storage cannot be reached or is failing: check AWS_ENDPOINT_URL_S3; try again later."""


class ObjectIncomplete(StoreUnavailable):
    """Storage delivered other bytes than listed: look for a proxy or cache that truncates."""


def check_size(uri: str, size_bytes: int, limit_bytes: int | None) -> None:
    """Check the announced or downloaded size against the limit.

    Raises:
        ObjectTooLarge: naming size and limit.
    """
    if limit_bytes is not None and size_bytes > limit_bytes:
        raise ObjectTooLarge(
            f"{uri} has {size_bytes} bytes or more, FLEET_MAX_BYTES allows {limit_bytes}"
        )


class ObjectStore(Protocol):
    """Access to objects by s3:// address. Every method raises StoreErrors only."""

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of an object, without its content.

        The response to a HEAD request has no body, so S3 cannot give a reason for an error: a
        missing bucket may raise ObjectMissing, and rejected credentials ObjectDenied.
        """

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write an object's content into a file, and rewind the file.

        Args:
            uri: address of the object.
            into: an empty file.
            limit_bytes: for a larger object, ObjectTooLarge is raised early, whatever size storage
                announces.
        """

    def read(self, uri: str) -> bytes:
        """The content of a small object."""

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """A byte range of an object: shorter at the object's end, empty beyond it."""

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        """Create or replace an object atomically: readers see the old or the new one.

        Returns:
            The ETag of the written object, as listings show it.
        """

    def upload(self, uri: str, file: BinaryIO) -> None:
        """Create or replace an object from a file of any size."""

    def delete(self, uri: str) -> None:
        """Delete an object; a missing object is not an error."""

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Every object below an s3:// prefix, in key order.

        Args:
            prefix: s3://bucket/ and the beginning of a key.
            after: only objects after this address are returned; it need not exist.
        """

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """Objects and folders directly below an s3:// prefix, in key order; the delimiter is '/'.

        Args:
            prefix: s3://bucket/ and the beginning of a key.
            after: only objects after this address are returned, and folders that may contain
                some; it need not exist.
        """

    def check(self) -> None:
        """Check that storage answers and accepts the credentials."""


class MemoryStore:
    """An in-memory ObjectStore for unit tests; its buckets are given to the constructor."""

    def __init__(self, *buckets: str) -> None:
        self.objects: dict[str, dict[str, bytes]] = {bucket: {} for bucket in buckets}
        self.modified: dict[str, float] = {}
        """Address -> modification time in listings, in seconds since the epoch; set by tests."""

    def _bucket(self, uri: str) -> tuple[dict[str, bytes], str]:
        bucket, key = split_uri(uri)
        if bucket not in self.objects:
            raise BucketMissing(f"bucket {bucket} does not exist")
        return self.objects[bucket], key

    def _info(self, uri: str, body: bytes) -> ObjectInfo:
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        modified = self.modified.get(uri)
        return ObjectInfo(uri=uri, etag=etag, size_bytes=len(body), modified=modified)

    def _body(self, uri: str) -> bytes:
        objects, key = self._bucket(uri)
        if key not in objects:
            raise ObjectMissing(f"{uri} does not exist")
        return objects[key]

    def head(self, uri: str) -> ObjectInfo:
        """See ObjectStore."""
        return self._info(uri, self._body(uri))

    def read(self, uri: str) -> bytes:
        """See ObjectStore."""
        return self._body(uri)

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """See ObjectStore."""
        body = self.read(uri)
        check_size(uri, len(body), limit_bytes)
        into.write(body)
        into.seek(0)
        return self._info(uri, body)

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""
        return self.read(uri)[start : start + length]

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        """See ObjectStore."""
        objects, key = self._bucket(uri)
        objects[key] = body
        return self._info(uri, body).etag

    def upload(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore."""
        self.write(uri, file.read(), "application/octet-stream")

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        objects, key = self._bucket(uri)
        objects.pop(key, None)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        objects, start = self._bucket(prefix)
        bucket, _ = split_uri(prefix)
        for key in sorted(objects):
            uri = f"s3://{bucket}/{key}"
            if key.startswith(start) and uri > after:
                yield self._info(uri, objects[key])

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """See ObjectStore."""
        last = Folder("")
        for found in self.list(prefix, after=after):
            name, slash, _ = found.uri.removeprefix(prefix).partition("/")
            folder = Folder(f"{prefix}{name}/")
            if not slash:
                yield found
            elif folder != last:
                last = folder
                yield folder

    def check(self) -> None:
        """See ObjectStore."""
