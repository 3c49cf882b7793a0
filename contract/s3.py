"""The ObjectStore on S3 or anything that speaks its API, by way of boto3."""

import contextlib
import os
from collections.abc import Collection, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, BinaryIO

from contract.audio_address import shown
from contract.layout import split_uri
from contract.s3_errors import nothing_behind_the_end, translated
from contract.settings import BadConfiguration, Settings, listed
from contract.store import Folder, ObjectDenied, ObjectInfo, ObjectMissing, check_size

_CHUNK_BYTES = 1 << 20


def _addressing_style() -> str:
    """Self-hosted stores seldom have the wildcard DNS that bucket-in-host addresses need."""
    own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return "path" if own else "auto"


@contextlib.contextmanager
def _valid_endpoint() -> Iterator[None]:
    """What botocore says of one that is no address is no error of its own, and quotes it.

    Raises:
        BadConfiguration: without the value, in which there may be a password.
    """
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except BotoCoreError:  # some are ValueErrors, of other things
        raise
    except ValueError:
        raise BadConfiguration(
            "the endpoint of S3 is no address: set AWS_ENDPOINT_URL_S3 to http://host:port or "
            "https://host"
        ) from None


def _quoted(etag: str) -> str:
    """Some stores leave the quotes out of listings; results are compared by ETag."""
    return f'"{etag.strip(chr(34))}"'


def _info(bucket: str, item: dict[str, Any]) -> ObjectInfo:
    """An entry of a listing."""
    return ObjectInfo(
        uri=f"s3://{bucket}/{item['Key']}",
        etag=_quoted(item["ETag"]),
        size_bytes=item["Size"],
        modified=item["LastModified"].timestamp(),
    )


def _session() -> Any:
    """A session that reads the times of a listing fast: half its cost goes into them otherwise."""
    import botocore.session

    session = botocore.session.Session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    return session


def _moment(text: str) -> datetime:
    """Listings use ISO 8601 in UTC, which Python reads itself; headers do not."""
    from botocore.utils import parse_timestamp

    if text.endswith("Z"):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text)
    moment: datetime = parse_timestamp(text)
    return moment


def _start_after(key: str) -> dict[str, str]:
    return {"StartAfter": key} if key else {}


def _before_its_folder(prefix: str, key: str) -> str:
    """A key to start behind, such that the folder which holds this key is still listed.

    Whether a folder is listed when a listing starts within it depends on the make of the store:
    Ceph and rclone leave it out. Its name without the slash lies before it everywhere.
    """
    name, slash, _ = key.removeprefix(prefix).partition("/")
    return prefix + name if slash and key.startswith(prefix) else key


class S3Store:
    """An ObjectStore configured by the standard AWS_* variables, AWS_ENDPOINT_URL_S3 included.

    Make it in the process that uses it: boto3 clients do not survive a fork.
    """

    def __init__(self, allowed_buckets: Collection[str] | None = None) -> None:
        """Connect to nothing yet.

        Args:
            allowed_buckets: the only ones read and written, empty for all; by default those of
                FLEET_ALLOWED_BUCKETS, so that nobody who makes a store can forget them.

        Raises:
            BadConfiguration: the endpoint is no address.
            StoreError: another AWS_* variable is wrong.
        """
        import boto3
        from botocore.config import Config

        if allowed_buckets is None:
            allowed_buckets = listed(Settings.load().allowed_buckets)
        self._allowed = frozenset(allowed_buckets)
        config = Config(
            s3={"addressing_style": _addressing_style()},
            # ranged reads of stores that return whole-object checksums fail otherwise
            response_checksum_validation="when_required",
            request_checksum_calculation="when_required",
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=32,
        )
        with translated("s3://"), _valid_endpoint():
            # a session of its own: boto3's default one remembers the first credentials it saw
            self._client: Any = boto3.session.Session(botocore_session=_session()).client(
                "s3", config=config
            )

    def _place(self, uri: str) -> tuple[str, str]:
        """Bucket and key of an address that is about to be used.

        Raises:
            ObjectDenied: the bucket is none of those allowed.
        """
        if not uri.startswith("s3://"):  # with its query it must not get into a message
            raise ObjectDenied(f"{shown(uri)} is no address in S3")
        bucket, key = split_uri(uri)
        if self._allowed and bucket not in self._allowed:
            raise ObjectDenied(f"bucket {bucket} is not in FLEET_ALLOWED_BUCKETS")
        return bucket, key

    def head(self, uri: str) -> ObjectInfo:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.head_object(Bucket=bucket, Key=key)
        return ObjectInfo(
            uri=uri,
            etag=_quoted(answer["ETag"]),
            size_bytes=answer["ContentLength"],
            modified=answer["LastModified"].timestamp() if "LastModified" in answer else None,
        )

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with contextlib.closing(answer["Body"]) as body:
                check_size(uri, answer.get("ContentLength", 0), limit_bytes)
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    into.write(chunk)
                    check_size(uri, into.tell(), limit_bytes)
        size_bytes = into.tell()
        into.seek(0)
        return ObjectInfo(uri=uri, etag=_quoted(answer["ETag"]), size_bytes=size_bytes)

    def read(self, uri: str) -> bytes:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri):
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""
        if length <= 0:
            return b""
        bucket, key = self._place(uri)
        wanted = f"bytes={start}-{start + length - 1}"
        with translated(uri), nothing_behind_the_end():
            answer = self._client.get_object(Bucket=bucket, Key=key, Range=wanted)
            with contextlib.closing(answer["Body"]) as stream:
                if "ContentRange" not in answer:  # a store that knows no ranges sends it all
                    stream.read(start)
                body: bytes = stream.read(length)
                return body
        return b""

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri):
            answer = self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type
            )
        return _quoted(answer["ETag"])

    def upload(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri):
            self._client.upload_fileobj(file, bucket, key)

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        bucket, key = self._place(uri)
        with translated(uri), contextlib.suppress(ObjectMissing):
            self._client.delete_object(Bucket=bucket, Key=key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        bucket, key = self._place(prefix)
        for page in self._pages(prefix, Prefix=key, **_start_after(split_uri(after)[1])):
            for item in page.get("Contents", ()):
                found = _info(bucket, item)
                if found.uri > after:
                    yield found

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """See ObjectStore."""
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
        """A listing's answers, of up to 1,000 entries each."""
        bucket, _ = self._place(prefix)
        with translated(prefix):
            yield from self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, **wanted
            )

    def check(self) -> None:
        """See ObjectStore."""
        # being denied the list of all buckets still proves the credentials
        with contextlib.suppress(ObjectDenied), translated("s3://"):
            self._client.list_buckets()
