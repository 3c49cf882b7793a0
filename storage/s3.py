"""The ObjectStore on S3 or an S3-compatible service, through boto3."""

import contextlib
import os
from collections.abc import Collection, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, BinaryIO

from funasr_fleet.contract.audio_address import shown
from funasr_fleet.contract.layout import split_uri
from funasr_fleet.settings import Settings, listed
from funasr_fleet.storage.base import (
    MAX_DOCUMENT_BYTES,
    BucketNotAllowed,
    DocumentTooLarge,
    Folder,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    RequestImpossible,
    check_size,
)
from funasr_fleet.storage.etags import etag_of, stated_md5
from funasr_fleet.storage.s3_errors import nothing_behind_the_end, translated, valid_endpoint

_CHUNK_BYTES = 1 << 20


def _addressing_style() -> str:
    """Path style for custom endpoints, which rarely have the wildcard DNS of virtual hosts."""
    own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return "path" if own else "auto"


def _info(bucket: str, item: dict[str, Any]) -> ObjectInfo:
    """The ObjectInfo of an entry of a listing."""
    uri = f"s3://{bucket}/{item['Key']}"
    return ObjectInfo(
        uri=uri,
        etag=etag_of(item, uri),
        size_bytes=item["Size"],
        modified=item["LastModified"].timestamp(),
    )


def _session() -> Any:
    """A session with a faster timestamp parser: botocore's takes half the time of a listing."""
    import botocore.session

    session = botocore.session.Session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    return session


def _moment(text: str) -> datetime:
    """Parse ISO 8601 in UTC, as in listings, with Python's parser; headers have other formats."""
    from botocore.utils import parse_timestamp

    if text.endswith("Z"):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text)
    moment: datetime = parse_timestamp(text)
    return moment


def _start_after(key: str) -> dict[str, str]:
    return {"StartAfter": key} if key else {}


def _before_its_folder(prefix: str, key: str) -> str:
    """A key to start after, such that the folder that contains the given key is still listed.

    When a listing starts inside a folder, some stores (Ceph, rclone) leave that folder out. Its
    name without the slash sorts before it in every store.
    """
    name, slash, _ = key.removeprefix(prefix).partition("/")
    return prefix + name if slash and key.startswith(prefix) else key


class S3Store:
    """An ObjectStore configured by the standard AWS_* variables, including AWS_ENDPOINT_URL_S3.

    Create it in the process that uses it: boto3 clients do not survive a fork.
    """

    def __init__(self, allowed_buckets: Collection[str] | None = None) -> None:
        """Create a client, without connecting yet.

        Args:
            allowed_buckets: the only buckets that may be used, empty for all. The default is
                FLEET_ALLOWED_BUCKETS, so that no caller can forget to apply it.

        Raises:
            BadConfiguration: the endpoint is not a valid address.
            StoreError: another AWS_* variable is invalid.
        """
        import boto3
        from botocore.config import Config

        if allowed_buckets is None:
            allowed_buckets = listed(Settings.load().allowed_buckets)
        self._allowed = frozenset(allowed_buckets)
        config = Config(
            s3={"addressing_style": _addressing_style()},
            # otherwise range requests fail on stores that return whole-object checksums
            response_checksum_validation="when_required",
            request_checksum_calculation="when_required",
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=32,
        )
        with translated("s3://"), valid_endpoint():
            # a separate session: boto3's default session keeps the first credentials it saw
            self._client: Any = boto3.session.Session(botocore_session=_session()).client(
                "s3", config=config
            )

    def _place(self, uri: str) -> tuple[str, str]:
        """Bucket and key of an address.

        Raises:
            BucketNotAllowed: the bucket is not in FLEET_ALLOWED_BUCKETS.
        """
        if not uri.startswith("s3://"):  # the query must not get into an error message
            raise ObjectDenied(f"{shown(uri)} is not an s3:// address")
        bucket, key = split_uri(uri)
        if self._allowed and bucket not in self._allowed:
            raise BucketNotAllowed(f"bucket {bucket} is not in FLEET_ALLOWED_BUCKETS")
        return bucket, key

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of an object, from a HEAD request."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.head_object(Bucket=bucket, Key=key)
        return ObjectInfo(
            uri=uri,
            etag=etag_of(answer, uri),
            size_bytes=answer["ContentLength"],
            modified=answer["LastModified"].timestamp() if "LastModified" in answer else None,
        )

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write an object's content into a file, chunk by chunk, and rewind the file."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with contextlib.closing(answer["Body"]) as body:
                etag = etag_of(answer, uri)
                check_size(uri, answer.get("ContentLength", 0), limit_bytes)
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    into.write(chunk)
                    check_size(uri, into.tell(), limit_bytes)
        size_bytes = into.tell()
        into.seek(0)
        return ObjectInfo(uri=uri, etag=etag, size_bytes=size_bytes, md5=stated_md5(answer))

    def read(self, uri: str) -> bytes:
        """The content of a document. Raises DocumentTooLarge above MAX_DOCUMENT_BYTES."""
        bucket, key = self._place(uri)
        with translated(uri):
            stream = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            with contextlib.closing(stream):
                body: bytes = stream.read(MAX_DOCUMENT_BYTES)
                is_whole = not stream.read(1)  # at the end, botocore compares the length
        if not is_whole:
            raise DocumentTooLarge(f"{uri} has more than {MAX_DOCUMENT_BYTES} bytes")
        return body

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """A byte range of an object, also from a store that ignores ranges."""
        if length <= 0:
            return b""
        bucket, key = self._place(uri)
        wanted = f"bytes={start}-{start + length - 1}"
        with translated(uri), nothing_behind_the_end():
            answer = self._client.get_object(Bucket=bucket, Key=key, Range=wanted)
            with contextlib.closing(answer["Body"]) as stream:
                if "ContentRange" not in answer:  # a store without range support sends it all
                    stream.read(start)
                body: bytes = stream.read(length)
                return body
        return b""

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        """Create or replace an object atomically; returns its ETag."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type
            )
        return etag_of(answer, uri)

    def upload(self, uri: str, file: BinaryIO) -> None:
        """Create or replace an object from a file, in several parts if it is large."""
        bucket, key = self._place(uri)
        with translated(uri):
            self._client.upload_fileobj(file, bucket, key)

    def delete(self, uri: str) -> None:
        """Delete an object; a missing object is not an error."""
        bucket, key = self._place(uri)
        with contextlib.suppress(ObjectMissing), translated(uri):
            self._client.delete_object(Bucket=bucket, Key=key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Every object below a prefix, in key order."""
        bucket, key = self._place(prefix)
        for page in self._pages(prefix, Prefix=key, **_start_after(split_uri(after)[1])):
            for item in page.get("Contents", ()):
                found = _info(bucket, item)
                if found.uri > after:
                    yield found

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """Objects and folders directly below a prefix, in key order."""
        bucket, key = self._place(prefix)
        start = _start_after(_before_its_folder(key, split_uri(after)[1]))
        for page in self._pages(prefix, Prefix=key, Delimiter="/", **start):
            level: list[ObjectInfo | Folder] = [_info(bucket, i) for i in page.get("Contents", ())]
            folders = (item["Prefix"] for item in page.get("CommonPrefixes", ()))
            level += [Folder(f"s3://{bucket}/{folder}") for folder in folders]
            for one in sorted(level, key=attrgetter("uri")):
                if one.uri > after or (isinstance(one, Folder) and after.startswith(one.uri)):
                    yield one

    def _pages(self, prefix: str, **wanted: str) -> Iterator[dict[str, Any]]:
        """The pages of a listing, of up to 1,000 entries each."""
        bucket, _ = self._place(prefix)
        with translated(prefix):
            yield from self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, **wanted
            )

    def check(self) -> None:
        """Check that storage answers and accepts the credentials, by listing the buckets."""
        try:
            with translated("s3://"):
                self._client.list_buckets()
        except RequestImpossible:
            raise
        except ObjectDenied:
            return  # storage has accepted the credentials nevertheless
