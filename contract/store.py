"""The port to object storage: what the fleet needs of it, its errors, and one in memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from contract.layout import split_uri


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """What a listing, a HEAD or a download says of an object."""

    uri: str
    etag: str
    size_bytes: int
    modified: float | None = field(default=None, compare=False)
    """When it was last written, in seconds since the epoch; downloads do not tell."""


@dataclass(frozen=True)
class Folder:
    """Everything below s3://bucket/.../, seen from the level above."""

    uri: str
    """Ends with a slash."""


class StoreError(Exception):
    """Object storage did not do what was asked."""


class ObjectMissing(StoreError):
    """There is no such object: check the address, or whether it was deleted since listing."""


class BucketMissing(ObjectMissing):
    """There is no such bucket: check its name and region, or create it."""


class ObjectDenied(StoreError):
    """Storage refused access: grant these credentials the permission, or use others."""


class ObjectTooLarge(StoreError):
    """The object is larger than the caller takes: raise FLEET_MAX_BYTES, or cut the file."""


class CredentialsRefused(StoreError):
    """Storage does not accept the credentials: check AWS_ACCESS_KEY_ID and the secret."""


class StoreUnavailable(StoreError):
    """Storage cannot be reached or is failing: check AWS_ENDPOINT_URL_S3; try again later."""


class ObjectIncomplete(StoreUnavailable):
    """Storage delivered other bytes than it lists: look for a proxy or cache that cuts answers."""


def check_size(uri: str, size_bytes: int, limit_bytes: int | None) -> None:
    """Refuse what is larger than the limit, or has become so while it came.

    Raises:
        ObjectTooLarge: naming both.
    """
    if limit_bytes is not None and size_bytes > limit_bytes:
        raise ObjectTooLarge(
            f"{uri} has {size_bytes} bytes or more, FLEET_MAX_BYTES allows {limit_bytes}"
        )


class ObjectStore(Protocol):
    """Objects by s3:// address. Every method raises the StoreErrors above and no others."""

    def head(self, uri: str) -> ObjectInfo:
        """What is known of an object without its bytes.

        The answer to a HEAD has no body, so S3 cannot say why it refuses: a missing bucket may
        come as ObjectMissing, and refused credentials as ObjectDenied.
        """

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the object's bytes into a file and leave the file at its beginning.

        Args:
            uri: which object.
            into: an empty file.
            limit_bytes: of a larger object, ObjectTooLarge is raised and little is fetched,
                whatever size storage announces.
        """

    def read(self, uri: str) -> bytes:
        """The whole of a small object."""

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """These bytes of an object: fewer at its end, none behind it."""

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        """Create or replace an object at once: readers see the old or the new one.

        Returns:
            The ETag of what was written, as listings show it.
        """

    def upload(self, uri: str, file: BinaryIO) -> None:
        """Create or replace an object from a file of any size."""

    def delete(self, uri: str) -> None:
        """Remove an object; one that is not there is no error."""

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Every object below an s3:// prefix, in order of key.

        Args:
            prefix: s3://bucket/ and the beginning of a key.
            after: address that need not exist; only objects behind it are wanted.
        """

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """What lies directly below an s3:// prefix, in order of key; '/' parts the levels.

        Args:
            prefix: s3://bucket/ and the beginning of a key.
            after: address that need not exist; only objects behind it are wanted, and folders
                that can hold some.
        """

    def check(self) -> None:
        """Prove that storage answers and accepts the credentials."""


class MemoryStore:
    """An ObjectStore in memory, for tests of pure logic; buckets must be created first."""

    def __init__(self, *buckets: str) -> None:
        self.objects: dict[str, dict[str, bytes]] = {bucket: {} for bucket in buckets}
        self.modified: dict[str, float] = {}
        """Address -> what listings say of when it was written; a test may fill it in."""

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
