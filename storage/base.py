"""The ObjectStore protocol and its errors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """Metadata of an object, from a listing, a HEAD request or a download."""

    uri: str
    etag: str
    size_bytes: int
    modified: float | None = field(default=None, compare=False)
    """When it was last written, in seconds since the epoch; None after a download."""
    md5: str = field(default="", compare=False)
    """MD5 of the content in hex, as storage states it; empty if unknown, or if not downloaded."""
    is_unverified: bool = field(default=False, compare=False)
    """Whether the downloaded bytes do not have this MD5, as usual in their bucket."""


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


class BucketNotAllowed(ObjectDenied):
    """FLEET_ALLOWED_BUCKETS does not list the bucket: add it, or use another bucket."""


class RequestImpossible(ObjectDenied):
    """No request can be made: correct the address, or the AWS_* setting that the message names."""


class ObjectTooLarge(StoreError):
    """The object exceeds the caller's size limit: raise FLEET_MAX_BYTES, or split the file."""


class DocumentTooLarge(StoreError, ValueError):
    """The object is larger than any document of this project: delete it."""


class StoreUnavailable(StoreError):
    """Storage cannot be reached or is failing: check AWS_ENDPOINT_URL_S3; try again later."""


class CredentialsRefused(StoreUnavailable):
    """Storage rejected the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""


class ObjectIncomplete(StoreUnavailable):
    """Storage delivered other bytes than listed: look for a proxy or cache that changes them."""


MAX_DOCUMENT_BYTES = 128 << 20
"""The result of a recording of twelve hours, with words, takes some 10 MB."""


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
            limit_bytes: size limit. ObjectTooLarge is raised as soon as the announced or received
                size exceeds it.
        """

    def read(self, uri: str) -> bytes:
        """The content of a document.

        Raises DocumentTooLarge, also a ValueError, above MAX_DOCUMENT_BYTES.
        """

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
