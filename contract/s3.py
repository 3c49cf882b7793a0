"""The ObjectStore on S3 or anything that speaks its API, by way of boto3."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from contract.layout import split_uri
from contract.store import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)

_REFUSED = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "AuthorizationHeaderMalformed",
    "RequestTimeTooSkewed",
}
_DENIED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled"}
_MISSING = {"NoSuchKey", "404", "NotFound"}
_BUSY = {"SlowDown", "RequestTimeout", "TooManyRequests", "OperationAborted"}
_BUSY_STATUS = {408, 409, 429}
_CHUNK_BYTES = 1 << 20


def translate(error: Exception, uri: str) -> StoreError:
    """The StoreError that says in our words what botocore said in its own."""
    from botocore import exceptions

    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return CredentialsRefused(f"no credentials for {uri}: set AWS_ACCESS_KEY_ID and the secret")
    if isinstance(error, exceptions.ParamValidationError):
        return ObjectMissing(f"{uri} is no valid address of an object")
    if not isinstance(error, exceptions.ClientError):
        return StoreUnavailable(f"storage does not answer for {uri}: {error}")
    return _translate_answer(error.response, uri)


def _translate_answer(answer: dict[str, Any], uri: str) -> StoreError:
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    bucket, _ = split_uri(uri)
    if code == "NoSuchBucket":
        return BucketMissing(f"bucket {bucket} does not exist")
    if code in _MISSING:
        return ObjectMissing(f"{uri} does not exist")
    if code in _REFUSED:
        return CredentialsRefused(f"storage refused the credentials ({code}) for {uri}")
    if code in _DENIED:
        return ObjectDenied(f"access to {uri} was denied")
    if code in _BUSY or "Throttl" in code or status in _BUSY_STATUS or status >= 500:
        return StoreUnavailable(f"storage failed for {uri}: {code or status}")
    return ObjectDenied(f"storage refuses {uri}: {code or status}")  # archived, moved, ...


@contextlib.contextmanager
def _translated(uri: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translate(error, uri) from error


def _addressing_style() -> str:
    """Self-hosted stores seldom have the wildcard DNS that bucket-in-host addresses need."""
    own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return "path" if own else "auto"


def _quoted(etag: str) -> str:
    """Some stores leave the quotes out of listings; results are compared by ETag."""
    return f'"{etag.strip(chr(34))}"'


class S3Store:
    """An ObjectStore configured by the standard AWS_* variables, AWS_ENDPOINT_URL_S3 included.

    Make it in the process that uses it: boto3 clients do not survive a fork.
    """

    def __init__(self) -> None:
        import boto3
        from botocore.config import Config

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
        with _translated("s3://"):
            # a session of its own: boto3's default one remembers the first credentials it saw
            self._client: Any = boto3.session.Session().client("s3", config=config)

    def download(self, uri: str, into: BinaryIO) -> ObjectInfo:
        """See ObjectStore."""
        bucket, key = split_uri(uri)
        with _translated(uri):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with contextlib.closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    into.write(chunk)
        size_bytes = into.tell()
        into.seek(0)
        return ObjectInfo(uri=uri, etag=_quoted(answer["ETag"]), size_bytes=size_bytes)

    def read(self, uri: str) -> bytes:
        """See ObjectStore."""
        bucket, key = split_uri(uri)
        with _translated(uri):
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def write(self, uri: str, body: bytes, content_type: str) -> None:
        """See ObjectStore."""
        bucket, key = split_uri(uri)
        with _translated(uri):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def upload(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore."""
        bucket, key = split_uri(uri)
        with _translated(uri):
            self._client.upload_fileobj(file, bucket, key)

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        bucket, key = split_uri(uri)
        with _translated(uri), contextlib.suppress(ObjectMissing):
            self._client.delete_object(Bucket=bucket, Key=key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        bucket, start = split_uri(prefix)
        with _translated(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=start):
                for item in page.get("Contents", ()):
                    yield ObjectInfo(
                        uri=f"s3://{bucket}/{item['Key']}",
                        etag=_quoted(item["ETag"]),
                        size_bytes=item["Size"],
                    )

    def check(self) -> None:
        """See ObjectStore."""
        # being denied the list of all buckets still proves the credentials
        with contextlib.suppress(ObjectDenied), _translated("s3://"):
            self._client.list_buckets()
